//! IHE PAM, French extension: what it adds to a message and to the rules (pam-fr; `docs/pam-fr.md`).
//!
//! Z-segments are read in profile `pam-fr` alone: elsewhere their names mean other things. As
//! everywhere, what is empty leaves alone, `""` deletes, a value replaces.

pub(super) mod ins;
mod legal_status;
mod person;
mod venue;

use super::draft::Draft;
use super::visit::Visit;
use crate::hl7::Segments;
use crate::records::{FrenchPatient, FrenchStay, PatientRecord, StayRecord};

/// ZFA, ZFD, ZFP and ZFS, and the civility of PID-5.
pub(super) fn take_person(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    segments: Segments<'_>,
) {
    if !draft.is_french() {
        return;
    }
    person::settle_names(&mut patient.names);
    let said = ["ZFA", "ZFD", "ZFP", "ZFS"].map(|name| segments.segment(name));
    if !said.iter().any(|segment| segment.exists()) {
        return;
    }
    let mut french = patient.french.take().unwrap_or_default();
    let [zfa, zfd, zfp, _] = said;
    person::shared_record(draft, &mut french.shared_record, &zfa);
    person::identity(draft, &mut french, &zfd);
    draft.set_coded(&mut french.activity, &zfp, 1, "");
    draft.set_coded(&mut french.occupation, &zfp, 2, "");
    legal_status::take(draft, &mut french.legal_statuses, segments);
    patient.french = Some(french).filter(|french| **french != FrenchPatient::default());
}

/// ZFV and ZFM, PV1-41 and PV1-51.
pub(super) fn take_stay(draft: &mut Draft<'_>, stay: &mut StayRecord, visit: &Visit<'_>) {
    if !draft.is_french() {
        return;
    }
    let mut french = stay.french.take().unwrap_or_default();
    venue::venue(draft, &mut french, &visit.zfv);
    venue::placement(draft, &mut french, &visit.zfv);
    venue::pmsi(draft, &mut french, &visit.zfm);
    venue::end_of_account(draft, &mut french, &visit.pv1);
    stay.french = Some(french).filter(|french| **french != FrenchStay::default());
}
