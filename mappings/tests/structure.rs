//! MFN^M05: the structure of the demonstration's hospitals, and how it meets what movements say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

mod adt_support;

use std::collections::BTreeMap;

use adt_support::{Lane, demo_settings, repository};
use proptest::prelude::*;
use serde_json::Value;
use sluice_mappings::adt::{Effect, IssueCode};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::records::{
    LocationRecord, OrganizationKind, OrganizationRecord, Record, RecordType,
};

fn lane(ej: &str) -> Lane {
    Lane::new(LegalEntity::new(demo_settings(ej)).unwrap())
}

fn ght(ej: &str) -> Value {
    let text = std::fs::read_to_string(repository().join("fixtures/ght-demo.json")).unwrap();
    let ght: Value = serde_json::from_str(&text).unwrap();
    let own = ght["ej"].as_array().unwrap().iter().find(|own| own["id"] == ej);
    own.unwrap().clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// MFE LOC {LCH} {LRL} of one entry, as the specification writes them.
fn entry(
    of: &str,
    number: &str,
    name: &str,
    lch: &[(&str, &str)],
    lrl: &[(&str, &str, &str)],
) -> String {
    let key = |of: &str, number: &str| format!("^^^^^{of}^^^^{number}&GAM&699000014&FINEJ");
    let own = key(of, number);
    let mut out = format!("MFE|MAD|||{own}|PL\rLOC|{own}||{of}|{name}\r");
    for (code, value) in lch {
        out.push_str(&format!("LCH|{own}|||{code}|^{value}\r"));
    }
    for (relation, of, number) in lrl {
        out.push_str(&format!("LRL|{own}|||{relation}||{}\r", key(of, number)));
    }
    out
}

/// Every level of an EJ, each entry by itself. A UH is an `N` that answers to its UF.
fn entries(ej: &Value) -> Vec<String> {
    let finess = text(ej, "finess_ej");
    let mut out = vec![entry("M", finess, text(ej, "name"), &[("FNS", finess)], &[])];
    for eg in list(ej, "eg") {
        let lch = [("FNS", text(eg, "finess_eg")), ("VL", text(eg, "city"))];
        let lrl = [("RSPNSBLT", "M", finess)];
        out.push(entry("ETBL_GRPQ", text(eg, "id"), text(eg, "name"), &lch, &lrl));
    }
    for pole in list(ej, "poles") {
        let code = text(pole, "code");
        out.push(entry("PL", code, text(pole, "name"), &[], &[("RSPNSBLT", "M", finess)]));
        for service in list(pole, "services") {
            let of = text(service, "code");
            let lrl = [("RSPNSBLT", "PL", code), ("ETBLSMNT", "ETBL_GRPQ", text(service, "eg"))];
            out.push(entry("D", of, text(service, "name"), &[], &lrl));
            for unit in list(service, "uf") {
                units(unit, of, &mut out);
            }
        }
    }
    out
}

fn units(unit: &Value, service: &str, out: &mut Vec<String>) {
    let uf = text(unit, "code");
    let lch = [("CD", uf), ("TP_ACTVT", text(unit, "type_activite"))];
    out.push(entry("H", uf, text(unit, "name"), &lch, &[("RSPNSBLT", "D", service)]));
    for ward in list(unit, "uh") {
        let uh = text(ward, "code");
        out.push(entry("N", uh, text(ward, "name"), &[], &[("RSPNSBLT", "H", uf)]));
        for room in list(ward, "chambres") {
            let code = text(room, "code");
            let number = format!("{uf}-{code}");
            let lch = [("CD", code), ("TP_CHMBR", text(room, "type"))];
            out.push(entry("R", &number, &format!("Chambre {code}"), &lch, &[("LCLSTN", "N", uh)]));
            for bed in list(room, "lits") {
                let bed = bed.as_str().unwrap();
                let lrl = [("LCLSTN", "R", number.as_str())];
                out.push(entry(
                    "B",
                    &format!("{uf}-{bed}"),
                    &format!("Lit {bed}"),
                    &[("CD", bed)],
                    &lrl,
                ));
            }
        }
    }
}

fn message(control_id: &str, event: &str, entries: &[String]) -> String {
    format!(
        "MSH|^~\\&|GAM|X^699000014^M|SLUICE|EJ1|20260310090500||MFN^M05^MFN_M05|{control_id}|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8\r\
         MFI|LOC|APP_LOC_FRA|{event}|20260310|20260310|AL\r{}",
        entries.concat()
    )
}

fn a01(place: &str) -> String {
    format!(
        "MSH|^~\\&|GAM|X^699000014^M|SLUICE|EJ1|20260310090500||ADT^A01^ADT_A01|A1|P|2.5\r\
         EVN||20260310090500\r\
         PID|||8100001^^^CHULY&699000014&M^PI||DURAND^ANNE^^^^^L\r\
         PV1||I|{place}||||||||||||||||26V001\r\
         ZBE|M1^CHULY^699000014^M|20260310090500||INSERT|N||^^^^^CHULY&699000014&M^UF^^^3101||HMS\r"
    )
}

fn organizations(lane: &Lane) -> Vec<OrganizationRecord> {
    let all = lane.records.others(RecordType::Organization);
    all.filter_map(|r| if let Record::Organization(r) = r { Some((**r).clone()) } else { None })
        .collect()
}

fn locations(lane: &Lane) -> Vec<LocationRecord> {
    let all = lane.records.others(RecordType::Location);
    all.filter_map(|r| if let Record::Location(r) = r { Some((**r).clone()) } else { None })
        .collect()
}

fn location(lane: &Lane, name: &str) -> LocationRecord {
    locations(lane).into_iter().find(|own| own.name == name).unwrap()
}

fn count(lane: &Lane, kind: OrganizationKind) -> usize {
    organizations(lane).iter().filter(|own| own.kind == kind && own.active).count()
}

/// The names from a place up, and the UF that runs it.
fn chain(lane: &Lane, name: &str) -> (Vec<String>, Vec<String>) {
    let (places, units) = (locations(lane), organizations(lane));
    let (mut up, mut over) = (Vec::new(), Vec::new());
    let mut at = places.iter().find(|own| own.name == name);
    let mut unit = at.and_then(|own| own.managing_organization);
    while let Some(own) = at {
        up.push(own.name.clone());
        at = own.part_of.and_then(|id| places.iter().find(|own| own.id == id));
    }
    while let Some(own) = unit.and_then(|id| units.iter().find(|own| own.id == id)) {
        over.push(own.name.clone());
        unit = own.part_of;
    }
    (up, over)
}

#[test]
fn the_demonstrations_hospitals_become_what_their_table_counts() {
    use OrganizationKind::{FunctionalUnit, GeographicalEntity, LegalEntity, Pole, Service};
    for (ej, egs, poles, services, units, places) in [
        ("EJ1", 4, 5, 9, 16, 13 + 49 + 74),
        ("EJ2", 2, 2, 4, 4, 4 + 11 + 18),
        ("EJ3", 1, 1, 1, 2, 3 + 15 + 16),
    ] {
        let mut lane = lane(ej);
        let outcome = lane.take_text(&message("S1", "REP", &entries(&ght(ej))));
        assert_eq!((outcome.effect, outcome.issues), (Effect::Applied, vec![]), "{ej}");
        let counted = [LegalEntity, GeographicalEntity, Pole, Service, FunctionalUnit];
        let counted = counted.map(|kind| count(&lane, kind));
        assert_eq!(counted, [1, egs, poles, services, units], "{ej}");
        assert_eq!(locations(&lane).len(), places, "{ej}");
    }
}

#[test]
fn a_bed_stands_in_its_room_its_ward_and_under_its_unit() {
    let mut lane = lane("EJ1");
    lane.take_text(&message("S1", "REP", &entries(&ght("EJ1"))));
    let (places, units) = chain(&lane, "Lit C305F");
    assert_eq!(places, ["Lit C305F", "Chambre C305", "Cardiologie étage 3"]);
    assert_eq!(
        units,
        ["Cardiologie HC", "Cardiologie", "Pôle Cœur-Poumon", "CHU Lyon Confluence (fictif)"]
    );
    let unit = organizations(&lane).into_iter().find(|own| own.name == "Cardiologie HC").unwrap();
    let numbers: Vec<_> = unit.identifiers.iter().map(|own| own.value.as_str()).collect();
    assert_eq!(numbers, ["H/3101", "3101"]);
    assert_eq!(unit.attributes, [("TP_ACTVT".to_owned(), "03".to_owned())]);
    let service = organizations(&lane).into_iter().find(|own| own.name == "Cardiologie").unwrap();
    assert_eq!(service.attributes, [("ETBLSMNT".to_owned(), "ETBL_GRPQ/EG11".to_owned())]);
}

#[test]
fn structure_and_movements_meet_in_the_same_records_whichever_comes_first() {
    let structure = message("S1", "REP", &entries(&ght("EJ1")));
    let movement = a01("3101^C305^C305F^CANUTS&699001012&N");
    let mut first = lane("EJ1");
    first.take_text(&structure);
    let before = locations(&first).len();
    first.take_text(&movement);
    let mut last = lane("EJ1");
    last.take_text(&movement);
    last.take_text(&structure);
    for lane in [&first, &last] {
        let stay = lane.records.stays().next().unwrap();
        let place = stay.movements[0].location.unwrap();
        assert_eq!(place, location(lane, "Lit C305F").id);
    }
    let ids = |lane: &Lane| {
        let mut ids: Vec<_> =
            locations(lane).iter().map(|own| (own.id, own.name.clone())).collect();
        ids.extend(organizations(lane).iter().map(|own| (own.id, own.name.clone())));
        ids.retain(|(_, name)| !name.is_empty());
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&first), ids(&last));
    assert!(locations(&first).len() - before <= 1, "at most its facility is new");
}

#[test]
fn a_ward_of_several_in_one_unit_is_a_place_of_its_own() {
    let mut lane = lane("EJ3");
    lane.take_text(&message("S1", "REP", &entries(&ght("EJ3"))));
    assert_eq!(chain(&lane, "Lit E101").0, ["Lit E101", "Chambre E101", "Aile Soleil"]);
    assert_eq!(chain(&lane, "Lit E201").0, ["Lit E201", "Chambre E201", "Aile Mûriers"]);
    assert_eq!(chain(&lane, "Lit E201").1[0], "Hébergement permanent");
}

#[test]
fn what_a_replacement_leaves_out_is_closed_and_never_deleted() {
    let mut lane = lane("EJ1");
    let all = entries(&ght("EJ1"));
    lane.take_text(&message("S1", "REP", &all));
    lane.take_text(&a01("3101^C305^C305F"));
    lane.take_text(&a01("9999^Z1^Z1F").replace("8100001", "8100002").replace("26V001", "26V002"));
    let (places, units) = (locations(&lane).len(), organizations(&lane).len());
    let without: Vec<_> =
        all.iter().filter(|e| !e.contains("3101-C305") && !e.contains("^3103&")).cloned().collect();
    assert_eq!(all.len() - without.len(), 4, "a room, its two beds, a unit");
    lane.take_text(&message("S2", "REP", &without));
    assert_eq!((locations(&lane).len(), organizations(&lane).len()), (places, units));
    let closed: Vec<_> = locations(&lane).into_iter().filter(|own| own.inactive).collect();
    assert_eq!(closed.len(), 3);
    let bed = location(&lane, "Lit C305F");
    assert!(bed.inactive && bed.part_of.is_some());
    let unit = |lane: &Lane| {
        organizations(lane).into_iter().find(|own| own.name == "Cardiologie consultations").unwrap()
    };
    assert!(!unit(&lane).active);
    lane.take_text(&message("S3", "REP", &all));
    assert!(unit(&lane).active && !location(&lane, "Lit C305F").inactive);
}

#[test]
fn an_update_touches_only_what_it_names() {
    let mut lane = lane("EJ1");
    let all = entries(&ght("EJ1"));
    lane.take_text(&message("S1", "REP", &all));
    let bed = entry("B", "3101-C305F", "Lit côté fenêtre", &[], &[]).replace("MAD", "MUP");
    let outcome = lane.take_text(&message("S2", "UPD", &[bed]));
    assert_eq!(outcome.changes.len(), 1);
    let (places, _) = chain(&lane, "Lit côté fenêtre");
    assert_eq!(places, ["Lit côté fenêtre", "Chambre C305", "Cardiologie étage 3"]);
    let gone = entry("H", "3103", "", &[], &[]).replace("MAD", "MDC");
    lane.take_text(&message("S3", "UPD", &[gone]));
    assert_eq!(count(&lane, OrganizationKind::FunctionalUnit), 15);
    let back = entry("H", "3103", "", &[], &[]).replace("MAD", "MUP");
    lane.take_text(&message("S4", "UPD", &[back]));
    assert_eq!(count(&lane, OrganizationKind::FunctionalUnit), 16);
    let new = entry("R", "NEW", "Chambre 9", &[("CD", "C309")], &[("LCLSTN", "N", "H3101")]);
    lane.take_text(&message("S5", "UPD", &[new]));
    let room = location(&lane, "Chambre 9");
    assert_eq!((room.place.point_of_care.as_str(), room.place.room.as_str()), ("3101", "C309"));
    lane.take_text(&a01("3101^C309^^CANUTS"));
    let stay = lane.records.stays().next().unwrap();
    assert_eq!(stay.movements[0].location, Some(room.id));
}

#[test]
fn a_unit_of_two_responsibilities_is_one_organization_with_a_ward() {
    let mut lane = lane("EJ1");
    let chuly = [("CD", "2804"), ("LBL", "Gériatrie")];
    let entries = [
        entry("H", "17", "", &chuly, &[]),
        entry("N", "18", "", &chuly, &[]),
        entry("R", "19", "Chambre 1", &[("CD", "1")], &[("LCLSTN", "N", "18")]),
        entry("B", "20", "Lit 1", &[("CD", "1F")], &[("LCLSTN", "R", "19")]),
    ];
    lane.take_text(&message("S1", "REP", &entries));
    assert_eq!(count(&lane, OrganizationKind::FunctionalUnit), 1);
    assert_eq!(chain(&lane, "Lit 1").0, ["Lit 1", "Chambre 1", "Gériatrie"]);
    assert_eq!(chain(&lane, "Lit 1").1, ["Gériatrie", "CHU Lyon Confluence (fictif)"]);
    lane.take_text(&a01("2804^1^1F"));
    let stay = lane.records.stays().next().unwrap();
    assert_eq!(stay.movements[0].location, Some(location(&lane, "Lit 1").id));
}

#[test]
fn a_senders_own_types_are_translated_first() {
    let mut settings = demo_settings("EJ1");
    settings.structure_types = BTreeMap::from([("UNT_MDCL".to_owned(), "H".to_owned())]);
    let mut lane = Lane::new(LegalEntity::new(settings.clone()).unwrap());
    let entries = [entry("UNT_MDCL", "17", "Consultations", &[("CD", "3103")], &[])];
    lane.take_text(&message("S1", "REP", &entries));
    assert_eq!(count(&lane, OrganizationKind::FunctionalUnit), 1);
    settings.structure_types = BTreeMap::from([("X".to_owned(), "Y".to_owned())]);
    assert!(LegalEntity::new(settings).is_err());
}

#[test]
fn a_closing_date_that_has_passed_closes() {
    let mut lane = lane("EJ1");
    let closing = |number, date| entry("H", number, "UF", &[("DT_FRMTR", date)], &[]);
    let entries =
        [closing("1", "20260309235959"), closing("2", "20260311000000"), closing("3", "?")];
    let outcome = lane.take_text(&message("S1", "REP", &entries));
    let codes: Vec<_> = outcome.issues.iter().map(|issue| issue.code).collect();
    assert_eq!(codes, [IssueCode::TimeUnreadable]);
    let units = organizations(&lane);
    let active = |number| {
        let key = format!("H/{number}");
        units.iter().find(|own| own.identifiers.iter().any(|i| i.value == key)).unwrap().active
    };
    assert_eq!([active(1), active(2), active(3)], [false, true, true]);
}

#[test]
fn entries_that_are_part_of_themselves_are_told_and_not_believed() {
    let mut lane = lane("EJ1");
    let entries = [
        entry("ETG", "1", "Étage", &[], &[("LCLSTN", "AL", "2")]),
        entry("AL", "2", "Aile", &[], &[("LCLSTN", "ETG", "1")]),
        entry("R", "3", "Chambre", &[], &[("LCLSTN", "AL", "2")]),
        entry("B", "4", "Lit", &[], &[("LCLSTN", "R", "404")]),
    ];
    let outcome = lane.take_text(&message("S1", "REP", &entries));
    let codes: Vec<_> = outcome.issues.iter().map(|issue| issue.code).collect();
    assert_eq!(codes, [IssueCode::RelationUnknown, IssueCode::RelationRing]);
    assert_eq!(chain(&lane, "Chambre").0, ["Chambre", "Aile"]);
    assert_eq!(chain(&lane, "Lit").0, ["Lit"]);
}

#[test]
fn a_structure_of_thousands_of_entries_is_taken_whole() {
    let mut lane = lane("EJ1");
    let mut entries = vec![entry("H", "1", "UF", &[("CD", "1")], &[])];
    for room in 0..1_700 {
        let number = format!("R{room}");
        entries.push(entry("R", &number, "Chambre", &[], &[("LCLSTN", "H", "1")]));
        for bed in ["F", "P"] {
            let lrl = [("LCLSTN", "R", number.as_str())];
            entries.push(entry("B", &format!("{number}{bed}"), "Lit", &[], &lrl));
        }
    }
    let outcome = lane.take_text(&message("S1", "REP", &entries));
    assert_eq!(outcome.issues, []);
    assert_eq!(locations(&lane).len(), 1 + 1_700 * 3);
    assert_eq!(lane.take_text(&message("S2", "REP", &entries)).changes, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The order of the entries changes nothing, and a replacement told twice is one.
    #[test]
    fn a_structure_is_a_set_of_entries(
        ej in prop::sample::select(vec!["EJ2", "EJ3", "EJ4"]),
        keys in prop::collection::vec(any::<u32>(), 200),
        kept in prop::collection::vec(prop::bool::weighted(0.8), 200),
        event in prop::sample::select(vec!["REP", "UPD"]),
    ) {
        let all = entries(&ght(ej));
        let part: Vec<_> = all.iter().zip(&kept).filter(|(_, k)| **k).map(|(e, _)| e.clone()).collect();
        let mut shuffled: Vec<_> = part.iter().zip(&keys).collect();
        shuffled.sort_by_key(|(_, key)| **key);
        let shuffled: Vec<_> = shuffled.into_iter().map(|(e, _)| e.clone()).collect();
        let (mut one, mut other) = (lane(ej), lane(ej));
        for (lane, second) in [(&mut one, &part), (&mut other, &shuffled)] {
            lane.take_text(&message("S1", "REP", &all));
            lane.take_text(&message("S2", event, second));
        }
        let shown = |lane: &Lane| -> BTreeMap<_, _> {
            lane.records.all().map(|r| ((r.record_type(), r.id()), serde_json::to_string(&r).unwrap())).collect()
        };
        prop_assert_eq!(shown(&one), shown(&other));
        prop_assert_eq!(one.take_text(&message("S3", event, &shuffled)).changes, vec![]);
        // From nothing, in any order, it comes to the same.
        let (mut one, mut other) = (lane(ej), lane(ej));
        one.take_text(&message("S1", event, &part));
        other.take_text(&message("S1", event, &shuffled));
        prop_assert_eq!(shown(&one), shown(&other));
    }
}
