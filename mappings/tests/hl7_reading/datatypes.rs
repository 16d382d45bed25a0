//! Datatypes over real-looking fields.

use sluice_mappings::hl7::datatypes::{
    Cwe, Cx, Dld, DtmError, DtmPrecision, Ei, Hd, Pl, Ts, Xad, Xcn, Xon, Xpn, Xtn,
};
use sluice_mappings::hl7::{Field, Message};

use crate::samples;

/// Hands a field with this raw text to a check.
fn with(raw: &str, check: impl FnOnce(Field<'_>)) {
    let text = format!("MSH|^~\\&|A\rZZZ|{raw}\r");
    let message = Message::index(&text).unwrap();
    check(message.segment("ZZZ").field(1));
}

macro_rules! assert_text {
    ($left:expr, None) => {
        assert!($left.is_none())
    };
    ($left:expr, $right:literal) => {
        assert_eq!($left.as_deref(), Some($right))
    };
}

#[test]
fn the_identifiers_names_and_places_of_an_admission_are_read() {
    let message = Message::index(samples::ADMISSION).unwrap();
    let (pid, pv1) = (message.segment("PID"), message.segment("PV1"));

    let ins = Cx::of(pid.field(3).repetition(2));
    assert_text!(ins.id(), "258056999999902");
    assert_text!(ins.assigning_authority().universal_id(), "1.2.250.1.213.1.4.10");
    assert_text!(ins.assigning_authority().universal_id_type(), "ISO");
    assert_text!(ins.type_code(), "INS");

    let name = Xpn::of(pid.field(5));
    assert_text!(name.family(), "BRÛLÉ-DÉMO");
    assert_text!(name.given(), "Zoé");
    assert_text!(name.further_given(), "Anne, Marie");
    assert_text!(name.prefix(), "Mme");
    assert_text!(name.name_type(), "D");

    let address = Xad::of(pid.field(11));
    assert_text!(address.street(), "12 rue des Églantiers");
    assert_eq!(address.other_lines(), ["Bât. B", "3e étage"]);
    assert_text!(address.city(), "LYON");
    assert_text!(address.address_type(), "H");
    assert_text!(Xad::of(pid.field(11).repetition(2)).county(), "69266");

    let phones: Vec<_> = pid.field(13).repetitions().map(Xtn::of).collect();
    assert_text!(phones[0].unformatted(), "0465710012");
    assert_text!(phones[0].use_code(), "PRN");
    assert_text!(phones[1].email(), "zoe@example.fr");
    assert_text!(phones[1].equipment(), "Internet");

    let bed = Pl::of(pv1.field(3));
    assert_text!(bed.point_of_care(), "3101");
    assert_text!(bed.bed(), "C305F");
    assert_text!(bed.facility().namespace(), "CANUTS");
    assert_text!(bed.status(), "O");

    let doctor = Xcn::of(pv1.field(7));
    assert_text!(doctor.id(), "99999999911");
    assert_text!(doctor.family(), "DÉMOCRATE");
    assert_text!(doctor.assigning_authority().key(), "1.2.250.1.71.4.2.1");
    assert_text!(doctor.type_code(), "RPPS");
    assert!(!doctor.is_nobody());

    let discharge = Dld::of(pv1.field(37));
    assert_text!(discharge.location().code(), "X");
    assert_eq!(discharge.effective().dtm().unwrap().precision(), DtmPrecision::Day);

    let movement = Ei::of(message.segment("ZBE").field(1));
    assert_text!(movement.id(), "MV000102");
    assert_text!(movement.authority_key(), "699000014");
    let unit = Xon::of(message.segment("ZBE").field(7));
    assert_text!(unit.name(), "Cardio");
    assert_text!(unit.id(), "3101");
    assert_text!(unit.assigning_authority().key(), "CHULY");
}

#[test]
fn blank_and_null_parts_have_no_text_and_null_can_be_told() {
    with("  ^\"\"^ a ^", |field| {
        let name = Cwe::of(field);
        assert_text!(name.code(), None);
        assert_text!(name.text(), None);
        assert!(name.part(2).is_null() && !name.part(1).is_null());
        assert_text!(name.system(), "a");
        assert!(!name.is_null() && !name.is_empty());
    });
    with("\"\"", |field| assert!(Cx::of(field).is_null()));
    with("^^&", |field| assert!(Pl::of(field).is_empty()));
}

#[test]
fn an_authority_is_known_by_its_universal_id_else_by_its_namespace() {
    with("^^^A&1&ISO~^^^B&1&ISO~^^^A&2&ISO~^^^a~^^^~^^^", |field| {
        let hds: Vec<_> = field.repetitions().map(|cx| Cx::of(cx).assigning_authority()).collect();
        assert!(hds[0].same_as(&hds[1]), "one universal id under two names");
        assert!(!hds[0].same_as(&hds[2]), "two universal ids under one name");
        assert!(hds[0].same_as(&hds[3]), "by name, where one has no more");
        assert!(!hds[4].same_as(&hds[5]), "nobody is not somebody");
        assert_text!(hds[3].key(), "a");
        assert!(hds[4].key().is_none());
    });
}

#[test]
fn the_same_datatype_is_read_from_components_and_from_subcomponents() {
    with("N^1.2^ISO", |field| assert_text!(Hd::of(field).key(), "1.2"));
    with("x^N&1.2&ISO", |field| assert_text!(Hd::of(field.component(2)).key(), "1.2"));
    with("x^N&1.2", |field| {
        let leaf = Hd::of(field.component(2).subcomponent(1));
        assert_text!(leaf.namespace(), "N");
        assert_text!(leaf.universal_id(), None);
    });
}

#[test]
fn the_parts_of_a_surname_and_its_validity_are_read() {
    with("van den Berg&van den&Berg&de&Groot^J^^^^^L^^^20200101&20211231", |field| {
        let name = Xpn::of(field);
        assert_text!(name.family(), "van den Berg");
        assert_text!(name.own_prefix(), "van den");
        assert_text!(name.own_family(), "Berg");
        assert_text!(name.partner_prefix(), "de");
        assert_text!(name.partner_family(), "Groot");
        assert_eq!(name.effective().dtm().unwrap().start().to_string(), "2020-01-01T00:00:00");
        assert_eq!(name.expires().dtm().unwrap().start().to_string(), "2021-12-31T00:00:00");
    });
}

#[test]
fn a_coded_element_gives_the_codings_that_have_a_code() {
    with("I10.0^Hyper\\T\\tension^I10^^local only^L^2026^^seen", |field| {
        let coded = Cwe::of(field);
        let codings: Vec<_> = coded.codings().collect();
        assert_eq!(codings.len(), 1);
        assert_eq!(codings[0].text.as_deref(), Some("Hyper&tension"));
        assert_eq!(codings[0].version.as_deref(), Some("2026"));
        assert_text!(coded.alternate_text(), "local only");
        assert_text!(coded.original_text(), "seen");
    });
}

#[test]
fn a_person_without_number_or_name_is_nobody() {
    for raw in ["", "^^^^^Dr^^^X", "\"\"", "\"\"^Name"] {
        with(raw, |field| assert!(Xcn::of(field).is_nobody(), "{raw}"));
    }
}

#[test]
fn a_degree_of_precision_limits_a_time_stamp() {
    with("19800101^Y", |field| {
        assert_eq!(Ts::of(field).dtm().unwrap().precision(), DtmPrecision::Year);
    });
    with("\"\"", |field| assert_eq!(Ts::of(field).dtm(), Err(DtmError::Null)));
    with("", |field| assert_eq!(Ts::of(field).dtm(), Err(DtmError::Empty)));
}

#[test]
fn debug_shows_no_text_of_a_datatype() {
    with("ZQXa^19800101", |field| {
        let shown = format!(
            "{:?} {:?} {:?} {:?}",
            Cx::of(field),
            Cwe::of(field).codings().collect::<Vec<_>>(),
            Ts::of(field.component(2)).dtm(),
            Cx::of(field).part(1),
        );
        assert!(!shown.contains("ZQX") && !shown.contains("1980"), "{shown}");
    });
}

/// Table 0529, which says how much of a time is meant (§2.A.77).
#[test]
fn a_degree_of_precision_takes_away_what_was_padded() {
    use DtmPrecision::{Day, Fraction, Hour, Minute, Month, Second, Year};
    for (degree, precision) in [
        ("Y", Year),
        ("L", Month),
        ("D", Day),
        ("H", Hour),
        ("M", Minute),
        ("S", Second),
        ("", Fraction),
        ("X", Fraction),
    ] {
        with(&format!("20260310090507.25^{degree}"), |field| {
            assert_eq!(Ts::of(field).dtm().unwrap().precision(), precision, "{degree}");
        });
    }
}

#[test]
fn the_codings_of_a_cwe_are_three_with_a_system_and_a_version_each() {
    with("A^a^S1^B^b^S2^1^2^orig^C^c^S3^3", |field| {
        let codings: Vec<_> = Cwe::of(field).codings().collect();
        let text =
            |one: &Option<std::borrow::Cow<'_, str>>| one.as_deref().unwrap_or("").to_owned();
        let shown: Vec<_> = codings
            .iter()
            .map(|one| {
                format!(
                    "{} {} {} {}",
                    one.code,
                    text(&one.text),
                    text(&one.system),
                    text(&one.version)
                )
            })
            .collect();
        assert_eq!(shown, ["A a S1 1", "B b S2 2", "C c S3 3"]);
    });
}

#[test]
fn there_is_no_part_before_the_first() {
    with("A^B", |field| assert!(Cx::of(field).part(0).is_empty()));
}
