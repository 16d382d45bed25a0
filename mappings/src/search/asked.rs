//! What one parameter asks: its modifier and its values, by what the parameter is about.

use jiff::tz::TimeZone;

use super::clause::{Ids, StatusCode, Test};
use super::composite::{CompositeOf, CompositeValue};
use super::date::DateValue;
use super::identifiers::TypedNumber;
use super::joined::{Hierarchy, Join, Via};
use super::names::{TextMode, TextOf, TextValue};
use super::params::{Kind, Of, Parameter};
use super::quantity::QuantityValue;
use super::references::ReferenceOf;
use super::tokens::TokenOf;
use super::values::{Target, Token, UriMode, UriValue, reference, split, unescape};
use super::{Clause, Query, Reason, VALUE_BYTES_MAX, VALUES_MAX, text};
use crate::fhir::FhirVersion;
use crate::fhir::codes::administrative_sex::Gender;
use crate::fhir::codes::{stay_status, systems};
use crate::records::{RecordType, ResourceId, StayStatus};

/// In which place a parameter is asked.
#[derive(Clone, Copy)]
pub(super) struct Place<'z> {
    pub(super) record_type: RecordType,
    pub(super) version: FhirVersion,
    /// The clock of dates without an offset.
    pub(super) zone: &'z TimeZone,
}

const UNSUPPORTED: Reason = Reason::ModifierUnsupported;

/// The test of a parameter.
pub(super) fn test(
    place: Place<'_>,
    parameter: &Parameter,
    modifier: &str,
    raw: &str,
) -> Result<Test, Reason> {
    let values = split(raw, ',');
    if values.len() > VALUES_MAX {
        return Err(Reason::TooManyValues { values: values.len(), limit: VALUES_MAX });
    }
    for value in &values {
        let bytes = value.len();
        if value.trim().is_empty() {
            return Err(Reason::ValueEmpty);
        }
        if bytes > VALUE_BYTES_MAX {
            return Err(Reason::ValueTooLong { bytes, limit: VALUE_BYTES_MAX });
        }
    }
    let asked = Asked { place, parameter, values: &values };
    match modifier {
        "" => asked.plain(),
        "missing" => asked.missing(raw),
        "not" if parameter.kind == Kind::Token && parameter.of != Of::Id => {
            Ok(Test::Not(Box::new(asked.plain()?)))
        }
        "text" => asked.coded_text(),
        "exact" if parameter.kind == Kind::String => asked.text(TextMode::Exact),
        "contains" if parameter.kind == Kind::String => asked.text(TextMode::Contains),
        "of-type" if parameter.of == Of::Identifier => {
            let read = |v: &&str| TypedNumber::parse(v).ok_or(Reason::TypedNumberMalformed);
            Ok(Test::IdentifierOfType(values.iter().map(read).collect::<Result<_, _>>()?))
        }
        "identifier" if parameter.kind == Kind::Reference => asked.numbered(),
        "above" | "below" => asked.hierarchy(modifier == "below"),
        of_type => asked.of_type(of_type),
    }
}

struct Asked<'a> {
    place: Place<'a>,
    parameter: &'a Parameter,
    values: &'a [&'a str],
}

impl Asked<'_> {
    fn plain(&self) -> Result<Test, Reason> {
        let Place { version, zone, .. } = self.place;
        let values = self.values;
        Ok(match self.parameter.of {
            Of::Id => Test::Id(references(values, &[])?),
            Of::LastUpdated => Test::LastUpdated(self.dates()?),
            Of::Identifier => Test::Identifier(tokens(values)?),
            Of::Family | Of::Given | Of::PersonName | Of::Name | Of::Strings(_) => {
                self.text(TextMode::StartsWith)?
            }
            Of::Phonetic => {
                let values = texts(values, TextMode::StartsWith)?;
                Test::Phonetic { of: self.name_of(), values }
            }
            Of::Contact(of) => Test::Contact { of, tokens: tokens(values)? },
            Of::BirthDate => Test::BirthDate(self.dates()?),
            Of::Gender => Test::Gender(codes(values, systems::ADMINISTRATIVE_GENDER, |code| {
                Gender::from_code(code).map(Some)
            })?),
            Of::Active => Test::Active(booleans(values)?),
            Of::Deceased => {
                let asked = booleans(values)?;
                match (asked.contains(&true), asked.contains(&false)) {
                    (true, true) => Test::All,
                    (true, false) => Test::Deceased,
                    _ => Test::Not(Box::new(Test::Deceased)),
                }
            }
            Of::Status => Test::Status(codes(values, systems::ENCOUNTER_STATUS, |code| {
                status(code, version)
            })?),
            Of::Class => Test::Class(tokens(values)?),
            Of::Period => Test::Period { values: self.dates()?, zone: zone.clone() },
            Of::Start => Test::Start { values: self.dates()?, zone: zone.clone() },
            Of::End => Test::End { values: self.dates()?, zone: zone.clone() },
            Of::Dates(of) => Test::Dates { of, values: self.dates()?, zone: zone.clone() },
            Of::Coded(of) => Test::Coded { of, version, tokens: tokens(values)? },
            Of::Quantity(of) => Test::Quantity { of, version, values: quantities(values)? },
            Of::Composite(of) => {
                let values = values.iter().map(|value| self.composite(of, value));
                let values = values.collect::<Result<_, _>>()?;
                Test::Composite { of, version, values, zone: zone.clone() }
            }
            Of::Profile => self.profile(UriMode::Exact),
            Of::Security => Test::Security { version, tokens: tokens(values)? },
            Of::Patient | Of::Places | Of::Entity | Of::Refers(_) => {
                let ids = references(values, self.parameter.targets)?;
                via(self.parameter.of, version).ok_or(UNSUPPORTED)?.test(ids)
            }
            Of::Never => self.never()?,
        })
    }

    /// The values must be such as the parameter takes all the same.
    fn never(&self) -> Result<Test, Reason> {
        match self.parameter.kind {
            Kind::Token => drop(tokens(self.values)?),
            Kind::Date => drop(self.dates()?),
            Kind::Quantity => drop(quantities(self.values)?),
            Kind::String | Kind::Reference | Kind::Composite | Kind::Uri | Kind::Special => {}
        }
        Ok(Test::Nothing)
    }

    fn missing(&self, raw: &str) -> Result<Test, Reason> {
        if matches!(self.parameter.of, Of::Id | Of::LastUpdated) {
            return Err(UNSUPPORTED);
        }
        let has = match self.parameter.of {
            Of::Never => Test::Nothing,
            of => Test::Has { of, name: self.name_of(), version: self.place.version },
        };
        match raw {
            "true" => Ok(Test::Not(Box::new(has))),
            "false" => Ok(has),
            _ => Err(Reason::BooleanMalformed),
        }
    }

    const fn name_of(&self) -> TextOf {
        match (self.parameter.of, self.place.record_type) {
            (Of::Family, _) => TextOf::Family,
            (Of::Given, _) => TextOf::Given,
            (_, RecordType::Location | RecordType::Organization) => TextOf::Name,
            _ => TextOf::PersonName,
        }
    }

    fn text(&self, mode: TextMode) -> Result<Test, Reason> {
        let version = self.place.version;
        let values = texts(self.values, mode)?;
        match self.parameter.of {
            Of::Strings(of) => Ok(Test::Strings { of, version, mode, values }),
            Of::Never => Ok(Test::Nothing),
            // How a name sounds is nothing that it could contain.
            Of::Phonetic => Err(UNSUPPORTED),
            _ => Ok(Test::Text { of: self.name_of(), mode, values }),
        }
    }

    fn coded_text(&self) -> Result<Test, Reason> {
        let values = texts(self.values, TextMode::StartsWith)?;
        match self.parameter.of {
            Of::Coded(of) => Ok(Test::CodedText { of, version: self.place.version, values }),
            Of::Class => {
                let of = TokenOf::Class;
                Ok(Test::CodedText { of, version: self.place.version, values })
            }
            Of::Never if self.parameter.kind == Kind::Token => Ok(Test::Nothing),
            _ => Err(UNSUPPORTED),
        }
    }

    fn dates(&self) -> Result<Vec<DateValue>, Reason> {
        let read = |v: &&str| DateValue::parse(v, self.place.zone).ok_or(Reason::DateMalformed);
        self.values.iter().map(read).collect()
    }

    fn composite(&self, of: CompositeOf, value: &str) -> Result<CompositeValue, Reason> {
        let [first, second] = split(value, '$')[..] else {
            return Err(Reason::CompositeMalformed);
        };
        if first.trim().is_empty() || second.trim().is_empty() {
            return Err(Reason::CompositeMalformed);
        }
        let token = |text| Token::parse(text).ok_or(Reason::TokenMalformed);
        let date = |text| DateValue::parse(text, self.place.zone).ok_or(Reason::DateMalformed);
        Ok(match of {
            CompositeOf::Concept(_) => CompositeValue::Concept(token(first)?, token(second)?),
            CompositeOf::Quantity(_) => {
                let quantity = QuantityValue::parse(second).ok_or(Reason::QuantityMalformed)?;
                CompositeValue::Quantity(token(first)?, quantity)
            }
            CompositeOf::String => {
                CompositeValue::String(token(first)?, text_value(second, TextMode::StartsWith)?)
            }
            CompositeOf::Date => CompositeValue::Date(token(first)?, date(second)?),
            CompositeOf::PlacePeriod => {
                let places = references(&[first], &[RecordType::Location])?;
                CompositeValue::PlacePeriod(places, date(second)?)
            }
        })
    }

    fn profile(&self, mode: UriMode) -> Test {
        let values = self.values.iter().map(|value| UriValue::new(value, mode)).collect();
        Test::Profile { version: self.place.version, values }
    }

    /// A reference by the number that it says, of whatever type the record is that has it.
    fn numbered(&self) -> Result<Test, Reason> {
        let tokens = tokens(self.values)?;
        let via = match self.parameter.of {
            // Which has rows of its number, since there may be no record of it.
            Of::Refers(of @ ReferenceOf::Account) => {
                let (version, ids) = (self.place.version, Ids::new(Vec::new()));
                return Ok(Test::Numbered { of, version, tokens, ids });
            }
            Of::Refers(of) => Via::Number(of, self.place.version, tokens.clone()),
            Of::Entity => Via::Entity,
            // These are never referred to by number.
            _ => return Ok(Test::Nothing),
        };
        let by_number = |target: RecordType| {
            let clause = Clause::new("identifier", Test::Identifier(tokens.clone()));
            Query::of(target, vec![clause])
        };
        let mut queries: Vec<Query> =
            self.parameter.targets.iter().copied().map(by_number).collect();
        if self.parameter.targets.contains(&RecordType::PractitionerRole) {
            // What somebody is here is named by who it is.
            let via = Via::Element(ReferenceOf::Practitioner, self.place.version);
            let join = Join::Found(vec![by_number(RecordType::Practitioner)]);
            let clause = Clause::new("practitioner", Test::Joined { join, via });
            queries.push(Query::of(RecordType::PractitionerRole, vec![clause]));
        }
        Ok(Test::Joined { join: Join::Found(queries), via })
    }

    /// `subject:Patient=id`; what is no reference has no targets.
    fn of_type(&self, of_type: &str) -> Result<Test, Reason> {
        let version = self.place.version;
        let mut targets = self.parameter.targets.iter();
        let target = targets.find(|target| target.fhir() == of_type).ok_or(UNSUPPORTED)?;
        let ids = references(self.values, &[*target])?;
        Ok(via(self.parameter.of, version).ok_or(UNSUPPORTED)?.test(ids))
    }

    fn hierarchy(&self, below: bool) -> Result<Test, Reason> {
        let mode = if below { UriMode::Below } else { UriMode::Above };
        match self.parameter.of {
            Of::Profile => return Ok(self.profile(mode)),
            Of::Never if self.parameter.kind == Kind::Uri => return Ok(Test::Nothing),
            _ => {}
        }
        let via = via(self.parameter.of, self.place.version).ok_or(UNSUPPORTED)?;
        let is_tree = |target: &&RecordType| {
            matches!(target, RecordType::Location | RecordType::Organization)
        };
        let record_type = *self.parameter.targets.iter().find(is_tree).ok_or(UNSUPPORTED)?;
        let roots = references(self.values, &[record_type])?;
        let hierarchy = Hierarchy {
            record_type,
            roots: roots.iter().copied().collect(),
            version: self.place.version,
        };
        let join = if below { Join::Below(hierarchy) } else { Join::Above(hierarchy) };
        Ok(Test::Joined { join, via })
    }
}

/// How a reference parameter looks at a record; `None` of one that does not refer.
pub(super) fn via(of: Of, version: FhirVersion) -> Option<Via> {
    Some(match of {
        Of::Patient => Via::Patient,
        Of::Places => Via::Location,
        Of::Entity => Via::Entity,
        Of::Refers(of) => Via::Element(of, version),
        _ => return None,
    })
}

fn texts(values: &[&str], mode: TextMode) -> Result<Vec<TextValue>, Reason> {
    values.iter().map(|value| text_value(value, mode)).collect()
}

fn text_value(value: &str, mode: TextMode) -> Result<TextValue, Reason> {
    let raw = unescape(value).trim().to_owned();
    let folded = text::normalise(&raw);
    if folded.is_empty() && mode != TextMode::Exact {
        // It would match everything.
        return Err(Reason::TextWithoutLetters);
    }
    Ok(TextValue { raw, folded })
}

fn references(values: &[&str], types: &[RecordType]) -> Result<Ids, Reason> {
    let mut ids: Vec<ResourceId> = Vec::with_capacity(values.len());
    for value in values {
        match reference(value, types).ok_or(Reason::ReferenceMalformed)? {
            Target::Id(id) => ids.push(id),
            Target::Foreign => {}
        }
    }
    Ok(Ids::new(ids))
}

fn tokens(values: &[&str]) -> Result<Vec<Token>, Reason> {
    values.iter().map(|v| Token::parse(v).ok_or(Reason::TokenMalformed)).collect()
}

fn quantities(values: &[&str]) -> Result<Vec<QuantityValue>, Reason> {
    values.iter().map(|v| QuantityValue::parse(v).ok_or(Reason::QuantityMalformed)).collect()
}

/// Tokens of an element that is bound to one value set. `read` gives `None` for a code outside
/// it, and `Some(None)` for one that no record has. A token of another system finds nothing.
fn codes<T: Copy + PartialEq>(
    values: &[&str],
    system: &str,
    read: impl Fn(&str) -> Option<Option<T>>,
) -> Result<Vec<T>, Reason> {
    let mut found = Vec::new();
    for token in tokens(values)? {
        let Some(code) = &token.code else { return Err(Reason::TokenMalformed) };
        if token.system.as_deref().is_some_and(|s| s != system) {
            continue;
        }
        found.extend(read(code).ok_or(Reason::CodeUnknown)?);
    }
    Ok(found)
}

#[expect(clippy::option_option, reason = "an unknown code differs from one that is never said")]
fn status(code: &str, version: FhirVersion) -> Option<Option<StatusCode>> {
    let (never_said, all): (&[&str], _) = match version {
        FhirVersion::R4 => (&stay_status::R4_NEVER_SAID, [true, true]),
        FhirVersion::R5 => (&stay_status::R5_NEVER_SAID, [true, false]),
    };
    if never_said.contains(&code) {
        return Some(None);
    }
    stay_status::ALL.into_iter().find_map(|status| {
        let said = all.into_iter().map(|discharged| match version {
            FhirVersion::R4 => stay_status::r4(status),
            FhirVersion::R5 => stay_status::r5(status, discharged),
        });
        let said = said.into_iter().find(|said| *said == code)?;
        let told_apart = version == FhirVersion::R5 && status == StayStatus::Finished;
        Some(Some(StatusCode { status, ended: told_apart.then_some(said) }))
    })
}

fn booleans(values: &[&str]) -> Result<Vec<bool>, Reason> {
    let read = |token: Token| match token.code.as_deref() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(Reason::BooleanMalformed),
    };
    tokens(values)?.into_iter().map(read).collect()
}
