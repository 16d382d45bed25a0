//! What a record tells of itself, whatever its type.

use sluice_mappings::records::{HeldKind, Record, RecordType};

use super::{french, patient, pid, plain, segment, take};

#[test]
fn a_type_has_its_own_index_and_is_of_a_patient_or_of_all() {
    for (at, ty) in RecordType::ALL.into_iter().enumerate() {
        assert_eq!(ty.index(), at, "{ty:?}");
    }
    let of_all = RecordType::ALL.into_iter().filter(|ty| !ty.is_of_a_patient());
    let of_all: Vec<_> = of_all.map(RecordType::fhir).collect();
    assert_eq!(of_all, ["Location", "Organization", "Practitioner", "PractitionerRole"]);
}

#[test]
fn what_is_held_is_told_by_the_stay_or_by_the_patient() {
    let mut lane = french();
    let zbe = |number: &str, action: &str| {
        segment(
            "ZBE",
            &[(1, number), (2, "20260310080000"), (4, action), (5, "N"), (6, "A02"), (9, "HMS")],
        )
    };
    let pv1 = |visit: &str| segment("PV1", &[(2, "I"), (3, "3101^C1^L1"), (19, visit)]);
    take(&mut lane, "A01", &[&pid(&[]), &pv1("V1"), &zbe("M1", "INSERT")]);
    take(&mut lane, "Z99", &[&pid(&[]), &pv1("V1"), &zbe("M7", "UPDATE")]);
    take(&mut lane, "A12", &[&pid(&[]), &pv1("V8"), &zbe("M8", "CANCEL")]);
    let mut held = Vec::new();
    for record in lane.records.all() {
        let of = match &record {
            Record::Stay(_) => "stay",
            Record::Patient(_) => "patient",
            _ => "other",
        };
        for (movement, kind) in record.held() {
            let number = movement.identifier.as_ref().unwrap().value.clone();
            held.push(format!("{of} {number} {}", kind.kind.as_str()));
        }
    }
    held.sort();
    assert_eq!(held, ["patient M8 cancel", "stay M7 update"]);
    assert_ne!(HeldKind::Cancel.as_str(), HeldKind::Update.as_str());
}

/// FACTS §1 A40: the loser's stays are the survivor's, with all that came with them.
#[test]
fn whatever_a_stay_has_goes_with_it_to_the_one_who_remains() {
    let mut lane = plain();
    let (one, other) = (pid(&[]), "PID|1||P2^^^A||Doe^Anne");
    let pv1 = segment("PV1", &[(2, "I"), (3, "3101^C1^L1"), (19, "V1")]);
    let parts = ["DG1|1||X1^TEXT^L", "PR1|1||P7^SCAN^L||20260310", "OBX|1|NM|8867-4^Rate^LN||80"];
    take(&mut lane, "A28", &[&one]);
    take(&mut lane, "A01", &[other, &pv1, parts[0], parts[1], parts[2]]);
    let of =
        |lane: &super::Lane, ty| lane.records.others(ty).map(Record::patient).collect::<Vec<_>>();
    let types = [RecordType::Condition, RecordType::Procedure, RecordType::Observation];
    for ty in types {
        assert_eq!(of(&lane, ty), [Some(patient(&lane, "P2").id)], "{ty:?}");
    }
    take(&mut lane, "A40", &[&one, "MRG|P2^^^A"]);
    let survivor = patient(&lane, "P1").id;
    for ty in types {
        assert_eq!(of(&lane, ty), [Some(survivor)], "{ty:?}");
    }
}
