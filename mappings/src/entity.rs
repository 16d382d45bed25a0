//! A legal entity as the mapping sees it: its identifiers, its clock, its dialect.
//!
//! [`EjSettings`] is what a configuration file says; [`LegalEntity`] is the same, checked and
//! ready to use. Whatever here changes what a message means is written to the journal as a
//! configuration epoch.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sluice_ids::EjId;

use crate::hl7::{Charset, Declared};
use crate::records::ResourceId;
use crate::site::{Site, SiteProblem, SiteSettings};

/// Which national rules a feed follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// HL7 v2 chapter 3 and the v2-to-FHIR guide.
    #[default]
    International,
    /// IHE PAM, French extension; messages without ZBE are taken by the international rules.
    PamFr,
}

/// What an assigning authority numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorityUse {
    Patient,
    Visit,
    Account,
    Movement,
    /// UFs, by the code that movements name them by.
    Unit,
    #[default]
    Any,
}

/// One `[[ej.authority]]`: CX-4 or EI-2..4 as the EJ's senders write it, and the FHIR
/// identifier system that it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssigningAuthority {
    /// HD.1; may be empty where `universal_id` is given.
    #[serde(default)]
    pub namespace: String,
    /// HD.2 (an OID, a FINESS number…); matched first when the message has one.
    #[serde(default)]
    pub universal_id: String,
    /// The FHIR `Identifier.system` URI.
    pub system: String,
    #[serde(default)]
    pub r#use: AuthorityUse,
}

/// What becomes of the legal status of psychiatric care (ZFS; ZFV-4, 5 and 10). Whatever is
/// chosen, the message stands in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegalStatusUse {
    /// Kept with the patient, shown nowhere.
    #[default]
    Keep,
    /// Kept, and shown in FHIR.
    Show,
    /// Not even kept.
    Drop,
}

/// What an A08 is in `pam-fr`, whose extension knows none. It is never refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum A08Use {
    /// Its PID as of an A31; without a ZBE, an update by the international rules.
    #[default]
    Apply,
    /// Accepted, and without effect.
    Ignore,
}

/// One `[[ej]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EjSettings {
    pub id: EjId,
    pub name: String,
    /// Nine characters; empty outside France.
    #[serde(default)]
    pub finess: String,
    /// MSH-4 values (namespace or universal id) that are this EJ's. `finess` always is.
    #[serde(default)]
    pub msh4: Vec<String>,
    /// Take only messages whose MSH-4 is this EJ's (default: any that is not another EJ's).
    #[serde(default)]
    pub strict_sender: bool,
    /// Take messages whose MSH-11 is `T`.
    #[serde(default)]
    pub test_messages: bool,
    #[serde(default = "default_time_zone")]
    pub time_zone: String,
    /// Table 0211 value used when MSH-18 is empty.
    #[serde(default = "default_charset")]
    pub charset: String,
    #[serde(default)]
    pub profile: Profile,
    /// PID-18 is this EJ's visit number (DESIGN §3, "which stay").
    #[serde(default)]
    pub account_is_visit: bool,
    /// What an A08 is in `pam-fr`.
    #[serde(default)]
    pub a08: A08Use,
    /// What becomes of ZFS.
    #[serde(default)]
    pub legal_status: LegalStatusUse,
    /// Types of the structure (PL-6 of MFE-4) as its sender writes them, and what each means.
    #[serde(default)]
    pub structure_types: BTreeMap<String, String>,
    #[serde(default)]
    pub authority: Vec<AssigningAuthority>,
    /// Path of the file that holds `site`, from the configuration file's folder; empty: none.
    #[serde(default)]
    pub site_file: String,
    /// The tables of `site_file`.
    #[serde(default)]
    pub site: SiteSettings,
}

fn default_time_zone() -> String {
    "Europe/Paris".into()
}

fn default_charset() -> String {
    "UNICODE UTF-8".into()
}

impl EjSettings {
    /// An EJ of which nothing but its id is said.
    #[must_use]
    pub fn named(id: EjId) -> Self {
        Self {
            id,
            name: id.to_string(),
            finess: String::new(),
            msh4: Vec::new(),
            strict_sender: false,
            test_messages: false,
            time_zone: default_time_zone(),
            charset: default_charset(),
            profile: Profile::default(),
            account_is_visit: false,
            a08: A08Use::default(),
            legal_status: LegalStatusUse::default(),
            structure_types: BTreeMap::new(),
            authority: Vec::new(),
            site_file: String::new(),
            site: SiteSettings::default(),
        }
    }
}

/// An [`EjSettings`] that was checked.
#[derive(Debug, Clone)]
pub struct LegalEntity {
    pub settings: EjSettings,
    pub zone: TimeZone,
    /// Of messages without MSH-18.
    pub charset: Charset,
    pub site: Site,
    /// Its own Organization, to which most of its resources refer: minted once.
    pub organization: ResourceId,
}

/// Why an EJ's settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntityError {
    #[error("id {value:?} begins with a dot; such ids are kept for the journal's own records")]
    Id { value: String },
    #[error("time_zone {name:?} is not in the IANA database")]
    TimeZone { name: String },
    #[error("finess {value:?} is not nine digits or letters")]
    Finess { value: String },
    #[error("authority {index} has neither namespace nor universal_id")]
    Authority { index: usize },
    #[error("authority {index}: system {value:?} is not an absolute URI")]
    System { index: usize, value: String },
    #[error("structure_types.{sent}: {value:?} is no type of the structure (docs/structure.md)")]
    StructureType { sent: String, value: String },
    #[error("site: {} row {}: {}", .0.table, .0.row + 1, .0.what)]
    Site(SiteProblem),
    #[error("charset {value:?} is none of ASCII, 8859/1, 8859/15, UNICODE UTF-8, windows-1252")]
    Charset { value: String },
}

impl LegalEntity {
    /// # Errors
    /// The first thing in `settings` that cannot be used.
    pub fn new(settings: EjSettings) -> Result<Self, EntityError> {
        if settings.id.as_str().starts_with('.') {
            return Err(EntityError::Id { value: settings.id.to_string() });
        }
        let zone = TimeZone::get(&settings.time_zone)
            .map_err(|_| EntityError::TimeZone { name: settings.time_zone.clone() })?;
        let charset = match Charset::declared(settings.charset.as_bytes()) {
            Declared::Known(charset) => charset,
            Declared::Absent | Declared::Unsupported => {
                return Err(EntityError::Charset { value: settings.charset });
            }
        };
        let finess = &settings.finess;
        if !finess.is_empty()
            && (finess.len() != 9 || !finess.bytes().all(|b| b.is_ascii_alphanumeric()))
        {
            return Err(EntityError::Finess { value: finess.clone() });
        }
        for (sent, value) in &settings.structure_types {
            if !crate::adt::is_structure_type(value) {
                let (sent, value) = (sent.clone(), value.clone());
                return Err(EntityError::StructureType { sent, value });
            }
        }
        for (index, authority) in settings.authority.iter().enumerate() {
            if authority.namespace.is_empty() && authority.universal_id.is_empty() {
                return Err(EntityError::Authority { index });
            }
            let scheme = authority.system.split_once(':').map_or("", |(scheme, _)| scheme);
            if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(EntityError::System { index, value: authority.system.clone() });
            }
        }
        if let Some(problem) = settings.site.problems().into_iter().next() {
            return Err(EntityError::Site(problem));
        }
        let site = Site::new(&settings.site);
        let organization = crate::adt::legal_entity_id(settings.id);
        Ok(Self { settings, zone, charset, site, organization })
    }

    #[must_use]
    pub fn id(&self) -> EjId {
        self.settings.id
    }
}
