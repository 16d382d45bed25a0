//! AL1, IAM, DG1, PR1, OBX: what a message says of the patient's health.

use super::{Rule, Segment};

pub(super) const SEGMENTS: &[Segment] = &[AL1, IAM, DG1, DRG, PR1, OBX, OBR, NTE, PRB, FT1, VAR];

const A: &str = "FACTS §3 AL1";

const AL1: Segment = Segment::of("AL1", "Patient Allergy Information", &[
    Rule::not(1, "Set ID", "a line number, which shifts", A),
    Rule::shows(2, "Allergen Type Code", &["AllergyIntolerance.category"], "FACTS §5, 0127"),
    Rule::shows(3, "Allergen Code/Mnemonic/Description", &["AllergyIntolerance.code"], A),
    Rule::shows(4, "Allergy Severity Code", &["AllergyIntolerance.criticality"], A)
        .but("the guide fills criticality and reaction.severity; severity only with a reaction (AL1-5), else criticality"),
    Rule::shows(5, "Allergy Reaction Code", &["AllergyIntolerance.reaction"], A),
    Rule::shows(6, "Identification Date", &["AllergyIntolerance.onsetDateTime"], A),
]);

const IAM: Segment = Segment::of(
    "IAM",
    "Patient Adverse Reaction Information",
    &[
        Rule::not(1, "Set ID", "a line number", A),
        Rule::shows(2, "Allergen Type Code", &["AllergyIntolerance.category"], "FACTS §5, 0127"),
        Rule::shows(3, "Allergen Code/Mnemonic/Description", &["AllergyIntolerance.code"], A),
        Rule::shows(4, "Allergy Severity Code", &["AllergyIntolerance.criticality"], A),
        Rule::shows(5, "Allergy Reaction Code", &["AllergyIntolerance.reaction"], A),
        Rule::shows(6, "Allergy Action Code", &["AllergyIntolerance"], A),
        Rule::shows(7, "Allergy Unique Identifier", &["AllergyIntolerance.identifier"], A),
        Rule::not(8, "Action Reason", "no element", A),
        Rule::not(9, "Sensitivity to Causative Agent Code", "no element", A),
        Rule::not(10, "Allergen Group Code", "no element", A),
        Rule::shows(11, "Onset Date", &["AllergyIntolerance.onsetDateTime"], A),
        Rule::shows(12, "Onset Date Text", &["AllergyIntolerance.onsetString"], A),
        Rule::shows(13, "Reported Date/Time", &["AllergyIntolerance.recordedDate"], A),
        Rule::differs(
            14,
            "Reported By",
            &["AllergyIntolerance.recorder"],
            &["AllergyIntolerance.participant"],
            A,
        ),
        Rule::differs(
            15,
            "Relationship to Patient Code",
            &["AllergyIntolerance.recorder"],
            &["AllergyIntolerance.participant"],
            A,
        ),
        Rule::not(16, "Alert Device Code", "no element", A),
        Rule::shows(
            17,
            "Allergy Clinical Status Code",
            &["AllergyIntolerance.clinicalStatus", "AllergyIntolerance.verificationStatus"],
            A,
        ),
        Rule::differs(
            18,
            "Statused by Person",
            &["AllergyIntolerance.recorder"],
            &["AllergyIntolerance.participant"],
            A,
        ),
        Rule::not(19, "Statused by Organization", "no element", A),
        Rule::not(20, "Statused at Date/Time", "no element", A),
    ],
);

const D: &str = "FACTS §3 DG1";

const DG1: Segment = Segment::of(
    "DG1",
    "Diagnosis",
    &[
        Rule::not(1, "Set ID", "a line number, which shifts", D),
        Rule::shows(2, "Diagnosis Coding Method", &["Condition.code"], D)
            .but("the guide does not map it; it names the code system where DG1-3 has none"),
        Rule::shows(3, "Diagnosis Code", &["Condition.code"], D),
        Rule::shows(4, "Diagnosis Description", &["Condition.code"], D),
        Rule::shows(5, "Diagnosis Date/Time", &["Condition.onsetDateTime"], D),
        Rule::shows(6, "Diagnosis Type", &["Encounter.diagnosis.use"], "FACTS §5, 0052"),
        Rule::not(7, "Major Diagnostic Category", "billing groups", D),
        Rule::not(8, "Diagnostic Related Group", "billing groups", D),
        Rule::not(9, "DRG Approval Indicator", "billing groups", D),
        Rule::not(10, "DRG Grouper Review Code", "billing groups", D),
        Rule::not(11, "Outlier Type", "billing groups", D),
        Rule::not(12, "Outlier Days", "billing groups", D),
        Rule::not(13, "Outlier Cost", "billing groups", D),
        Rule::not(14, "Grouper Version And Type", "billing groups", D),
        Rule::differs(15, "Diagnosis Priority", &["Encounter.diagnosis.rank"], &[], D),
        Rule::differs(
            16,
            "Diagnosing Clinician",
            &["Condition.asserter"],
            &["Condition.participant"],
            D,
        ),
        Rule::not(17, "Diagnosis Classification", "no element", D),
        Rule::not(18, "Confidential Indicator", "rights of access are ours to give", D),
        Rule::shows(19, "Attestation Date/Time", &["Condition.recordedDate"], D),
        Rule::shows(20, "Diagnosis Identifier", &["Condition.identifier"], D),
        Rule::shows(21, "Diagnosis Action Code", &["Condition.verificationStatus"], D),
        Rule::shows(22, "Parent Diagnosis", &["Condition.extension(condition-dueTo)"], D),
        Rule::not(23, "DRG CC Value Code", "billing groups", D),
        Rule::not(24, "DRG Grouping Usage", "billing groups", D),
        Rule::not(25, "DRG Diagnosis Determination Status", "billing groups", D),
        Rule::not(26, "Present on Admission Indicator", "no element", D),
    ],
);

const DRG: Segment =
    Segment::unmapped("DRG", "Diagnosis Related Group", "billing groups; the guide has no map");

const P: &str = "FACTS §3 PR1";

const PR1: Segment = Segment::of(
    "PR1",
    "Procedures",
    &[
        Rule::not(1, "Set ID", "a line number, which shifts", P),
        Rule::shows(2, "Procedure Coding Method", &["Procedure.code"], P)
            .but("the guide does not map it; it names the code system where PR1-3 has none"),
        Rule::shows(3, "Procedure Code", &["Procedure.code"], P),
        Rule::shows(4, "Procedure Description", &["Procedure.code"], P),
        Rule::differs(
            5,
            "Procedure Date/Time",
            &["Procedure.performedDateTime"],
            &["Procedure.occurrenceDateTime"],
            P,
        ),
        Rule::shows(6, "Procedure Functional Type", &["Procedure.category"], P),
        Rule::differs(
            7,
            "Procedure Minutes",
            &["Procedure.performedPeriod"],
            &["Procedure.occurrencePeriod"],
            P,
        ),
        Rule::shows(8, "Anesthesiologist", &["Procedure.performer"], P),
        Rule::not(9, "Anesthesia Code", "no element", P),
        Rule::not(10, "Anesthesia Minutes", "no element", P),
        Rule::shows(11, "Surgeon", &["Procedure.performer"], P),
        Rule::shows(12, "Procedure Practitioner", &["Procedure.performer"], P),
        Rule::not(13, "Consent Code", "no element", P),
        Rule::not(14, "Procedure Priority", "no element", P),
        Rule::differs(
            15,
            "Associated Diagnosis Code",
            &["Procedure.reasonCode"],
            &["Procedure.reason"],
            P,
        ),
        Rule::shows(16, "Procedure Code Modifier", &["Procedure"], P),
        Rule::not(17, "Procedure DRG Type", "billing groups", P),
        Rule::not(18, "Tissue Type Code", "no element", P),
        Rule::shows(19, "Procedure Identifier", &["Procedure.identifier"], P),
        Rule::shows(20, "Procedure Action Code", &["Procedure.status"], P),
        Rule::not(21, "DRG Procedure Determination Status", "billing groups", P),
        Rule::not(22, "DRG Procedure Relevance", "billing groups", P),
        Rule::shows(23, "Treating Organizational Unit", &["Procedure.location"], P),
        Rule::not(24, "Respiratory Within Surgery", "no element", P),
        Rule::shows(25, "Parent Procedure ID", &["Procedure.partOf"], P),
    ],
);

const O: &str = "FACTS §3 OBX";

const OBX: Segment = Segment::of(
    "OBX",
    "Observation/Result",
    &[
        Rule::not(1, "Set ID", "a line number, which shifts", O),
        Rule::shows(2, "Value Type", &["Observation"], O),
        Rule::shows(3, "Observation Identifier", &["Observation.code"], O),
        Rule::shows(4, "Observation Sub-ID", &["Observation"], O),
        Rule::shows(
            5,
            "Observation Value",
            &["Observation.valueQuantity", "Observation.valueString"],
            O,
        ),
        Rule::shows(6, "Units", &["Observation.valueQuantity"], O),
        Rule::shows(7, "References Range", &["Observation.referenceRange"], O),
        Rule::shows(8, "Interpretation Codes", &["Observation.interpretation"], O),
        Rule::not(9, "Probability", "no element", O),
        Rule::not(10, "Nature of Abnormal Test", "no element", O),
        Rule::shows(11, "Observation Result Status", &["Observation.status"], O),
        Rule::not(12, "Effective Date of Reference Range", "no element", O),
        Rule::not(13, "User Defined Access Checks", "rights of access are ours to give", O),
        Rule::shows(14, "Date/Time of the Observation", &["Observation.effectiveDateTime"], O),
        Rule::not(15, "Producer's ID", "no element", O),
        Rule::shows(16, "Responsible Observer", &["Observation.performer"], O),
        Rule::shows(17, "Observation Method", &["Observation.method"], O),
        Rule::not(18, "Equipment Instance Identifier", "no Device is served", O),
        Rule::not(19, "Date/Time of the Analysis", "no element", O),
        Rule::shows(20, "Observation Site", &["Observation.bodySite"], O),
        Rule::shows(21, "Observation Instance Identifier", &["Observation.identifier"], O),
        Rule::not(22, "Mood Code", "no element", O),
        Rule::not(23, "Performing Organization Name", "no element", O),
        Rule::not(24, "Performing Organization Address", "no element", O),
        Rule::not(25, "Performing Organization Medical Director", "no element", O),
        Rule::shows(29, "Observation Type", &["Observation.category"], O),
    ],
);

const ORDERS: &str = "orders and results are no part of ADT: only OBX is read";
const OBR: Segment = Segment::unmapped("OBR", "Observation Request", ORDERS);
const NTE: Segment = Segment::unmapped("NTE", "Notes and Comments", "free text; no element");
const PRB: Segment = Segment::unmapped("PRB", "Problem Details", "no part of ADT: DG1 is read");
const FT1: Segment = Segment::unmapped("FT1", "Financial Transaction", "billing; no part of ADT");
const VAR: Segment = Segment::unmapped("VAR", "Variance", "no part of ADT");
