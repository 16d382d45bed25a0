//! Messages made up for these tests.

pub const ADMISSION: &str = concat!(
    "MSH|^~\\&|GAM|CHU-DEMO^699000014^M|SLUICE|GHT|20260310091205||ADT^A01^ADT_A01|C0004|P|",
    "2.5^FRA^2.11|||||FRA|UNICODE UTF-8\r",
    "EVN||20260310091205|||AGT01^ADMISSION^Agent|20260310090500\r",
    "PID|1||8000012^^^CHULY&699000014&M^PI~258056999999902^^^INS&1.2.250.1.213.1.4.10&ISO^INS",
    "||BRÛLÉ-DÉMO^Zoé^Anne, Marie^^Mme^^D~TESTARD^ZOE^^^^^L||19580514|F|||12 rue des Églantiers",
    "^Bât. B \\S\\ 3e étage^LYON^^69003^FRA^H~^^VILLEURBANNE^^69100^FRA^BDL^^69266",
    "||^PRN^PH^^^^^^^^^0465710012~^NET^Internet^zoe@example.fr|||M||26000451^^^CHULY^AN\r",
    "PV1|1|I|3101^C305^C305F^CANUTS&699001012&N^O",
    "|R|||99999999911^DÉMOCRATE^Élise^^^Dr^^^ASIP&1.2.250.1.71.4.2.1&ISO^L^^^RPPS|",
    "|||||||||||26V0000451^^^CHULY^VN|||||||||||||||||03|X^20260312|||||||20260310090500\r",
    "ZBE|MV000102^CHULY^699000014^M|20260310090500||INSERT|N||Cardio^^^^^CHULY^UF^^^3101\r",
);

pub const MERGE: &str = concat!(
    "MSH|^~\\&|A|B|C|D|202603||ADT^A40|7|P|2.5\n",
    "EVN||20260310\n",
    "PID|||1^^^X\nPD1||||x\nMRG|2^^^X\nPV1|1|I\n",
    "PID|||3^^^X\nMRG|4^^^X\n",
);

pub const ODD_SEPARATORS: &str = concat!(
    "MSH!$*%@!APP!FAC!!!2026!!ADT$A08!ID-1!T!2.3\r\n",
    "PID!1!!77$$$AA@1.2@ISO*78$$$BB!!O%S%Neil@x$Ann%F%\"\"\r\n",
    "\r\n",
    "NK1!1!\"\"!!!\r\n",
);

pub const TRUNCATION: &str = concat!(
    "MSH|^~\\&#|APP|FAC|||2026||ADT^A31^ADT_A05|ID|P|2.7\r",
    "OBX|1|TX|||a\\P\\b \\X41\\ \\.br\\c \\Z01\\ d#\r",
);

pub const ALL: [&str; 4] = [ADMISSION, MERGE, ODD_SEPARATORS, TRUNCATION];
