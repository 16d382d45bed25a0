//! Table 0006 (PID-17) → v3-ReligiousAffiliation, partial (FACTS §5). The rest stays v2-0006.

use super::super::datatypes::Coding;
use super::systems::V3_RELIGIOUS_AFFILIATION;

#[must_use]
pub fn religion(code: &str) -> Option<Coding<'static>> {
    let (code, display) = match code {
        "SEV" => ("1001", "Adventist"),
        "AGN" => ("1004", "Agnosticism"),
        "ANG" => ("1005", "Anglican"),
        "A" | "ATH" => ("1007", "Atheism"),
        "BAH" => ("1008", "Babi & Baha'I faiths"),
        "B" | "BAP" => ("1009", "Baptist"),
        "CHR" => ("1013", "Christian (non-Catholic, non-specific)"),
        "CNF" => ("1014", "Confucianism"),
        "N" | "HSH" | "HVA" | "HOT" => ("1020", "Hinduism"),
        "MOS" => ("1023", "Islam"),
        "JAI" => ("1024", "Jainism"),
        "JWN" => ("1025", "Jehovah's Witnesses"),
        "J" => ("1026", "Judaism"),
        "M" | "MOM" => ("1027", "Latter Day Saints"),
        "L" | "LUT" => ("1028", "Lutheran"),
        "BMA" => ("1029", "Mahayana"),
        "ORT" => ("1036", "Orthodox"),
        "PEN" => ("1038", "Pentecostal"),
        "CAT" => ("1041", "Roman Catholic Church"),
        "MSH" => ("1045", "Shiite (Islam)"),
        "SHN" => ("1046", "Shinto"),
        "SIK" => ("1047", "Sikism"),
        "SPI" => ("1048", "Spiritualism"),
        "MSU" => ("1049", "Sunni (Islam)"),
        "BTH" => ("1051", "Theravada"),
        "UNI" => ("1052", "Unitarian-Universalism"),
        "AOG" => ("1061", "Assembly of God"),
        "BRE" => ("1062", "Brethren"),
        "CHS" => ("1063", "Christian Scientist"),
        "COC" => ("1064", "Church of Christ"),
        "COG" => ("1065", "Church of God"),
        "COL" => ("1066", "Congregational"),
        "DOC" => ("1067", "Disciples of Christ"),
        "EOT" => ("1068", "Eastern Orthodox"),
        "E" | "EPI" => ("1069", "Episcopalian"),
        "FRQ" | "QUA" => ("1071", "Friends"),
        "FUL" => ("1072", "Full Gospel"),
        "MET" => ("1073", "Methodist"),
        "NAM" => ("1074", "Native American"),
        "NAZ" => ("1075", "Nazarene"),
        "PRE" => ("1076", "Presbyterian"),
        "P" | "PRO" => ("1077", "Protestant"),
        "PRC" => ("1078", "Protestant, No Denomination"),
        "CRR" | "REC" => ("1079", "Reformed"),
        "SAA" => ("1080", "Salvation Army"),
        "UNU" => ("1081", "Unitarian Universalist"),
        "UCC" => ("1082", "United Church of Christ"),
        _ => return None,
    };
    Some(Coding::of(V3_RELIGIOUS_AFFILIATION, code, display))
}
