//! Searches by brute force: each resource as it is rendered is asked, by what R4 and R5 say that
//! a parameter is about. Nothing of the index or of its records is used.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::Value;

/// What is looked at, of one version.
pub struct World {
    zone: TimeZone,
    resources: Vec<Value>,
    /// By type and id.
    places: HashMap<String, usize>,
    /// By type and name.
    defined: HashMap<(String, String), Defined>,
}

/// A parameter as the standard defines it.
#[derive(Debug, Clone)]
pub struct Defined {
    pub of_type: String,
    pub name: String,
    pub kind: String,
    pub paths: Vec<String>,
}

pub fn defined(version: &str) -> Vec<Defined> {
    let lines = include_str!("paths.txt").lines().filter(|line| !line.starts_with('#'));
    let defined = lines.filter_map(|line| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let r4 = parts[3];
        let paths = if version == "R4" { r4 } else { parts.get(4).copied().unwrap_or(r4) };
        if paths == "-" {
            return None;
        }
        Some(Defined {
            of_type: parts[0].to_owned(),
            name: parts[1].to_owned(),
            kind: parts[2].to_owned(),
            paths: paths.split(',').map(str::to_owned).collect(),
        })
    });
    defined.collect()
}

/// All values at a path, lists opened; `extension(name)` are those whose URL ends so.
pub fn at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut found = vec![value];
    if path == "." {
        return found;
    }
    for name in path.split('.') {
        let (name, url) = name.split_once('(').unwrap_or((name, ""));
        let url = url.trim_end_matches(')');
        let next = found.into_iter().filter_map(|one| one.get(name));
        found = next
            .flat_map(|one| match one {
                Value::Array(many) => many.iter().collect(),
                one => vec![one],
            })
            .filter(|one| url.is_empty() || text(one, "url").ends_with(url))
            .collect();
    }
    found
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Small letters, without accents, with one blank for whatever is neither letter nor digit.
pub fn folded(raw: &str) -> String {
    let mut plain = String::new();
    for c in raw.chars().flat_map(char::to_lowercase) {
        match c {
            'é' | 'è' | 'ê' | 'ë' => plain.push('e'),
            'à' | 'â' | 'ä' => plain.push('a'),
            'î' | 'ï' => plain.push('i'),
            'ô' | 'ö' => plain.push('o'),
            'û' | 'ü' | 'ù' => plain.push('u'),
            'ç' => plain.push('c'),
            'œ' => plain.push_str("oe"),
            c if c.is_alphanumeric() => plain.push(c),
            _ => plain.push(' '),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn soundex(raw: &str) -> String {
    let letters: Vec<char> = folded(raw).chars().filter(char::is_ascii_alphabetic).collect();
    let digit = |c: char| match c {
        'b' | 'f' | 'p' | 'v' => 1,
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => 2,
        'd' | 't' => 3,
        'l' => 4,
        'm' | 'n' => 5,
        'r' => 6,
        'h' | 'w' => 9,
        _ => 0,
    };
    // Letters of one sound side by side, or with h or w between them, count once.
    let sounds: Vec<u8> = letters.iter().map(|c| digit(*c)).filter(|d| *d != 9).collect();
    let mut once = sounds.clone();
    once.dedup();
    let first_counts = letters.first().is_some_and(|c| digit(*c) != 9);
    let rest = once.iter().skip(usize::from(first_counts)).filter(|d| **d != 0);
    let rest: String = rest.take(3).map(ToString::to_string).collect();
    format!("{}{rest:0<3}", letters.first().copied().unwrap_or('?'))
}

type Interval = (i64, i64);

/// The instants that a FHIR date or time covers.
fn instants(text: &str, zone: &TimeZone) -> Interval {
    let micros = |stamp: jiff::Timestamp| stamp.as_microsecond();
    let Some((_, time)) = text.split_once('T') else {
        let mut parts = text.split('-').map(|part| part.parse::<i16>().unwrap());
        let year = parts.next().unwrap();
        let (month, day) = (parts.next(), parts.next());
        let small = |part: Option<i16>| i8::try_from(part.unwrap_or(1)).unwrap();
        let first = jiff::civil::date(year, small(month), small(day));
        let next = match (month, day) {
            (None, _) => first.checked_add(jiff::Span::new().years(1)),
            (_, None) => first.checked_add(jiff::Span::new().months(1)),
            _ => first.checked_add(jiff::Span::new().days(1)),
        };
        let start =
            |date: jiff::civil::Date| micros(date.to_zoned(zone.clone()).unwrap().timestamp());
        return (start(first), start(next.unwrap()) - 1);
    };
    let has_offset = time.contains(['Z', '+', '-']);
    let low = if has_offset {
        micros(text.parse().unwrap())
    } else {
        let civil: jiff::civil::DateTime = text.parse().unwrap();
        micros(civil.to_zoned(zone.clone()).unwrap().timestamp())
    };
    let clock = time.split(['Z', '+', '-']).next().unwrap();
    let length = match clock.split_once('.') {
        Some((_, digits)) => 10_i64.pow(6 - u32::try_from(digits.len()).unwrap()),
        None if clock.matches(':').count() == 1 => 60_000_000,
        None => 1_000_000,
    };
    (low, low + length - 1)
}

fn interval(value: &Value, zone: &TimeZone) -> Option<Interval> {
    match value {
        Value::String(text) => Some(instants(text, zone)),
        Value::Object(_) => {
            let end = |name| value.get(name).and_then(Value::as_str);
            let (start, end) = (end("start"), end("end"));
            (start.is_some() || end.is_some()).then(|| {
                let low = start.map_or(i64::MIN, |text| instants(text, zone).0);
                (low, end.map_or(i64::MAX, |text| instants(text, zone).1))
            })
        }
        _ => None,
    }
}

fn prefixed(value: &str) -> (&str, &str) {
    let letters = value.bytes().take_while(u8::is_ascii_alphabetic).count();
    if letters == 0 { ("eq", value) } else { value.split_at(letters) }
}

fn date_holds(own: Interval, asked: &str, zone: &TimeZone) -> bool {
    let (prefix, text) = prefixed(asked);
    let (low, high) = instants(text, zone);
    match prefix {
        "eq" => low <= own.0 && own.1 <= high,
        "ne" => !(low <= own.0 && own.1 <= high),
        "gt" => own.1 > high,
        "lt" => own.0 < low,
        "ge" => own.1 >= low,
        "le" => own.0 <= high,
        "sa" => own.0 > high,
        "eb" => own.1 < low,
        "ap" => {
            let length = high - low + 1;
            own.0 <= high + length && low - length <= own.1
        }
        _ => panic!("no prefix: {prefix}"),
    }
}

fn quantity_holds(own: &Value, asked: &str) -> bool {
    let (prefix, rest) = prefixed(asked);
    let parts: Vec<&str> = rest.split('|').collect();
    if let [_, system, code] = parts[..] {
        let fits = if system.is_empty() {
            text(own, "code") == code || text(own, "unit") == code
        } else {
            text(own, "system") == system && (code.is_empty() || text(own, "code") == code)
        };
        let any_unit = system.is_empty() && code.is_empty();
        if !fits && !any_unit {
            return false;
        }
    }
    let number: f64 = parts[0].parse().unwrap();
    let places = parts[0].split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half = 0.5 * 10_f64.powi(-i32::try_from(places).unwrap());
    let value = own["value"].as_f64().unwrap();
    let tiny = 1e-9;
    let (low, high, open) = match text(own, "comparator") {
        "<" => (f64::MIN, value, true),
        "<=" => (f64::MIN, value, false),
        ">" => (value, f64::MAX, true),
        ">=" => (value, f64::MAX, false),
        _ => (value, value, false),
    };
    let same = |a: f64, b: f64| (a - b).abs() < tiny;
    let above = |a: f64, b: f64| a > b && !same(a, b);
    let within =
        (above(low, number - half) || same(low, number - half)) && above(number + half, high);
    let reaches = |at: f64| above(high, at) || same(high, at) && !open;
    let stays = |at: f64| above(at, low) || same(low, at) && !open;
    match prefix {
        "eq" => within,
        "ne" => !within,
        "gt" => above(high, number),
        "lt" => above(number, low),
        "ge" => reaches(number),
        "le" => stays(number),
        "sa" => above(low, number) || same(low, number) && open,
        "eb" => above(number, high) || same(high, number) && open,
        "ap" => {
            let reach = (number.abs() / 10.0).max(half);
            reaches(number - reach) && stays(number + reach)
        }
        _ => panic!("no prefix: {prefix}"),
    }
}

/// System and code of what a token can be; `None`: whatever system the value set is of.
fn codings(value: &Value) -> Vec<(Option<&str>, String)> {
    match value {
        Value::String(code) => vec![(None, code.clone())],
        Value::Bool(code) => vec![(None, code.to_string())],
        concept if concept.get("coding").is_some() => {
            let each = at(concept, "coding").into_iter();
            each.map(|c| (Some(text(c, "system")), text(c, "code").to_owned())).collect()
        }
        identifier if identifier.get("value").is_some() => {
            vec![(Some(text(identifier, "system")), text(identifier, "value").to_owned())]
        }
        coding if coding.get("code").is_some() => {
            vec![(Some(text(coding, "system")), text(coding, "code").to_owned())]
        }
        _ => Vec::new(),
    }
}

fn token_holds(value: &Value, asked: &str) -> bool {
    let own = codings(value);
    let mut own = own.iter();
    match asked.split_once('|') {
        None => own.any(|(_, code)| code == asked),
        Some((system, "")) => own.any(|(of, _)| of.is_none_or(|of| of == system)),
        Some((system, code)) => {
            own.any(|(of, own)| own == code && of.is_none_or(|of| of == system))
        }
    }
}

fn plain_contact(system: &str, value: &str) -> String {
    let lower = value.to_lowercase();
    if system == "email" {
        return lower;
    }
    lower.chars().filter(|c| c.is_alphanumeric() || *c == '+' || *c == '@').collect()
}

impl World {
    pub fn new(version: &str, zone: TimeZone, resources: Vec<Value>) -> Self {
        let named = |one: &Value| format!("{}/{}", text(one, "resourceType"), text(one, "id"));
        let places = resources.iter().enumerate().map(|(at, one)| (named(one), at)).collect();
        let defined = defined(version).into_iter();
        let defined = defined.map(|one| ((one.of_type.clone(), one.name.clone()), one)).collect();
        Self { zone, resources, places, defined }
    }

    /// One that the standard defines and we show something of.
    pub fn parameter(&self, of_type: &str, name: &str) -> Option<&Defined> {
        let find = |of: &str| self.defined.get(&(of.to_owned(), name.to_owned()));
        find(of_type).or_else(|| find("*"))
    }

    /// `Type/id`.
    fn resource(&self, reference: &str) -> Option<&Value> {
        self.places.get(reference).map(|at| &self.resources[*at])
    }

    pub fn of_type<'w>(&'w self, of_type: &'w str) -> impl Iterator<Item = &'w Value> {
        self.resources.iter().filter(move |resource| resource["resourceType"] == of_type)
    }

    /// Whether one parameter holds of a resource.
    pub fn matches(&self, resource: &Value, name: &str, value: &str) -> bool {
        let of_type = text(resource, "resourceType");
        let own = format!("{of_type}/{}", text(resource, "id"));
        if let Some(path) = name.strip_prefix("_has:") {
            let mut parts = path.splitn(3, ':');
            let (source, param) = (parts.next().unwrap(), parts.next().unwrap());
            let rest = parts.next().unwrap();
            let refers = self.parameter(source, param);
            let refers = refers.unwrap_or_else(|| panic!("{source} has no {param}"));
            return self.of_type(source).any(|one| {
                self.values(one, refers).iter().any(|to| text(to, "reference") == own)
                    && self.matches(one, rest, value)
            });
        }
        if let Some((from, rest)) = name.split_once('.') {
            let (base, to_type) = from.split_once(':').unwrap_or((from, ""));
            let refers = self.parameter(of_type, base);
            let refers = refers.unwrap_or_else(|| panic!("{of_type} has no {base}: {name}"));
            return self.values(resource, refers).iter().any(|to| {
                let target = text(to, "reference");
                let is_type = to_type.is_empty() || target.starts_with(&format!("{to_type}/"));
                let target = self.resource(target);
                is_type && target.is_some_and(|one| self.matches(one, rest, value))
            });
        }
        let (base, modifier) = name.split_once(':').unwrap_or((name, ""));
        let Some(parameter) = self.parameter(of_type, base) else {
            // One that the standard defines, and nothing is ever shown of.
            return modifier == "missing" && value == "true";
        };
        let values = self.values(resource, parameter);
        match modifier {
            "missing" => {
                let missing = values.is_empty() && parameter.kind != "deceased";
                missing == (value == "true")
            }
            // What is named by its number alone is no reference that could be followed.
            "identifier" => {
                let named = parameter.paths.iter().flat_map(|path| at(resource, path));
                self.any_of(parameter, modifier, &named.collect::<Vec<_>>(), value)
            }
            "not" => !self.any_of(parameter, "", &values, value),
            "above" | "below" if parameter.kind == "reference" => {
                let below = modifier == "below";
                values.iter().any(|to| {
                    value.split(',').any(|root| {
                        let (part, whole) = (text(to, "reference"), root);
                        if below { self.is_below(part, whole) } else { self.is_below(whole, part) }
                    })
                })
            }
            _ => self.any_of(parameter, modifier, &values, value),
        }
    }

    /// Whether a place is another, or lies within it.
    fn is_below(&self, part: &str, whole: &str) -> bool {
        let mut at_hand = part.to_owned();
        for _ in 0..20 {
            if at_hand == whole {
                return true;
            }
            let here = self.resource(&at_hand);
            match here.and_then(|here| here["partOf"]["reference"].as_str()) {
                Some(up) => at_hand = up.to_owned(),
                None => return false,
            }
        }
        false
    }

    pub fn values<'v>(&self, resource: &'v Value, parameter: &Defined) -> Vec<&'v Value> {
        let all = parameter.paths.iter().flat_map(|path| at(resource, path));
        let kind = parameter.kind.as_str();
        let all = all.filter(|value| match kind.split_once(':') {
            Some(("contact", system)) => system.is_empty() || text(value, "system") == system,
            Some(("composite", parts)) => parts.split(',').all(|part| {
                let (_, path) = part.split_once(':').unwrap();
                path.split(';').any(|path| match path {
                    "location" => !text(&value["location"], "reference").is_empty(),
                    path => !at(value, path).is_empty(),
                })
            }),
            _ => match kind {
                "reference" => value.get("reference").is_some(),
                _ => true,
            },
        });
        all.collect()
    }

    fn any_of(&self, of: &Defined, modifier: &str, values: &[&Value], asked: &str) -> bool {
        if of.kind == "deceased" {
            let dead = values.iter().any(|value| **value != Value::Bool(false));
            return asked.split(',').any(|asked| asked == dead.to_string());
        }
        let one = |asked: &str| {
            let holds = |value: &&Value| self.holds(&of.kind, modifier, value, asked);
            values.iter().any(holds)
        };
        asked.split(',').any(one)
    }

    fn holds(&self, kind: &str, modifier: &str, value: &Value, asked: &str) -> bool {
        let said = || value.as_str().unwrap_or_default();
        match (kind, modifier) {
            ("id", _) => said() == asked,
            (_, "text") => {
                let displays = at(value, "coding").into_iter().map(|c| text(c, "display"));
                let mut texts = displays.chain([text(value, "text")]);
                texts.any(|one| !one.is_empty() && folded(one).starts_with(&folded(asked)))
            }
            ("identifier", "of-type") => {
                let mut parts = asked.splitn(3, '|');
                let of_type = [parts.next().unwrap(), parts.next().unwrap()];
                let number = parts.next().unwrap();
                text(value, "value") == number
                    && codings(&value["type"])
                        .iter()
                        .any(|(system, code)| *system == Some(of_type[0]) && code == of_type[1])
            }
            ("token" | "identifier", _) => token_holds(value, asked),
            ("string", "exact") => said() == asked,
            ("string", "contains") => folded(said()).contains(&folded(asked)),
            ("string", _) => folded(said()).starts_with(&folded(asked)),
            ("phonetic", _) => soundex(said()) == soundex(asked),
            ("birthdate", _) => {
                // On the calendar, without a time zone.
                let own = instants(said(), &TimeZone::UTC);
                date_holds(own, asked, &TimeZone::UTC)
            }
            ("date", _) => {
                interval(value, &self.zone).is_some_and(|own| date_holds(own, asked, &self.zone))
            }
            ("quantity", _) => quantity_holds(value, asked),
            ("uri", "below") => said().starts_with(asked),
            ("uri", "above") => asked.starts_with(said()),
            ("uri", _) => said() == asked,
            ("reference", "identifier") => {
                value.get("identifier").is_some_and(|number| token_holds(number, asked))
            }
            ("reference", of_type) => {
                let to = text(value, "reference");
                let asked = match (of_type, asked.contains('/')) {
                    ("", _) | (_, true) => asked.to_owned(),
                    (of_type, false) => format!("{of_type}/{asked}"),
                };
                to == asked || to.split_once('/').is_some_and(|(_, id)| id == asked)
            }
            _ if kind.starts_with("contact:") => {
                let system = text(value, "system");
                let (of, number) = asked.split_once('|').unwrap_or((system, asked));
                let own = plain_contact(system, text(value, "value"));
                of == system && (number.is_empty() || plain_contact(system, number) == own)
            }
            _ => {
                let parts = kind.strip_prefix("composite:").unwrap().split(',');
                parts.zip(asked.split('$')).all(|(part, asked)| {
                    let (kind, paths) = part.split_once(':').unwrap();
                    paths
                        .split(';')
                        .flat_map(|path| at(value, path))
                        .any(|own| self.holds(kind, "", own, asked))
                })
            }
        }
    }
}
