//! IN1 and the rest of what a stay is billed to.

use super::{Rule, Segment};

pub(super) const SEGMENTS: &[Segment] = &[GT1, IN1, IN2, IN3, ACC, UB1, UB2, PDA];

const I: &str = "FACTS §3 IN1";
const BILLING: &str = "billing; no element of Coverage";

const IN1: Segment = Segment::of("IN1", "Insurance", &[
    Rule::shows(1, "Set ID", &["Coverage.order"], I),
    Rule::shows(2, "Insurance Plan ID", &["Coverage"], I),
    Rule::differs(3, "Insurance Company ID", &["Coverage.payor"], &["Coverage.insurer"], I),
    Rule::differs(4, "Insurance Company Name", &["Coverage.payor"], &["Coverage.insurer"], I),
    Rule::differs(5, "Insurance Company Address", &["Organization.address"], &["Organization.contact"], I),
    Rule::not(6, "Insurance Co Contact Person", "no element", I),
    Rule::differs(7, "Insurance Co Phone Number", &["Organization.telecom"], &["Organization.contact"], I),
    Rule::shows(8, "Group Number", &["Coverage.class"], I),
    Rule::shows(9, "Group Name", &["Coverage.class"], I),
    Rule::shows(10, "Insured's Group Emp ID", &["Coverage.policyHolder"], I),
    Rule::shows(11, "Insured's Group Emp Name", &["Coverage.policyHolder"], I),
    Rule::shows(12, "Plan Effective Date", &["Coverage.period"], I),
    Rule::shows(13, "Plan Expiration Date", &["Coverage.period"], I),
    Rule::not(14, "Authorization Information", BILLING, I),
    Rule::shows(15, "Plan Type", &["Coverage.type"], I),
    Rule::shows(16, "Name of Insured", &["Coverage.subscriber"], I),
    Rule::shows(17, "Insured's Relationship to Patient", &["Coverage.relationship"], I)
        .but("the guide maps table 0063 to v3-RoleCode; the element's own codes are subscriber-relationship"),
    Rule::shows(18, "Insured's Date of Birth", &["RelatedPerson.birthDate"], I),
    Rule::shows(19, "Insured's Address", &["RelatedPerson.address"], I),
    Rule::not(20, "Assignment of Benefits", BILLING, I),
    Rule::not(21, "Coordination of Benefits", BILLING, I),
    Rule::not(22, "Coord of Ben. Priority", BILLING, I),
    Rule::not(23, "Notice of Admission Flag", BILLING, I),
    Rule::not(24, "Notice of Admission Date", BILLING, I),
    Rule::not(25, "Report of Eligibility Flag", BILLING, I),
    Rule::not(26, "Report of Eligibility Date", BILLING, I),
    Rule::not(27, "Release Information Code", BILLING, I),
    Rule::not(28, "Pre-Admit Cert", BILLING, I),
    Rule::not(29, "Verification Date/Time", BILLING, I),
    Rule::not(30, "Verification By", BILLING, I),
    Rule::not(31, "Type of Agreement Code", BILLING, I),
    Rule::not(32, "Billing Status", BILLING, I),
    Rule::not(33, "Lifetime Reserve Days", BILLING, I),
    Rule::not(34, "Delay Before L.R. Day", BILLING, I),
    Rule::not(35, "Company Plan Code", BILLING, I),
    Rule::shows(36, "Policy Number", &["Coverage.subscriberId"], I),
    Rule::not(37, "Policy Deductible", BILLING, I),
    Rule::not(38, "Policy Limit - Amount", BILLING, I),
    Rule::not(39, "Policy Limit - Days", BILLING, I),
    Rule::not(40, "Room Rate - Semi-Private", BILLING, I),
    Rule::not(41, "Room Rate - Private", BILLING, I),
    Rule::not(42, "Insured's Employment Status", BILLING, I),
    Rule::shows(43, "Insured's Administrative Sex", &["RelatedPerson.gender"], I),
    Rule::not(44, "Insured's Employer's Address", BILLING, I),
    Rule::not(45, "Verification Status", BILLING, I),
    Rule::not(46, "Prior Insurance Plan ID", BILLING, I),
    Rule::not(47, "Coverage Type", BILLING, I),
    Rule::not(48, "Handicap", BILLING, I),
    Rule::shows(49, "Insured's ID Number", &["Coverage.subscriberId"], I),
    Rule::not(50, "Signature Code", BILLING, I),
    Rule::not(51, "Signature Code Date", BILLING, I),
    Rule::not(52, "Insured's Birth Place", BILLING, I),
    Rule::not(53, "VIP Indicator", BILLING, I),
]);

const GT1: Segment = Segment::unmapped("GT1", "Guarantor", "billing; the guide has no map");
const IN2: Segment =
    Segment::unmapped("IN2", "Insurance Additional Information", "billing; the guide has no map");
const IN3: Segment = Segment::unmapped("IN3", "Insurance Certification", "billing");
const ACC: Segment = Segment::unmapped("ACC", "Accident", "the guide has no map");
const UB1: Segment = Segment::unmapped("UB1", "UB82 Data", "billing of one country");
const UB2: Segment = Segment::unmapped("UB2", "Uniform Billing Data", "billing of one country");
const PDA: Segment = Segment::unmapped(
    "PDA",
    "Patient Death and Autopsy",
    "PID-29 and PID-30 say the death; the guide has no map",
);
