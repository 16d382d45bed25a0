//! The messages that lead to the records.

use sluice_mappings::entity::LegalEntity;

use super::Dice;

const EVENTS: [&str; 12] =
    ["A01", "A02", "A03", "A04", "A05", "A08", "A21", "A22", "A31", "A54", "A06", "A13"];
const NAMES: [&str; 8] = [
    "DUPONT^JEAN",
    "Dupond^Bénédicte~LEBŒUF^Anne",
    "de la Tour^ÉLIE",
    "MARTIN^JEAN^PAUL",
    "",
    "Li^O",
    "D'Artagnan^X",
    "DUPONT-MARTIN^Ève",
];

const PERSONS: [&str; 5] =
    ["", "1^LEROY^PAUL^^^^^^RPPS", "2^MARTIN^EVE^^^^^^RPPS", "^PETIT^LUC", "3^ROUX^ANA^^^^^^RPPS"];
const CODES: [&str; 6] = [
    "PEN^Penicillin^L",
    "I10^Hypertension^I10",
    "E11^Diabetes^I10^44054006^Diabetes^SCT",
    "^Text alone",
    "8867-4^Heart rate^LN",
    "8480-6^Systolic^LN",
];

const TIMES: [&str; 7] =
    ["", "2026", "202603", "20260301", "202603010830+0100", "20260329013000.250+0100", "20251231"];

pub fn message(dice: &mut Dice, number: usize) -> String {
    let person = |dice: &mut Dice| dice.one_of(&PERSONS).to_owned();
    let code = |dice: &mut Dice| dice.one_of(&CODES).to_owned();
    let time = |dice: &mut Dice| dice.one_of(&TIMES).to_owned();
    let event = dice.one_of(&EVENTS);
    let patient = 1 + dice.below(3);
    let mut pid = vec![String::new(); 41];
    pid[0] = "PID".into();
    pid[3] = format!("P{patient}^^^H^PI~{}^^^S^SS", 900 + patient);
    pid[5] = dice.one_of(&NAMES).to_owned();
    if pid[5].is_empty() {
        pid[5] = "DOE^JOHN".into();
    }
    pid[7] = time(dice);
    pid[8] = dice.one_of(&["M", "F", "O", "U", "?", ""]).to_owned();
    pid[11] = dice
        .one_of(&[
            "",
            "12 rue Haute^^Lyon^^69001^FRA^H",
            "1 Main St^Apt 2^Springfield^IL^62701^USA^B~BP 5^^Paris^^75002^FRA^BI",
            "^^Évry",
        ])
        .to_owned();
    pid[13] =
        dice.one_of(&["", "01 02 03.04-05", "^NET^Internet^a.B@x.org", "0600^PRS^CP"]).to_owned();
    pid[14] = dice.one_of(&["", "^WPN^FX^^^^99", "+33 1 22"]).to_owned();
    pid[15] = dice.one_of(&["", "FR", "fr^French^ISO", "XX^Klingon^L"]).to_owned();
    pid[18] = dice.one_of(&["", "AN1", "AN2"]).to_owned();
    pid[29] = dice.one_of(&["", "", "20260302", "202603030930+0100"]).to_owned();
    pid[30] = dice.one_of(&["", "Y", "N"]).to_owned();
    let mut text = format!(
        "MSH|^~\\&|A|B|C|D|20260310||ADT^{event}|{number}|P|2.5.1\rEVN||2026031{}\r{}\r",
        number % 10,
        pid.join("|")
    );
    text.push_str(&format!("PD1|||CABINET^^^^^X^^^^77|{}\r", person(dice)));
    if dice.below(3) == 0 {
        text.push_str(&format!(
            "NK1|1|DOE^JANE|{}|5 rue Basse^^Lille^^59000^FRA^H|0320||{}|||||||{}|19700501\r",
            dice.one_of(&["SPO", "FTH", ""]),
            dice.one_of(&["", "C"]),
            dice.one_of(&["F", "M", ""]),
        ));
    }
    if event != "A31" {
        let mut pv1 = vec![String::new(); 46];
        pv1[0] = "PV1".into();
        pv1[2] = dice.one_of(&["I", "E", "O", "R", "HDJ"]).to_owned();
        pv1[3] = dice.one_of(&["W1^R1^B1", "W1^R2", "W2", "", "W1^R1^B2"]).to_owned();
        pv1[4] = dice.one_of(&["", "E", "RM", "R^Routine^L"]).to_owned();
        pv1[7] = person(dice);
        pv1[8] = person(dice);
        pv1[15] = dice.one_of(&["", "B6", "A1^Wheelchair^L", "B6~X"]).to_owned();
        pv1[19] = format!("V{patient}{}^^^H", dice.below(2));
        pv1[39] = dice.one_of(&["", "3101"]).to_owned();
        pv1[44] = time(dice);
        pv1[45] = time(dice);
        text.push_str(&format!("{}\r", pv1.join("|")));
        let mut pv2 = vec![String::new(); 13];
        pv2[0] = "PV2".into();
        pv2[3] = dice.one_of(&["", "CHEST^Chest pain^L", "^Malaise"]).to_owned();
        pv2[11] = dice.one_of(&["", "3", "12"]).to_owned();
        text.push_str(&format!("{}\r", pv2.join("|")));
        if dice.below(2) == 0 {
            text.push_str(&format!(
                "ZBE|M{number}^H|2026031{}||INSERT|N|A01|{}||HMS\r",
                number % 10,
                dice.one_of(&["Unit A^^^^^^UF^^^3101", "Unit B^^^^^UF^FI^^^3102", ""])
            ));
        }
    }
    for _ in 0..dice.below(3) {
        text.push_str(&match dice.below(6) {
            0 => format!("AL1|1|{}|{}|{}|{}\r", dice.one_of(&["DA", "FA", "LA"]), code(dice), dice.one_of(&["", "SV", "MO"]), dice.one_of(&["", "Rash"])),
            1 => format!("DG1|1||{}||{}|A||||||||||{}|||{}|D{}\r", code(dice), time(dice), person(dice), time(dice), dice.below(2)),
            2 => format!("PR1|1||{}||{}|D|90|{}|||{}||||CHEST^Chest pain^L|||||Q{}\r", code(dice), time(dice), person(dice), person(dice), dice.below(2)),
            3 => format!("IN1|1|{}|1^^^X|Mutuelle Bleue|2 rue X^^Brest^^29200^FRA|||G1|Les Uns||||20260101|||HMO|DOE^JANE|{}||||||||||||||||||POL7\r", dice.one_of(&["A", "B"]), dice.one_of(&["SEL", "SPO", ""])),
            _ => {
                let value = dice.one_of(&[
                    "NM|{}||72.5|mm[Hg]^mm Hg^UCUM",
                    "NM|{}||72~80|kg",
                    "NM|{}||-1",
                    "SN|{}||<^5|mg^mg^UCUM",
                    "SN|{}||>=^7.25|mg^mg^UCUM",
                    "CE|{}||I10^Hypertension^I10",
                    "CE|{}||PEN^Penicillin^L~E11^Diabetes^I10",
                    "ST|{}||Quiet and pale",
                    "DT|{}||20260301",
                    "TS|{}||202603010830+0100",
                    "DR|{}||20260301^20260305",
                    "NM|{}||",
                ]);
                let mut fields: Vec<String> = value.replace("{}", &code(dice)).split('|').map(str::to_owned).collect();
                fields.resize(23, String::new());
                fields[9] = dice.one_of(&["F", "X", "W", ""]).to_owned();
                fields[12] = time(dice);
                fields[14] = person(dice);
                fields[15] = dice.one_of(&["", "CUFF^Cuff^L"]).to_owned();
                fields[19] = format!("{}^X", dice.below(4));
                format!("OBX|1|{}\r", fields.join("|"))
            }
        });
    }
    text
}

pub fn entity_with_site() -> LegalEntity {
    let row = |table: &str, from: &str, code: &str| {
        format!(
            "[[site.code]]\ntable = \"{table}\"\nfrom = \"{from}\"\nsystem = \"urn:x:shown\"\n\
             code = \"{code}\"\nr5 = {{ system = \"urn:x:r5\", code = \"{code}\" }}\n"
        )
    };
    let icd = "http://hl7.org/fhir/sid/icd-10";
    let rows = [
        row("0063", "SPO", "partner"),
        row(icd, "I10", "hypertension"),
        row("urn:x:local", "PEN", "PEN"),
        row("urn:x:local", "CHEST", "chest"),
        row("http://loinc.org", "8480-6", "systolic"),
    ];
    let settings = format!(
        "id = \"EJ1\"\nname = \"an EJ\"\nfiness = \"690000001\"\n\
         site.coding_system = [{{ name = \"L\", system = \"urn:x:local\" }}]\n{}",
        rows.concat()
    );
    LegalEntity::new(toml::from_str(&settings).unwrap()).unwrap()
}
