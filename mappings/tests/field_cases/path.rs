//! As much FHIRPath as the cases need: members, `[n]`, `extension('url')`, `where(path='text')`,
//! `resolve()`, `count()`.

use serde_json::Value;

use crate::Resources;

pub struct Path(Vec<Step>);

enum Step {
    Member(String),
    Index(usize),
    Extension(String),
    Where(Path, String),
    Resolve,
    Count,
}

impl Path {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(['.', '[', '(']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            rest = after;
            if let Some(call) = rest.strip_prefix('(') {
                let close = closing(call).ok_or_else(|| format!("no end of `{name}(`"))?;
                steps.push(Step::call(name, call[..close].trim())?);
                rest = &call[close + 1..];
            } else if !name.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            }
            if let Some(index) = rest.strip_prefix('[') {
                let (number, after) = index.split_once(']').ok_or("no end of `[`")?;
                let number = number.parse().map_err(|_| format!("`[{number}]` is no index"))?;
                steps.push(Step::Index(number));
                rest = after;
            }
            rest = rest.strip_prefix('.').unwrap_or(rest);
        }
        Ok(Self(steps))
    }

    pub fn evaluate(&self, on: &[Value], all: &Resources) -> Vec<Value> {
        let mut found = on.to_vec();
        for step in &self.0 {
            found = step.evaluate(found, all);
        }
        found
    }
}

/// Where the call ends: the first `)` that is in no quotes and in no call within.
fn closing(text: &str) -> Option<usize> {
    let (mut quoted, mut depth) = (false, 0);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => return Some(at),
            ')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    None
}

fn quoted(text: &str) -> Result<String, String> {
    let inner = text.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    inner.map(str::to_owned).ok_or_else(|| format!("`{text}` is not in single quotes"))
}

impl Step {
    fn call(name: &str, argument: &str) -> Result<Self, String> {
        Ok(match name {
            "extension" => Self::Extension(quoted(argument)?),
            "where" => {
                let at = argument.rfind("='").or_else(|| argument.rfind("= '"));
                let (path, value) = argument.split_at(at.ok_or("where() wants path='text'")?);
                Self::Where(Path::parse(path.trim())?, quoted(&value[1..])?)
            }
            "resolve" => Self::Resolve,
            "count" => Self::Count,
            other => return Err(format!("no function `{other}`")),
        })
    }

    fn evaluate(&self, on: Vec<Value>, all: &Resources) -> Vec<Value> {
        match self {
            Self::Member(name) => on.iter().flat_map(|one| members(one, name)).collect(),
            Self::Index(at) => on.into_iter().skip(*at).take(1).collect(),
            Self::Extension(url) => {
                let own = on.iter().flat_map(|one| members(one, "extension"));
                own.filter(|extension| extension["url"] == url.as_str()).collect()
            }
            Self::Where(path, value) => {
                let wanted = |found: &Value| match found {
                    Value::String(text) => text == value,
                    other => serde_json::to_string(other).is_ok_and(|text| text == *value),
                };
                let fits =
                    |one: &Value| path.evaluate(std::slice::from_ref(one), all).iter().any(wanted);
                on.into_iter().filter(fits).collect()
            }
            Self::Resolve => on.iter().filter_map(|one| resolved(one, all)).collect(),
            Self::Count => vec![on.len().into()],
        }
    }
}

fn members(of: &Value, name: &str) -> Vec<Value> {
    match of.get(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values.clone(),
        Some(value) => vec![value.clone()],
    }
}

fn resolved(reference: &Value, all: &Resources) -> Option<Value> {
    let (of_type, id) = reference.get("reference")?.as_str()?.split_once('/')?;
    all.get(of_type)?.iter().find(|resource| resource["id"] == id).cloned()
}

#[test]
fn a_path_finds_what_fhirpath_would() {
    let organization = serde_json::json!({"id": "1", "name": "A"});
    let all = Resources::from([("Organization".to_owned(), vec![organization])]);
    let on = serde_json::json!({
        "extension": [{"url": "http://a/b", "valueString": "x"}],
        "name": [{"use": "official", "family": "D"}, {"use": "usual", "given": ["E", "F"]}],
        "managingOrganization": {"reference": "Organization/1"},
    });
    for (path, wanted) in [
        ("name.given", serde_json::json!(["E", "F"])),
        ("name[1].given[1]", serde_json::json!(["F"])),
        ("name.where(use='official').family", serde_json::json!(["D"])),
        ("extension('http://a/b').valueString", serde_json::json!(["x"])),
        ("managingOrganization.resolve().name", serde_json::json!(["A"])),
        ("name.count()", serde_json::json!([2])),
        ("birthDate", serde_json::json!([])),
    ] {
        let found = Path::parse(path).unwrap().evaluate(std::slice::from_ref(&on), &all);
        assert_eq!(Value::Array(found), wanted, "{path}");
    }
    for path in ["name[", "name[x]", "where(use=official)", "first()"] {
        assert!(Path::parse(path).is_err(), "{path}");
    }
}
