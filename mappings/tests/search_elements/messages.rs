//! Messages at random, of which every coded element may have any code.

use proptest::prelude::*;
use sluice_mappings::adt::Change;
use sluice_mappings::records::{
    Coded, HumanName, Identifier, PractitionerRecord, PractitionerRoleRecord, ResourceId, Stamp,
};

use crate::adt_support::Lane;

/// A doctor, and what she is here.
pub fn doctor(lane: &mut Lane) {
    let name = HumanName { family: "DURIEUX".into(), ..HumanName::default() };
    let number = Identifier { system: "urn:r".into(), value: "1".into(), ..Identifier::default() };
    let coded = |code: &str, table: &str| Coded {
        code: code.into(),
        table: table.into(),
        ..Coded::default()
    };
    let doctor = PractitionerRecord {
        id: ResourceId([1; 16]),
        stamp: Stamp::default(),
        identifiers: vec![number],
        names: vec![name],
        telecoms: Vec::new(),
        addresses: Vec::new(),
        qualifications: Vec::new(),
    };
    let role = |number: u8, organization: Option<u8>, code: &str| PractitionerRoleRecord {
        id: ResourceId([number; 16]),
        stamp: Stamp::default(),
        practitioner: doctor.id,
        identifiers: Vec::new(),
        organization: organization.map(|number| ResourceId([number; 16])),
        location: organization.map(|number| ResourceId([number + 1; 16])),
        role: coded(code, "0443"),
        specialties: vec![coded("CARD", "")],
        telecoms: Vec::new(),
    };
    let roles = [role(2, None, "AD"), role(3, Some(9), "PP"), role(4, Some(9), "")];
    let changes = roles.map(|role| Change::Put(role.into()));
    lane.records.accept([Change::Put(doctor.into())].into_iter().chain(changes).collect());
}

pub fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(values)
}

pub const CODES: &[&str] = &[
    "PEN^Penicillin^L",
    "I10^Hypertension^I10",
    "I10^Hypertension^L",
    "E11^Diabetes^I10^44054006^Diabetes^SCT",
    "^Text alone",
    "8867-4^Heart rate^LN",
];

pub const PERSONS: &[&str] = &["", "1^LEROY^PAUL^^^^^^RPPS", "2^MARTIN^EVE", "^PETIT^LUC"];

pub fn segment() -> impl Strategy<Value = String> {
    let coded = || one_of(CODES);
    let person = || one_of(PERSONS);
    prop_oneof![
        (one_of(&["DA", "FA", "MA", "LA"]), coded(), one_of(&["", "SV", "MO"]), any::<bool>())
            .prop_map(|(category, code, severity, reacts)| {
                let reaction = if reacts { "Rash" } else { "" };
                format!("AL1|1|{category}|{code}|{severity}|{reaction}")
            }),
        (coded(), one_of(&["A", "D", "U"]), one_of(&["", "I", "E", "C"]), person()).prop_map(
            |(code, action, status, person)| {
                format!("IAM|1|DA|{code}|SV||{action}|K1|||||||||||{person}")
                    .replace("|||||||||||", &format!("||||||||||{status}|"))
            }
        ),
        (coded(), one_of(&["A", "W"]), person(), one_of(&["", "D1", "D2"])).prop_map(
            |(code, of_type, person, number)| {
                format!("DG1|1||{code}||20260301|{of_type}||||||||||{person}~{person}||||{number}")
            }
        ),
        (coded(), person(), person(), one_of(&["", "BLOC^S1"]), one_of(&["", "P1"])).prop_map(
            |(code, one, other, place, whole)| {
                format!(
                    "PR1|1||{code}||19690101|D||{one}|||{other}|||||50^Both||||||||{place}||{whole}"
                )
            }
        ),
        (coded(), one_of(&["F", "W", "R", ""]), person(), one_of(&["", "SCI"])).prop_map(
            |(code, status, person, category)| {
                format!(
                    "OBX|1|NM|{code}||72||||||{status}|||20260301||{person}|||||||||||||{category}"
                )
            }
        ),
        (one_of(&["", "SPO", "FTH", "ZZZ"]), one_of(&["", "C", "SPO", "ZZZ"]))
            .prop_map(|(relationship, role)| format!("NK1|1|DOE^JANE|{relationship}||||{role}")),
        (one_of(&["A", "B"]), one_of(&["", "1^^^X", "1^^^X~2^^^X"]), one_of(&["SEL", "SPO", ""]))
            .prop_map(|(plan, insurer, relationship)| {
                format!(
                    "IN1|1|{plan}|{insurer}|Un~Deux||||||E1^^^S|SNCF||||HMO|DOE^JANE|{relationship}"
                )
            }),
    ]
}

/// What a message says of the stay: who attends and is consulted (PV1-7, PV1-9), the unit named
/// (PV1-39), the one that answers for the patient (ZBE-7; `-`: no ZBE), and whether ZBE cancels.
pub type OfStay = (&'static str, &'static str, &'static str, &'static str, bool);

pub fn of_stay() -> impl Strategy<Value = OfStay> {
    let unit = || one_of(&["", "3101"]);
    let answers =
        one_of(&["-", "", "Unit A^^^^^^UF^^^3101", "Unit B^^^^^^UF^^^3102", "\"\"", "Unnumbered"]);
    (one_of(PERSONS), one_of(PERSONS), unit(), answers, any::<bool>())
}

/// An event of the stay of `V1`, or of the patient alone.
pub fn message(event: &str, number: usize, stay: OfStay, segments: &[String]) -> String {
    let (attending, consulting, unit, answers, cancels) = stay;
    let mut text = format!(
        "MSH|^~\\&|A|B|C|D|20260310||ADT^{event}|{number}|P|2.5.1\rEVN||2026031{number}\r\
         PID|1||P1^^^H||DOE^JOHN|||||||||||||AN1\r"
    );
    let family_doctor = if number == 1 { "3^ROUX" } else { "4^BLANC" };
    text.push_str(&format!("PD1|||CABINET^^^^^X^^^^77|{family_doctor}^ANA^^^^^^RPPS~^NEMO^LEA\r"));
    if event != "A31" {
        text.push_str(&format!(
            "PV1|1|I|W1^R1^B1||||{attending}||{consulting}||||||||||V1^^^H\
             ||||||||||||||||||||{unit}\r"
        ));
        if answers != "-" {
            // A cancel names the movement of the message before.
            let action = if cancels && number > 1 { "CANCEL" } else { "INSERT" };
            let movement = if action == "CANCEL" { number - 1 } else { number };
            text.push_str(&format!(
                "ZBE|M{movement}^H|2026031{number}||{action}|N|A01|{answers}||HMS\r"
            ));
        }
    }
    for segment in segments {
        text.push_str(segment);
        text.push('\r');
    }
    text
}

pub fn later() -> impl Strategy<Value = (&'static str, OfStay, Vec<String>)> {
    let event = one_of(&["A08", "A31", "A02", "A54", "A61"]);
    (event, of_stay(), prop::collection::vec(segment(), 0..4))
}
