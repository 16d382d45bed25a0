//! National numbers, and what the French segments say.

use sluice_mappings::adt::IssueCode;
use sluice_mappings::records::IdentifierUse;

use super::{french, has, patient, pid, plain, segment, stay, take};

const NIR: &str = "258056999999902";

/// PID of a qualified identity with a number of its own, and another written so.
fn with(local: &str, other: &str) -> String {
    let listed = format!("{local}^^^CHULY^PI~{other}");
    segment("PID", &[(3, &listed), (5, "DURAND^ANNE^^^^^L"), (32, "VALI")])
}

/// By its authority's OID, by its authority's name, by its type: each alone is enough.
const FORMS: [&str; 3] =
    ["^^^&1.2.250.1.213.1.4.8&ISO^XX", "^^^ASIP-SANTE-INS-NIR^XX", "^^^OTHER^INS"];

#[test]
fn a_national_number_is_no_key_however_it_is_written() {
    for form in FORMS {
        let mut lane = french();
        take(&mut lane, "A28", &[&with("L1", &format!("{NIR}{form}"))]);
        let outcome = take(&mut lane, "A28", &[&with("L2", &format!("{NIR}{form}"))]);
        assert!(!has(&outcome, IssueCode::IdentifierTaken), "{form}");
        for local in ["L1", "L2"] {
            let own = patient(&lane, local).identifiers;
            assert!(own.iter().any(|own| own.value == NIR), "{form} {local}");
        }
    }
}

#[test]
fn another_national_number_of_one_authority_is_a_correction_however_it_is_written() {
    for form in FORMS {
        let mut lane = french();
        take(&mut lane, "A28", &[&with("L1", &format!("{NIR}{form}"))]);
        take(&mut lane, "A31", &[&with("L1", &format!("158056999999945{form}"))]);
        let own = patient(&lane, "L1").identifiers;
        let values: Vec<_> = own.iter().map(|own| &*own.value).collect();
        assert_eq!(values, ["L1", "158056999999945"], "{form}");
    }
}

#[test]
fn without_a_qualified_identity_no_form_of_an_ins_is_kept() {
    for form in FORMS {
        let mut lane = french();
        let listed = format!("L1^^^CHULY^PI~{NIR}{form}");
        let person = segment("PID", &[(3, &listed), (5, "DURAND^ANNE^^^^^L"), (32, "PROV")]);
        take(&mut lane, "A28", &[&person]);
        assert_eq!(patient(&lane, "L1").identifiers.len(), 1, "{form}");
    }
}

#[test]
fn only_the_null_of_an_ins_deletes_it() {
    for (null, is_there) in [
        ("\"\"^^^OTHER^PI", true),
        ("\"\"^^^&1.2.250.1.213.1.4.8&ISO^NH", true),
        ("\"\"^^^OTHER^NDP", true),
        ("\"\"^^^&1.2.250.1.213.1.4.8&ISO^INS", false),
        ("\"\"^^^ASIP-SANTE-INS-NIR", false),
    ] {
        let mut lane = french();
        take(&mut lane, "A28", &[&with("L1", &format!("{NIR}{}", FORMS[0]))]);
        take(&mut lane, "A31", &[&with("L1", null)]);
        let own = patient(&lane, "L1").identifiers;
        assert_eq!(own.iter().any(|own| own.value == NIR), is_there, "{null}");
    }
}

#[test]
fn the_uses_of_numbers_are_french() {
    let of = |lane: &super::Lane| {
        patient(lane, "L1").identifiers.iter().map(|own| own.r#use).collect::<Vec<_>>()
    };
    let person = with("L1", "77^^^OTHER^NH");
    let mut lane = french();
    take(&mut lane, "A28", &[&person]);
    assert_eq!(of(&lane), [IdentifierUse::Usual, IdentifierUse::Official]);
    let mut lane = plain();
    take(&mut lane, "A28", &[&person]);
    assert_eq!(of(&lane), [IdentifierUse::default(), IdentifierUse::default()]);
}

#[test]
fn a_lunar_date_has_two_two_and_four_digits() {
    for (date, is_one) in [
        ("99^99^9999", true),
        ("31^13^1960", true),
        ("100^1^1960", false),
        ("1^100^1960", false),
        ("1^1^10000", false),
    ] {
        let mut lane = french();
        let outcome = take(&mut lane, "A28", &[&pid(&[]), &segment("ZFD", &[(1, date)])]);
        assert_eq!(has(&outcome, IssueCode::TimeUnreadable), !is_one, "{date}");
    }
}

#[test]
fn an_origin_is_a_code_or_a_name() {
    for (dld, code, text) in [("690000001", "690000001", ""), ("&Clinique", "", "Clinique")] {
        let mut lane = french();
        let pv1 = segment("PV1", &[(2, "I"), (3, "3101^C1^L1"), (19, "V1")]);
        let zbe = "ZBE|M1|20260310080000||INSERT|N||||HMS";
        take(&mut lane, "A01", &[&pid(&[]), &pv1, zbe, &segment("ZFV", &[(1, dld)])]);
        let french = stay(&lane, "V1").french.unwrap();
        assert_eq!((&*french.origin.code, &*french.origin.text), (code, text), "{dld}");
    }
}

#[test]
fn so_many_legal_statuses_are_kept_of_whole_numbers() {
    for (many, is_cut) in [(15, false), (16, false), (17, true), (18, true)] {
        let zfs: Vec<_> =
            (0..many).map(|at| format!("ZFS|{at}|N{at}^GAM|20260310||INSERT|SPL")).collect();
        let person = pid(&[]);
        let mut segments = vec![&*person];
        segments.extend(zfs.iter().map(String::as_str));
        let mut lane = french();
        let outcome = take(&mut lane, "A28", &segments);
        assert_eq!(has(&outcome, IssueCode::ValueCut), is_cut, "{many}");
        let kept = patient(&lane, "P1").french.unwrap().legal_statuses.len();
        assert_eq!(kept, many.min(16), "{many}");
    }
    for (number, is_one) in
        [("9".repeat(512), true), ("9".repeat(513), false), ("A\0B".into(), false)]
    {
        let zfs = segment("ZFS", &[(1, "1"), (2, &number), (5, "INSERT"), (6, "SPL")]);
        let mut lane = french();
        let outcome = take(&mut lane, "A28", &[&pid(&[]), &zfs]);
        assert_eq!(!has(&outcome, IssueCode::FieldMissing), is_one, "{} bytes", number.len());
    }
}

#[test]
fn only_a_civility_beside_its_place_is_put_there() {
    for (name, prefix, suffix) in
        [("Doe^Ann^^MME", "MME", ""), ("Doe^Ann^^III", "", "III"), ("Doe^Ann^^MME^DR", "DR", "MME")]
    {
        let mut lane = french();
        take(&mut lane, "A28", &[&segment("PID", &[(3, "P1^^^A"), (5, name)])]);
        let own = &patient(&lane, "P1").names[0];
        assert_eq!((&*own.prefix, &*own.suffix), (prefix, suffix), "{name}");
    }
}
