//! What IHE PAM France says beyond HL7: its Z-segments, and fields that it gives a meaning of
//! its own (pam-fr §4, §7). Boxed where they stand, so that records of other EJs do not grow.

use serde::{Deserialize, Serialize};

use super::{Address, Coded, Identifier, Moment, phi_debug};

/// Of a person: ZFA, ZFD, ZFP, ZFS.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FrenchPatient {
    pub shared_record: SharedRecord,
    /// ZFD-1: a date of birth that no calendar has (`31^02^1960`), as day, month and year.
    pub lunar_birth_date: Option<LunarDate>,
    /// ZFD-2.
    pub gestation_weeks: Option<u32>,
    /// ZFD-3: text messages are agreed to.
    pub text_messages: Option<bool>,
    /// ZFD-4: the date of birth was corrected when the INS was asked for.
    pub birth_date_corrected: Option<bool>,
    /// ZFD-5: how the identity was taken: SM, CV, INSI, CB, RFID.
    pub identity_method: String,
    /// ZFD-6: when INSi was asked.
    pub identity_asked: Option<Moment>,
    /// ZFD-7: by which document: AN CC CE CM CN CS LE PA PC TC.
    pub identity_document: String,
    /// ZFD-8.
    pub identity_document_expires: Option<Moment>,
    /// ZFP-1.
    pub activity: Coded,
    /// ZFP-2 (PCS-2003).
    pub occupation: Coded,
    /// ZFS, by its number; the EJ's settings say whether it is kept and shown.
    pub legal_statuses: Vec<LegalStatus>,
}

/// ZFA: the national shared medical record (DMP).
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SharedRecord {
    /// ZFA-1: ACTIF, FERME, INEXISTANT.
    pub status: String,
    /// ZFA-2, ZFA-3.
    pub asked: Option<Moment>,
    pub closed: Option<Moment>,
    /// ZFA-9, ZFA-10: whether it may be written to, and since when.
    pub writing: String,
    pub writing_since: Option<Moment>,
    /// ZFA-11, ZFA-12: whether it may be read.
    pub reading: String,
    pub reading_since: Option<Moment>,
}

/// Day, month and year of a date that no calendar need have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LunarDate {
    pub day: u8,
    pub month: u8,
    pub year: u16,
}

/// ZFS: a legal status of psychiatric care. The most sensitive thing that a feed carries.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalStatus {
    /// ZFS-2.
    pub identifier: Identifier,
    /// ZFS-3, ZFS-4.
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    /// ZFS-6: SPL, SDT, SDREM…
    pub mode: Coded,
    /// ZFS-7.
    pub rim_p: String,
    /// ZFS-8.
    pub comment: String,
}

/// Of a stay: ZFV, ZFM, PV1-41, PV1-51.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FrenchStay {
    /// ZFV-1: the establishment that the patient comes from, by FINESS, and since when.
    pub origin: Coded,
    pub origin_left: Option<Moment>,
    /// ZFV-2 (table 0430).
    pub discharge_transport: Coded,
    /// ZFV-4, ZFV-5, ZFV-10: placement in psychiatric care; as [`LegalStatus`].
    pub placement_start: Option<Moment>,
    pub placement_end: Option<Moment>,
    pub placement_code: String,
    /// ZFV-6 of type ORI and DST.
    pub origin_address: Option<Address>,
    pub destination_address: Option<Address>,
    /// ZFV-7: the account that this one continues.
    pub origin_account: Option<Identifier>,
    /// ZFV-8.
    pub archive: Option<Identifier>,
    /// ZFV-9: the site's own code.
    pub discharge_mode: Coded,
    /// ZFV-11: MED, PARAMED, AUCUN.
    pub transport_care: Coded,
    /// ZFM-1 to ZFM-5, of the PMSI: entry, exit, from, to, by the emergency room.
    pub pmsi_entry: String,
    pub pmsi_exit: String,
    pub pmsi_origin: String,
    pub pmsi_destination: String,
    pub pmsi_emergency: String,
    /// PV1-41: D, the last stay of its account; N, not the last.
    pub account_end: String,
    /// PV1-51: V, the stay alone was cancelled; A, its account with it.
    pub cancelled_with: String,
}

phi_debug!(FrenchPatient, SharedRecord, LegalStatus, FrenchStay);
