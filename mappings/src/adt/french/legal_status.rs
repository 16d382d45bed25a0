//! ZFS: the legal statuses of psychiatric care, each by its number (ZFS-2).
//!
//! The most sensitive thing that a feed carries: the EJ's `legal_status` says whether it is kept,
//! shown, or not even kept (`docs/pam-fr.md`).

use crate::adt::IssueCode;
use crate::adt::draft::Draft;
use crate::adt::values::{REPETITIONS_MAX, TEXT_BYTES_MAX, at};
use crate::entity::{AuthorityUse, LegalStatusUse};
use crate::hl7::datatypes::Ei;
use crate::hl7::{Segment, Segments};
use crate::records::{Coded, Identifier, LegalStatus};

pub(super) fn take(draft: &mut Draft<'_>, statuses: &mut Vec<LegalStatus>, segments: Segments<'_>) {
    if draft.entity().settings.legal_status == LegalStatusUse::Drop {
        statuses.clear();
        return;
    }
    for zfs in segments.named("ZFS") {
        let Some(identifier) = identifier(draft, &zfs) else {
            draft.issue(IssueCode::FieldMissing, at(&zfs, 2));
            continue;
        };
        let is_it = |own: &LegalStatus| own.identifier.is_number_of(&identifier);
        let known = statuses.iter().position(is_it);
        if zfs.field(5).component(1).text().trim() == "CANCEL" {
            if let Some(known) = known {
                statuses.remove(known);
            }
            continue;
        }
        let mut status = match known {
            Some(known) => statuses[known].clone(),
            None => unknown(identifier),
        };
        draft.set_moment(&mut status.start, &zfs, 3);
        draft.set_moment(&mut status.end, &zfs, 4);
        draft.set_coded(&mut status.mode, &zfs, 6, "");
        draft.set_text(&mut status.rim_p, zfs.field(7).component(1), at(&zfs, 7));
        draft.set_text(&mut status.comment, zfs.field(8).component(1), at(&zfs, 8));
        if !is_mode(&status.mode) {
            draft.issue(IssueCode::CodeUnknown, at(&zfs, 6));
        }
        match known {
            Some(known) => statuses[known] = status,
            None => statuses.push(status),
        }
        if statuses.len() > REPETITIONS_MAX {
            draft.issue(IssueCode::ValueCut, zfs.location());
            statuses.remove(0);
        }
    }
}

fn is_mode(mode: &Coded) -> bool {
    let known =
        ["", "OPP", "SPP", "SPL", "SPAP", "SDREP", "SDREM", "SDREIP", "SPD", "SDT", "SDTU", "SPI"];
    known.contains(&mode.code.as_str())
}

fn identifier(draft: &Draft<'_>, zfs: &Segment<'_>) -> Option<Identifier> {
    let ei = Ei::of(zfs.field(2));
    let value = ei.id().filter(|id| id.len() <= TEXT_BYTES_MAX && !id.contains('\0'))?;
    let authority =
        [ei.namespace(), ei.universal_id(), ei.universal_id_type()].map(Option::unwrap_or_default);
    let system = draft.system_of(&authority, AuthorityUse::Any).uri;
    Some(Identifier { system, value: value.into_owned(), ..Identifier::default() })
}

fn unknown(identifier: Identifier) -> LegalStatus {
    LegalStatus {
        identifier,
        start: None,
        end: None,
        mode: Coded::default(),
        rim_p: String::new(),
        comment: String::new(),
    }
}
