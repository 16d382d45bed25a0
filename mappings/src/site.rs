//! A site's own ways, as data: what its codes stand for, which code systems it means, and where
//! the fields of its own go.
//!
//! [`SiteSettings`] is what the EJ's site file says. It is part of [`crate::entity::EjSettings`],
//! so that it is in the journal's configuration epochs: what acts when a message is read (`to`,
//! `[[coding_system]]`, which fields are kept) acts by the epoch in force at its place. What acts
//! when a resource is rendered (`code`, `url`) is that of today.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::fhir::FhirVersion;
use crate::fhir::codes::systems;
use crate::hl7::Location;
use crate::named::uuid_v5;

/// The tables of a site file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SiteSettings {
    pub discharge_disposition: DischargeDisposition,
    pub coding_system: Vec<CodingSystem>,
    pub code: Vec<SiteCode>,
    pub field: Vec<SiteField>,
}

/// What PV1-36 holds. The standard's table 0112 is every site's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DischargeDisposition {
    /// The site's own codes.
    #[default]
    Own,
    /// The codes of the UB-04 form (FACTS §5, 0112).
    #[serde(rename = "ub-04")]
    Ub04,
}

/// What a name in CWE-3 stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodingSystem {
    /// CWE-3 as sent.
    pub name: String,
    /// The FHIR `Coding.system` URI.
    pub system: String,
}

/// What one code of the site stands for: another code of its table, or a code of FHIR's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteCode {
    /// The HL7 table that the field is bound to (`0112`), or the URI of the code's system.
    pub table: String,
    pub from: String,
    /// A code of the table itself, which then means what the standard says of it.
    #[serde(default)]
    pub to: String,
    #[serde(default)]
    pub system: String,
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub display: String,
    /// Another code in R5.
    #[serde(default)]
    pub r5: Option<StandardCode>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardCode {
    pub system: String,
    pub code: String,
    #[serde(default)]
    pub display: String,
}

/// A field that shows as an extension.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteField {
    /// `ZPI-3`, `PID-10`, `ZBX-2.1`.
    pub field: String,
    pub on: SiteResource,
    /// `Extension.url`.
    pub url: String,
    #[serde(default)]
    pub value: ValueType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteResource {
    Patient,
    Encounter,
}

/// `Extension.value[x]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    #[default]
    String,
    Code,
    /// Y and N, 1 and 0.
    Boolean,
    Integer,
    Date,
    DateTime,
    Coding,
    CodeableConcept,
}

/// Rows of one table, and fields, that a site file may have.
pub const ROWS_MAX: usize = 10_000;
pub const FIELDS_MAX: usize = 64;

/// Tables whose value sets FHIR binds gender and class to: a code of theirs stands for another of
/// the table, so that a search finds what is shown.
const SEARCHED: [&str; 2] = ["0001", "0004"];

/// The systems that a class is shown by.
const SEARCHED_SYSTEMS: [&str; 3] =
    [systems::V2_0004, systems::V3_ACT_CODE, systems::V3_NULL_FLAVOR];

/// What is wrong with a site's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteProblem {
    /// `code`, `coding_system` or `field`.
    pub table: &'static str,
    /// Which row of that table, from 0.
    pub row: usize,
    pub what: String,
}

/// [`SiteSettings`], ready to be looked up.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// By table, then by code.
    to: HashMap<String, HashMap<String, String>>,
    /// By system URI, then by code: the codes in R4 and in R5.
    standard: HashMap<String, HashMap<String, [StandardCode; 2]>>,
    /// The other way round: what is shown as a code, and what as any of a system.
    sent_by_code: HashMap<String, BTreeSet<(String, String)>>,
    sent_by_system: HashMap<String, BTreeSet<String>>,
    /// By CWE-3.
    coding_systems: HashMap<String, String>,
    /// Each with its place.
    fields: Vec<(Location, SiteField)>,
    /// See [`Self::tag`].
    tag: Option<String>,
}

impl SiteSettings {
    /// Everything that cannot be used, in order.
    #[must_use]
    pub fn problems(&self) -> Vec<SiteProblem> {
        let mut found = Vec::new();
        let mut add = |table, row, what: String| found.push(SiteProblem { table, row, what });
        for (table, rows, max) in [
            ("coding_system", self.coding_system.len(), ROWS_MAX),
            ("code", self.code.len(), ROWS_MAX),
            ("field", self.field.len(), FIELDS_MAX),
        ] {
            if rows > max {
                add(table, max, format!("one of {rows} rows; {max} are taken"));
            }
        }
        for (row, coding) in self.coding_system.iter().enumerate() {
            if coding.name.trim().is_empty() {
                add("coding_system", row, "name is empty".to_owned());
            }
            if !is_uri(&coding.system) {
                add("coding_system", row, not_a_uri("system", &coding.system));
            }
            if self.coding_system[..row].iter().any(|before| before.name == coding.name) {
                add("coding_system", row, format!("{:?} is there already", coding.name));
            }
        }
        let mut seen = HashMap::new();
        for (row, code) in self.code.iter().enumerate() {
            if let Some(what) = code.problem() {
                add("code", row, what);
            }
            if let Some(first) = seen.insert((&code.table, &code.from), row) {
                let what =
                    format!("table {} {:?} is row {} already", code.table, code.from, first + 1);
                add("code", row, what);
            }
        }
        for (row, field) in self.field.iter().enumerate() {
            if let Err(error) = place(&field.field) {
                add("field", row, format!("field {:?}: {error}", field.field));
            }
            if !is_uri(&field.url) {
                add("field", row, not_a_uri("url", &field.url));
            }
            let same = |before: &SiteField| before.field == field.field && before.on == field.on;
            if self.field[..row].iter().any(same) {
                add("field", row, format!("{:?} is there already", field.field));
            }
        }
        found
    }
}

impl SiteSettings {
    fn tag(&self) -> Option<String> {
        let shown: Vec<&SiteCode> = self.code.iter().filter(|code| !code.code.is_empty()).collect();
        let own = self.discharge_disposition == DischargeDisposition::Own;
        if own && shown.is_empty() && self.field.is_empty() {
            return None;
        }
        let text = serde_json::to_vec(&(self.discharge_disposition, shown, &self.field))
            .expect("structs with text keys, written to memory");
        let digest = uuid_v5(&uuid::Uuid::NAMESPACE_URL, &text);
        Some(format!("{:08x}", digest.as_u64_pair().0 >> 32))
    }
}

impl SiteCode {
    fn problem(&self) -> Option<String> {
        let is_number = self.table.len() == 4 && self.table.bytes().all(|b| b.is_ascii_digit());
        if !is_number && !is_uri(&self.table) {
            return Some(format!(
                "table {:?} is neither four digits (an HL7 table) nor the URI of a code system",
                self.table
            ));
        }
        if self.from.trim().is_empty() {
            return Some("from is empty".to_owned());
        }
        match (self.to.is_empty(), self.code.is_empty()) {
            (true, true) => return Some("says neither `to` nor `code`".to_owned()),
            (false, false) => return Some("says both `to` and `code`; one of them".to_owned()),
            (false, true) if !is_number => {
                return Some(
                    "`to` is a code of an HL7 table: table must be four digits".to_owned(),
                );
            }
            (false, true) => {}
            (true, false) if !is_uri(&self.system) => {
                return Some(not_a_uri("system", &self.system));
            }
            (true, false)
                if SEARCHED.contains(&&*self.table) || SEARCHED_SYSTEMS.contains(&&*self.table) =>
            {
                return Some(format!(
                    "table {} is searched by: say `to`, one of its own codes, in table 0001 or 0004",
                    self.table
                ));
            }
            (true, false) => {}
        }
        let r5 = self.r5.as_ref()?;
        (!is_uri(&r5.system)).then(|| not_a_uri("r5.system", &r5.system))
    }

    /// Where its coding stands once it is rendered.
    fn system_uri(&self) -> String {
        match is_uri(&self.table) {
            true => self.table.clone(),
            false => systems::of_name("", &self.table).map(Into::into).unwrap_or_default(),
        }
    }
}

fn not_a_uri(key: &str, value: &str) -> String {
    format!("{key} {value:?} is not an absolute URI")
}

fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    !scheme.is_empty()
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// A field, or a component of one.
fn place(field: &str) -> Result<Location, String> {
    let place = Location::parse(field).map_err(|error| error.to_string())?;
    if place.field == 0 {
        return Err("names a segment; a field is needed, as in ZPI-3".to_owned());
    }
    if place.repetition != 0 || place.occurrence != 0 {
        return Err("names one of several; all of them are taken".to_owned());
    }
    Ok(place)
}

impl Site {
    /// Of settings without [`SiteSettings::problems`]; a row that has one is left out.
    #[must_use]
    pub fn new(settings: &SiteSettings) -> Self {
        let mut site = Self::default();
        if settings.discharge_disposition == DischargeDisposition::Ub04 {
            site.ub_04();
        }
        for code in settings.code.iter().filter(|code| code.problem().is_none()) {
            let from = code.from.trim().to_owned();
            if !code.to.is_empty() {
                site.to.entry(code.table.clone()).or_default().insert(from, code.to.clone());
                continue;
            }
            let r4 = StandardCode {
                system: code.system.clone(),
                code: code.code.clone(),
                display: code.display.clone(),
            };
            let r5 = code.r5.clone().unwrap_or_else(|| r4.clone());
            site.standard.entry(code.system_uri()).or_default().insert(from, [r4, r5]);
        }
        for coding in &settings.coding_system {
            site.coding_systems.insert(coding.name.trim().to_owned(), coding.system.clone());
        }
        for (system, codes) in &site.standard {
            for (from, standard) in codes {
                for shown in standard {
                    let sent = site.sent_by_code.entry(shown.code.clone()).or_default();
                    sent.insert((system.clone(), from.clone()));
                    let sent = site.sent_by_system.entry(shown.system.clone()).or_default();
                    sent.insert(system.clone());
                }
            }
        }
        for field in settings.field.iter().take(FIELDS_MAX) {
            if let Ok(place) = place(&field.field) {
                site.fields.push((place, field.clone()));
            }
        }
        site.tag = settings.tag();
        site
    }

    /// FACTS §5, 0112. `hosp` is a hospice.
    fn ub_04(&mut self) {
        const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/discharge-disposition";
        const CODES: [(&[&str], &str, &str); 9] = [
            (&["01", "06"], "home", "Home"),
            (&["02", "05", "66"], "other-hcf", "Other healthcare facility"),
            (&["03"], "snf", "Skilled nursing facility"),
            (&["04", "63"], "long", "Long-term care"),
            (&["07"], "aadvice", "Left against advice"),
            (&["20", "40", "41", "42"], "exp", "Expired"),
            (&["50", "51"], "hosp", "Hospice"),
            (&["62"], "rehab", "Rehabilitation"),
            (&["65"], "psy", "Psychiatric hospital"),
        ];
        let uri = systems::of_name("", "0112").map(Into::into).unwrap_or_default();
        let table = self.standard.entry(uri).or_default();
        for (sent, code, display) in CODES {
            let standard = StandardCode {
                system: SYSTEM.to_owned(),
                code: code.to_owned(),
                display: display.to_owned(),
            };
            for from in sent {
                table.insert((*from).to_owned(), [standard.clone(), standard.clone()]);
            }
        }
    }

    /// The code of `table` that the site's own stands for.
    #[must_use]
    pub fn to(&self, table: &str, from: &str) -> Option<&str> {
        if self.to.is_empty() {
            return None;
        }
        self.to.get(table)?.get(from.trim()).map(String::as_str)
    }

    /// The URI that a name in CWE-3 stands for.
    #[must_use]
    pub fn coding_system(&self, name: &str) -> Option<&str> {
        if self.coding_systems.is_empty() {
            return None;
        }
        self.coding_systems.get(name.trim()).map(String::as_str)
    }

    /// The standard's code for a rendered concept of those codings (system and code): that of the
    /// first that has one.
    #[must_use]
    pub fn standard<'c>(
        &self,
        mut codings: impl Iterator<Item = (&'c str, &'c str)>,
        version: FhirVersion,
    ) -> Option<&StandardCode> {
        let [r4, r5] = codings.find_map(|(system, code)| self.standard.get(system)?.get(code))?;
        Some(match version {
            FhirVersion::R4 => r4,
            FhirVersion::R5 => r5,
        })
    }

    /// The codings (system and code) that are shown as one of that system (`None`: any) and code,
    /// or may be in one of the versions; where any code is asked for, their systems alone.
    pub fn shown_as<'a>(
        &'a self,
        system: Option<&'a str>,
        code: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let by_code = code.and_then(|code| self.sent_by_code.get(code));
        let by_system = system.filter(|_| code.is_none());
        let by_system = by_system.and_then(|system| self.sent_by_system.get(system));
        let codes = by_code.into_iter().flatten();
        let codes = codes.map(|(system, code)| (system.as_str(), Some(code.as_str())));
        codes.chain(by_system.into_iter().flatten().map(|system| (system.as_str(), None)))
    }

    /// What tells one way of showing from another: a hash of all in the tables that acts when a
    /// resource is shown, the same for the same tables; none where nothing does. The same version of
    /// a resource reads otherwise under another tag.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Whether a code is shown as another.
    #[must_use]
    pub fn shows_codes(&self) -> bool {
        !self.standard.is_empty()
    }

    /// The fields that show on such a resource, with their places.
    pub fn fields(&self, on: SiteResource) -> impl Iterator<Item = &(Location, SiteField)> {
        self.fields.iter().filter(move |(_, field)| field.on == on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> SiteSettings {
        toml::from_str(text).unwrap()
    }

    fn problem(text: &str) -> String {
        let found = settings(text).problems();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].what.clone()
    }

    #[test]
    fn rows_that_cannot_be_used_are_told() {
        let row = |rest: &str| format!("[[code]]\nfrom = \"X\"\n{rest}");
        assert!(problem(&row("table = \"12\"\nto = \"A\"")).contains("four digits"));
        assert!(problem(&row("table = \"0112\"")).contains("neither"));
        let both = "table = \"0112\"\nto = \"A\"\ncode = \"b\"\nsystem = \"urn:x:y\"";
        assert!(problem(&row(both)).contains("both"));
        assert!(problem(&row("table = \"0112\"\ncode = \"b\"\nsystem = \"b\"")).contains("URI"));
        let class = "table = \"0004\"\ncode = \"b\"\nsystem = \"urn:x:y\"";
        assert!(problem(&row(class)).contains("searched"));
        let by_system =
            format!("table = \"{}\"\ncode = \"b\"\nsystem = \"urn:x:y\"", systems::V2_0004);
        assert!(problem(&row(&by_system)).contains("searched"));
        let uri = "table = \"urn:x:y\"\nto = \"A\"";
        assert!(problem(&row(uri)).contains("HL7 table"));
        let twice = row("table = \"0112\"\nto = \"A\"\n");
        assert!(problem(&format!("{twice}{twice}")).contains("already"));
        let field = |field: &str| {
            problem(&format!("[[field]]\nfield = \"{field}\"\non = \"patient\"\nurl = \"urn:x:y\""))
        };
        assert!(field("ZPI").contains("a field is needed"));
        assert!(field("ZPI-3[2]").contains("one of several"));
        assert!(field("zpi-3").contains("segment"));
    }

    #[test]
    fn the_tag_follows_what_acts_when_shown_and_nothing_else() {
        let tag = |text: &str| Site::new(&settings(text)).tag().map(str::to_owned);
        let shown =
            "[[code]]\ntable = \"0112\"\nfrom = \"X\"\nsystem = \"urn:x:y\"\ncode = \"y\"\n";
        let read = "[[code]]\ntable = \"0004\"\nfrom = \"HOSP\"\nto = \"I\"\n";
        assert_eq!((tag(""), tag(read)), (None, None));
        // Clients keep it: this may not move.
        assert_eq!(tag(shown).as_deref(), Some("1bc79f7d"));
        assert_eq!(tag(shown), tag(&format!("{read}{shown}")));
        assert_ne!(tag(shown), tag(&shown.replace("\"y\"", "\"z\"")));
        assert!(tag("discharge_disposition = \"ub-04\"").is_some());
    }

    #[test]
    fn a_row_is_found_by_its_table_and_code() {
        let site = Site::new(&settings(
            "discharge_disposition = \"ub-04\"\n\
             [[code]]\ntable = \"0004\"\nfrom = \"HOSP\"\nto = \"I\"\n\
             [[code]]\ntable = \"0112\"\nfrom = \"01\"\nsystem = \"urn:x:y\"\ncode = \"h\"\n\
             [[coding_system]]\nname = \"99CCAM\"\nsystem = \"urn:x:ccam\"\n",
        ));
        assert_eq!(site.to("0004", "HOSP"), Some("I"));
        assert_eq!(site.to("0112", "HOSP"), None);
        let v2 = "http://terminology.hl7.org/CodeSystem/v2-0112";
        // The site's own row goes before the form's.
        let standard = |code| site.standard([(v2, code)].into_iter(), FhirVersion::R5).unwrap();
        assert_eq!((&*standard("01").code, &*standard("50").code), ("h", "hosp"));
        let sent: Vec<_> = site.shown_as(None, Some("hosp")).collect();
        assert_eq!(sent, [(v2, Some("50")), (v2, Some("51"))]);
        assert_eq!(site.shown_as(Some("urn:x:y"), None).collect::<Vec<_>>(), [(v2, None)]);
        assert_eq!(site.coding_system("99CCAM"), Some("urn:x:ccam"));
    }

    #[test]
    fn as_many_rows_are_taken_as_the_limit_says() {
        let row =
            |n| format!("[[field]]\nfield = \"ZPI-{n}\"\non = \"patient\"\nurl = \"urn:x:{n}\"\n");
        let rows = |count: usize| (1..=count).map(row).collect::<String>();
        assert!(settings(&rows(FIELDS_MAX)).problems().is_empty());
        assert!(problem(&rows(FIELDS_MAX + 1)).contains("are taken"));
    }

    #[test]
    fn a_name_or_a_field_stands_once_and_others_beside_it() {
        let system =
            |name: &str| format!("[[coding_system]]\nname = \"{name}\"\nsystem = \"urn:x\"\n");
        assert!(settings(&(system("A") + &system("B"))).problems().is_empty());
        assert!(problem(&(system("A") + &system("A"))).contains("already"));
        let field =
            |on: &str| format!("[[field]]\nfield = \"ZPI-1\"\non = \"{on}\"\nurl = \"urn:x\"\n");
        assert!(settings(&(field("patient") + &field("encounter"))).problems().is_empty());
        assert!(problem(&(field("patient") + &field("patient"))).contains("already"));
    }

    #[test]
    fn an_address_with_a_blank_or_a_control_character_is_none() {
        for broken in ["urn:x y", "urn:x\\u0007", "no scheme"] {
            let system = format!("[[coding_system]]\nname = \"A\"\nsystem = \"{broken}\"\n");
            assert!(problem(&system).contains("absolute URI"), "{broken}");
        }
    }
}
