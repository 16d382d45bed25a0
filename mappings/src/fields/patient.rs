//! PID, PD1, NK1, MRG, ROL: the person, those close, those who care.

use super::{Rule, Segment};

pub(super) const SEGMENTS: &[Segment] = &[PID, PD1, ROL, NK1, MRG, ARV, DB1];

const F: &str = "FACTS §3 PID";

const PID: Segment = Segment::of(
    "PID",
    "Patient Identification",
    &[
        Rule::not(1, "Set ID", "a line number", "v2 §3.4.2.1"),
        Rule::shows(2, "Patient ID", &["Patient.identifier"], F),
        Rule::shows(3, "Patient Identifier List", &["Patient.identifier"], F),
        Rule::shows(4, "Alternate Patient ID", &["Patient.identifier"], F),
        Rule::shows(5, "Patient Name", &["Patient.name"], F),
        Rule::shows(
            6,
            "Mother's Maiden Name",
            &["Patient.extension(patient-mothersMaidenName)"],
            F,
        ),
        Rule::shows(7, "Date/Time of Birth", &["Patient.birthDate", "Patient._birthDate"], F),
        Rule::shows(8, "Administrative Sex", &["Patient.gender"], "FACTS §5, 0001"),
        Rule::shows(9, "Patient Alias", &["Patient.name"], F),
        Rule::not(10, "Race", "no element but a national extension; forbidden in France", F),
        Rule::shows(11, "Patient Address", &["Patient.address"], F),
        Rule::shows(12, "County Code", &["Patient.address.district"], F),
        Rule::shows(13, "Phone Number - Home", &["Patient.telecom"], F),
        Rule::shows(14, "Phone Number - Business", &["Patient.telecom"], F),
        Rule::shows(15, "Primary Language", &["Patient.communication"], F),
        Rule::shows(16, "Marital Status", &["Patient.maritalStatus"], "FACTS §5, 0002"),
        Rule::shows(17, "Religion", &["Patient.extension(patient-religion)"], F),
        Rule::shows(18, "Patient Account Number", &["Account.identifier", "Encounter.account"], F),
        Rule::shows(19, "SSN Number - Patient", &["Patient.identifier"], F),
        Rule::shows(20, "Driver's License Number - Patient", &["Patient.identifier"], F),
        Rule::shows(21, "Mother's Identifier", &["RelatedPerson.identifier"], F),
        Rule::not(
            22,
            "Ethnic Group",
            "no element but a national extension; forbidden in France",
            F,
        ),
        Rule::shows(23, "Birth Place", &["Patient.extension(patient-birthPlace)"], F),
        Rule::shows(24, "Multiple Birth Indicator", &["Patient.multipleBirthBoolean"], F),
        Rule::shows(25, "Birth Order", &["Patient.multipleBirthInteger"], F),
        Rule::shows(26, "Citizenship", &["Patient.extension(patient-citizenship)"], F),
        Rule::not(27, "Veterans Military Status", "no element", F),
        Rule::shows(28, "Nationality", &["Patient.extension(patient-nationality)"], F),
        Rule::shows(29, "Patient Death Date and Time", &["Patient.deceasedDateTime"], F),
        Rule::shows(30, "Patient Death Indicator", &["Patient.deceasedBoolean"], F),
        Rule::shows(31, "Identity Unknown Indicator", &["Patient.extension(identity-unknown)"], F),
        Rule::shows(
            32,
            "Identity Reliability Code",
            &["Patient.extension(identity-reliability)"],
            F,
        ),
        Rule::shows(33, "Last Update Date/Time", &["Provenance.occurredDateTime"], F),
        Rule::shows(34, "Last Update Facility", &["Provenance.agent"], F),
        Rule::shows(35, "Species Code", &["Patient.extension(patient-animal)"], F),
        Rule::shows(36, "Breed Code", &["Patient.extension(patient-animal)"], F),
        Rule::not(37, "Strain", "patients are people", F),
        Rule::not(38, "Production Class Code", "patients are people", F),
        Rule::shows(39, "Tribal Citizenship", &["Patient.extension(patient-citizenship)"], F),
        Rule::shows(40, "Patient Telecommunication Information", &["Patient.telecom"], F),
    ],
);

const P: &str = "FACTS §3 PD1";

const PD1: Segment = Segment::of(
    "PD1",
    "Patient Additional Demographic",
    &[
        Rule::not(1, "Living Dependency", "no element", P),
        Rule::not(2, "Living Arrangement", "no element", P),
        Rule::shows(3, "Patient Primary Facility", &["Patient.generalPractitioner"], P),
        Rule::shows(
            4,
            "Patient Primary Care Provider Name & ID No.",
            &["Patient.generalPractitioner"],
            P,
        ),
        Rule::not(5, "Student Indicator", "no element", P),
        Rule::shows(6, "Handicap", &["Patient.extension(patient-disability)"], P),
        Rule::shows(7, "Living Will Code", &["Observation.valueCodeableConcept"], P),
        Rule::not(8, "Organ Donor Code", "no element", P),
        Rule::not(9, "Separate Bill", "billing", P),
        Rule::not(10, "Duplicate Patient", "names no patient for certain: merges and links do", P),
        Rule::not(11, "Publicity Code", "no element; the guide leaves it out", P),
        Rule::not(12, "Protection Indicator", "no element; rights of access are ours to give", P),
        Rule::not(13, "Protection Indicator Effective Date", "goes with PD1-12", P),
        Rule::shows(14, "Place of Worship", &["Patient.extension(patient-congregation)"], P),
        Rule::not(15, "Advance Directive Code", "no element of a resource that is served", P),
        Rule::not(16, "Immunization Registry Status", "registry matters", P),
        Rule::not(17, "Immunization Registry Status Effective Date", "registry matters", P),
        Rule::not(18, "Publicity Code Effective Date", "goes with PD1-11", P),
        Rule::not(19, "Military Branch", "no element", P),
        Rule::not(20, "Military Rank/Grade", "no element", P),
        Rule::not(21, "Military Status", "no element", P),
    ],
);

const R: &str = "FACTS §3 ROL";

const ROL: Segment = Segment::of(
    "ROL",
    "Role",
    &[
        Rule::shows(1, "Role Instance ID", &["PractitionerRole.identifier"], R),
        Rule::shows(2, "Action Code", &["Patient.generalPractitioner"], R)
            .but("the guide does not map it; a role that is taken away (DE) must not stay"),
        Rule::shows(3, "Role-ROL", &["Patient.generalPractitioner"], R),
        Rule::shows(4, "Role Person", &["Patient.generalPractitioner"], R),
        Rule::shows(5, "Role Begin Date/Time", &["Encounter.participant.period"], R),
        Rule::shows(6, "Role End Date/Time", &["Encounter.participant.period"], R),
        Rule::not(7, "Role Duration", "begin and end say it", R),
        Rule::not(8, "Role Action Reason", "no element", R),
        Rule::shows(9, "Provider Type", &["PractitionerRole.specialty"], R),
        Rule::not(10, "Organization Unit Type", "no element", R),
        Rule::shows(11, "Office/Home Address/Birthplace", &["Practitioner.address"], R),
        Rule::differs(12, "Phone", &["PractitionerRole.telecom"], &["PractitionerRole.contact"], R),
        Rule::shows(13, "Person's Location", &["PractitionerRole.location"], R),
        Rule::shows(14, "Organization", &["PractitionerRole.organization"], R),
    ],
);

const N: &str = "FACTS §3 NK1";

const NK1: Segment = Segment::of(
    "NK1",
    "Next of Kin / Associated Parties",
    &[
        Rule::not(1, "Set ID", "a line number, which shifts", N).but(
            "the guide keys RelatedPerson by it; here NK1-33, else name and relationship does",
        ),
        Rule::shows(2, "Name", &["Patient.contact.name", "RelatedPerson.name"], N),
        Rule::shows(
            3,
            "Relationship",
            &["Patient.contact.relationship", "RelatedPerson.relationship"],
            "FACTS §5, 0063",
        ),
        Rule::shows(4, "Address", &["Patient.contact.address", "RelatedPerson.address"], N),
        Rule::shows(5, "Phone Number", &["Patient.contact.telecom", "RelatedPerson.telecom"], N),
        Rule::shows(
            6,
            "Business Phone Number",
            &["Patient.contact.telecom", "RelatedPerson.telecom"],
            N,
        ),
        Rule::shows(
            7,
            "Contact Role",
            &["Patient.contact.relationship", "RelatedPerson.relationship"],
            N,
        ),
        Rule::shows(8, "Start Date", &["RelatedPerson.period"], N),
        Rule::shows(9, "End Date", &["RelatedPerson.period"], N),
        Rule::not(10, "Next of Kin Job Title", "no element", N),
        Rule::not(11, "Next of Kin Job Code/Class", "no element", N),
        Rule::shows(12, "Next of Kin Employee Number", &["RelatedPerson.identifier"], N),
        Rule::shows(13, "Organization Name", &["Patient.contact.organization"], N),
        Rule::not(14, "Marital Status", "no element", N),
        Rule::shows(
            15,
            "Administrative Sex",
            &["Patient.contact.gender", "RelatedPerson.gender"],
            N,
        ),
        Rule::shows(16, "Date/Time of Birth", &["RelatedPerson.birthDate"], N),
        Rule::not(17, "Living Dependency", "no element", N),
        Rule::not(18, "Ambulatory Status", "no element", N),
        Rule::not(19, "Citizenship", "no element", N),
        Rule::shows(20, "Primary Language", &["RelatedPerson.communication"], N),
        Rule::not(21, "Living Arrangement", "no element", N),
        Rule::not(22, "Publicity Code", "no element", N),
        Rule::not(23, "Protection Indicator", "no element", N),
        Rule::not(24, "Student Indicator", "no element", N),
        Rule::not(25, "Religion", "no element", N),
        Rule::not(26, "Mother's Maiden Name", "no element", N),
        Rule::not(27, "Nationality", "no element", N),
        Rule::not(28, "Ethnic Group", "no element; forbidden in France", N),
        Rule::not(29, "Contact Reason", "no element", N),
        Rule::shows(
            30,
            "Contact Person's Name",
            &["Patient.contact.name", "RelatedPerson.name"],
            N,
        ),
        Rule::shows(
            31,
            "Contact Person's Telephone Number",
            &["Patient.contact.telecom", "RelatedPerson.telecom"],
            N,
        ),
        Rule::shows(32, "Contact Person's Address", &["RelatedPerson.address"], N),
        Rule::shows(
            33,
            "Next of Kin/Associated Party's Identifiers",
            &["RelatedPerson.identifier"],
            N,
        ),
        Rule::not(34, "Job Status", "no element", N),
        Rule::not(35, "Race", "no element; forbidden in France", N),
        Rule::not(36, "Handicap", "no element", N),
        Rule::shows(37, "Contact Person Social Security Number", &["RelatedPerson.identifier"], N),
        Rule::not(38, "Next of Kin Birth Place", "no element", N),
        Rule::not(39, "VIP Indicator", "no element", N),
        Rule::shows(
            40,
            "Next of Kin Telecommunication Information",
            &["Patient.contact.telecom", "RelatedPerson.telecom"],
            N,
        ),
        Rule::shows(
            41,
            "Contact Person's Telecommunication Information",
            &["Patient.contact.telecom", "RelatedPerson.telecom"],
            N,
        ),
    ],
);

const M: &str = "FACTS §1 A40";

const MRG: Segment = Segment::of(
    "MRG",
    "Merge Patient Information",
    &[
        Rule::shows(1, "Prior Patient Identifier List", &["Patient"], M),
        Rule::shows(2, "Prior Alternate Patient ID", &["Patient.identifier"], "FACTS §1 A48"),
        Rule::shows(3, "Prior Patient Account Number", &["Account"], "FACTS §1 A41"),
        Rule::shows(4, "Prior Patient ID", &["Patient.identifier"], "FACTS §1 A46"),
        Rule::shows(5, "Prior Visit Number", &["Encounter"], "FACTS §1 A50"),
        Rule::shows(6, "Prior Alternate Visit ID", &["Encounter"], "FACTS §1 A51"),
        Rule::not(7, "Prior Patient Name", "the record that MRG-1 names has its own", M),
    ],
);

const ARV: Segment =
    Segment::unmapped("ARV", "Access Restriction", "rights of access are ours to give");
const DB1: Segment = Segment::unmapped("DB1", "Disability", "no element; the guide has no map");
