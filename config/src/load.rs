//! Reading the four layers, and telling what figment could not make sense of.

use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};

use crate::channels;
use crate::check::check;
use crate::keys;
use crate::problem::{ConfigError, Problem};
use crate::settings::Config;
use crate::site;

/// Where to read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config FILE`; it must exist.
    pub file: Option<PathBuf>,
    /// Configuration text that stands in for the file (the demonstration's), and its name.
    pub text: Option<(&'static str, String)>,
    /// Flags, as dotted keys and TOML values.
    pub flags: Vec<(String, String)>,
    /// Whether `SLUICE_…` variables count. Tests leave them out.
    pub environment: bool,
}

/// A configuration that was read and checked.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    /// The file of each channel; `None` for those of the main file.
    pub files: Vec<Option<PathBuf>>,
    /// Where it was read from, to read it again.
    pub sources: Sources,
    /// What was read, in words, for the log: `config/sluice.toml, 2 environment variables`.
    pub origin: String,
}

/// Reads and checks.
///
/// # Errors
/// Everything that is wrong: first what cannot be read at all, else what does not fit together.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let Layers { figment, mut config, mut problems, origin } = layers(sources)?;
    let folder = sources.folder();
    let main = config.channel.len();
    let mut files = Vec::new();
    for file in channels::read(sources.channels_folder(&config.channels_dir).as_deref())? {
        match file.channel {
            Ok(channel) => {
                config.channel.push(channel);
                files.push((file.path, file.text));
            }
            Err(problem) => problems.push(problem),
        }
    }
    let file_of = |index: usize| files.get(index.checked_sub(main)?);
    let name_of = |index| match file_of(index) {
        Some((path, _)) => path.display().to_string(),
        None => format!("channel.{index}"),
    };
    let mut wrong = keys::resolve(&mut config, folder);
    wrong.extend(check(&config, &name_of));
    problems.extend(wrong.into_iter().map(|(key, what)| {
        let in_file = channels::index_of(&key).and_then(|(at, rest)| Some((file_of(at)?, rest)));
        match in_file {
            Some(((path, text), key)) => channels::problem(path, text, key, what),
            None => Problem { source: source_of(&figment, &key), key, what, nearest: None },
        }
    }));
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    let paths = files.into_iter().map(|(path, _)| Some(path));
    let files = std::iter::repeat_n(None, main).chain(paths).collect();
    Ok(Loaded { config, files, sources: sources.clone(), origin })
}

impl Sources {
    /// From where paths count.
    pub(crate) fn folder(&self) -> &Path {
        self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""))
    }

    /// The channel files' folder. Without a main file there is none to count from, and what happens
    /// to be called so where the process starts is no such folder.
    pub(crate) fn channels_folder(&self, channels_dir: &Path) -> Option<PathBuf> {
        (self.file.is_some() || channels_dir.is_absolute())
            .then(|| self.folder().join(channels_dir))
    }
}

/// What the layers come to, before the channel files.
pub(crate) struct Layers {
    pub figment: Figment,
    pub config: Config,
    /// With the site files.
    pub problems: Vec<Problem>,
    pub origin: String,
}

pub(crate) fn layers(sources: &Sources) -> Result<Layers, ConfigError> {
    let mut origin = Vec::new();
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(path) = &sources.file {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        text.parse::<toml::Table>().map_err(|error| malformed(path, &text, &error))?;
        figment = figment.merge(Toml::file_exact(path));
        origin.push(path.display().to_string());
    }
    if let Some((name, text)) = &sources.text {
        figment = figment.merge(Named { name, provider: Toml::string(text) });
        origin.push((*name).to_owned());
    }
    if sources.environment {
        let variables = Env::prefixed("SLUICE_").ignore(&["config"]).split("__");
        let count = variables.iter().count();
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            origin.push(format!("{count} environment variable{plural}"));
        }
        figment = figment.merge(variables);
    }
    if !sources.flags.is_empty() {
        figment = figment.merge(Flags(sources.flags.clone()));
        origin.push("flags".to_owned());
    }
    let mut config: Config = figment.extract().map_err(|errors| ConfigError {
        problems: errors.into_iter().map(|e| problem_of(&figment, e)).collect(),
    })?;
    let folder = sources.file.as_deref().and_then(Path::parent);
    let problems = site::read(&mut config, folder, &|key| source_of(&figment, key));
    if origin.is_empty() {
        origin.push("defaults".to_owned());
    }
    Ok(Layers { figment, config, problems, origin: origin.join(", ") })
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    let what = format!("cannot be read: {error}");
    let source = path.display().to_string();
    ConfigError { problems: vec![Problem { key: String::new(), source, what, nearest: None }] }
}

/// What the TOML grammar refused, with line and column.
fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let what = format!("is not TOML: {}", error.message());
    let source = format!("{}:{line}:{column}", path.display());
    ConfigError { problems: vec![Problem { key: String::new(), source, what, nearest: None }] }
}

fn problem_of(figment: &Figment, error: figment::Error) -> Problem {
    let mut key = error.path.clone();
    let source = error.metadata.as_ref().map(describe);
    let (what, nearest) = match &error.kind {
        Kind::UnknownField(name, known) => {
            // figment names the key itself in the path of a nested one only.
            if key.last() != Some(name) {
                key.push(name.clone());
            }
            let mut what =
                format!("there is no such key (its value is {})", value_of(figment, &key));
            let mut near = nearest(name, known);
            if near.is_none() && key.len() == 1 {
                near = whole_key(name);
                if near.is_some() && source.as_deref() == Some(ENVIRONMENT) {
                    what.push_str("; two underscores stand between the parts of a key");
                }
            }
            (what, near)
        }
        Kind::MissingField(name) => {
            if key.last().is_none_or(|last| *last != **name) {
                key.push(name.to_string());
            }
            ("is missing, and has no default".to_owned(), None)
        }
        Kind::UnknownVariant(value, known) => {
            let what = format!("{value:?} is none of {}", known.join(", "));
            (what, nearest(value, known))
        }
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            (format!("{actual} was given, {} is needed", in_words(expected)), None)
        }
        other => {
            let (said, value) = (other.to_string(), value_of(figment, &key));
            let known = value == NOT_SHOWN || said.contains(&value);
            (if known { said } else { format!("{value}: {said}") }, None)
        }
    };
    let key = key.join(".");
    let source = source.unwrap_or_else(|| source_of(figment, &key));
    Problem { key, source, what, nearest }
}

const NOT_SHOWN: &str = "not shown";
const ENVIRONMENT: &str = "the environment (SLUICE_…)";

/// A kind of value as people call it; serde names Rust's types.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a sequence" => "a list",
        other => other,
    }
}

/// The value of a key, as far as it is short and simple.
fn value_of(figment: &Figment, key: &[String]) -> String {
    let (value, missing) = deepest(figment, &key.join("."));
    match value {
        Some(Value::String(_, text)) if !missing => format!("{text:?}"),
        Some(Value::Num(_, number)) if !missing => number.to_i128().map_or_else(
            || number.to_f64().map_or_else(|| "a number".to_owned(), |n| n.to_string()),
            |n| n.to_string(),
        ),
        Some(Value::Bool(_, value)) if !missing => value.to_string(),
        Some(Value::Dict(..)) if !missing => "a table".to_owned(),
        Some(Value::Array(..)) if !missing => "a list".to_owned(),
        _ => NOT_SHOWN.to_owned(),
    }
}

/// What stands at a dotted key, or at the part of it that is there, and whether a part is missing.
/// figment's own search does not look into lists (`ej.0.time_zone`).
fn deepest(figment: &Figment, key: &str) -> (Option<Value>, bool) {
    let mut parts = key.split('.');
    let Some(mut at) = parts.next().and_then(|first| figment.find_value(first).ok()) else {
        return (None, true);
    };
    for part in parts {
        let next = match &at {
            Value::Dict(_, dict) => dict.get(part),
            Value::Array(_, list) => part.parse().ok().and_then(|index: usize| list.get(index)),
            _ => None,
        };
        match next.cloned() {
            Some(value) => at = value,
            None => return (Some(at), true),
        }
    }
    (Some(at), false)
}

/// The whole key that was meant where `_` stands for its dots (`SLUICE_HTTP_ADDRESS`).
fn whole_key(name: &str) -> Option<String> {
    fn collect(prefix: &str, dict: &Dict, into: &mut Vec<String>) {
        for (key, value) in dict {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Dict(_, inner) => collect(&path, inner, into),
                _ => into.push(path),
            }
        }
    }
    let defaults = Figment::from(Serialized::defaults(Config::default())).extract::<Dict>().ok()?;
    let mut keys = Vec::new();
    collect("", &defaults, &mut keys);
    keys.into_iter()
        .map(|key| (strsim::damerau_levenshtein(name, &key.replace('.', "_")), key))
        .min()
        .filter(|(distance, key)| *distance <= key.len() / 4)
        .map(|(_, key)| key)
}

/// The known name that is nearest, if any is near enough to be meant.
pub(crate) fn nearest(name: &str, known: &[&str]) -> Option<String> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()) / 2)
        .map(|(_, candidate)| candidate.to_owned())
}

pub(crate) fn source_of(figment: &Figment, key: &str) -> String {
    let metadata = figment.find_metadata(key).or_else(|| {
        let (value, _) = deepest(figment, key);
        value.and_then(|value| figment.get_metadata(value.tag()))
    });
    metadata.map(describe).unwrap_or_default()
}

fn describe(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => path.display().to_string(),
        Some(Source::Custom(name)) => name.clone(),
        _ if metadata.name.contains("environment") => ENVIRONMENT.to_owned(),
        _ if metadata.name.starts_with("sluice_config") || metadata.name == "default" => {
            String::new()
        }
        _ => metadata.name.to_string(),
    }
}

/// A provider under a name that a user would know it by.
struct Named<P> {
    name: &'static str,
    provider: P,
}

impl<P: Provider> Provider for Named<P> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> figment::error::Result<figment::value::Map<Profile, Dict>> {
        self.provider.data()
    }
}

/// `--set key=value`: dotted keys, TOML values (a bare word is a string).
struct Flags(Vec<(String, String)>);

impl Provider for Flags {
    fn metadata(&self) -> Metadata {
        Metadata::named("a flag")
    }

    fn data(&self) -> figment::error::Result<figment::value::Map<Profile, Dict>> {
        let mut all = Dict::new();
        for (key, text) in &self.0 {
            let value = format!("v = {text}")
                .parse::<toml::Table>()
                .ok()
                .and_then(|mut table| table.remove("v"))
                .unwrap_or_else(|| toml::Value::String(text.clone()));
            let value = Value::serialize(value)?;
            let nested = figment::util::nest(key, value);
            if let Value::Dict(_, dict) = nested {
                merge(&mut all, dict);
            }
        }
        Ok(Profile::Default.collect(all))
    }
}

fn merge(into: &mut Dict, from: Dict) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Dict(_, old)), Value::Dict(_, new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
