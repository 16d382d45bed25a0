//! MSH, EVN, SFT and the rest of a message's envelope.

use super::{Rule, Segment};

const MSH_EVN: &str = "FACTS §3 MSH/EVN";

pub(super) const SEGMENTS: &[Segment] = &[MSH, SFT, EVN];

const MSH: Segment = Segment::of(
    "MSH",
    "Message Header",
    &[
        Rule::kept(1, "Field Separator", "how the message is read", "v2 §2.14.9.1"),
        Rule::kept(2, "Encoding Characters", "how the message is read", "v2 §2.14.9.2"),
        Rule::kept(
            3,
            "Sending Application",
            "the control id's scope; the acknowledgement",
            MSH_EVN,
        ),
        Rule::kept(
            4,
            "Sending Facility",
            "tells EJs of one listener apart; the acknowledgement",
            MSH_EVN,
        ),
        Rule::kept(5, "Receiving Application", "the acknowledgement", MSH_EVN),
        Rule::kept(6, "Receiving Facility", "the acknowledgement", MSH_EVN),
        Rule::kept(
            7,
            "Date/Time Of Message",
            "the journal: it is never a time of care",
            "DESIGN §3",
        ),
        Rule::not(8, "Security", "withdrawn; no meaning that two senders share", "v2 §2.14.9.8"),
        Rule::kept(9, "Message Type", "what the message does: the table of events", "FACTS §1"),
        Rule::kept(
            10,
            "Message Control ID",
            "known repetitions; the acknowledgement",
            "docs/acknowledgement.md",
        ),
        Rule::kept(11, "Processing ID", "whether the message is taken", "docs/acknowledgement.md"),
        Rule::kept(12, "Version ID", "whether the message is taken", "docs/acknowledgement.md"),
        Rule::not(13, "Sequence Number", "order is that of arrival", "v2 §2.14.9.13"),
        Rule::not(14, "Continuation Pointer", "messages in pieces are not taken", "v2 §2.14.9.14"),
        Rule::kept(
            15,
            "Accept Acknowledgment Type",
            "which acknowledgement is owed",
            "docs/acknowledgement.md",
        ),
        Rule::kept(
            16,
            "Application Acknowledgment Type",
            "which acknowledgement is owed",
            "docs/acknowledgement.md",
        ),
        Rule::not(
            17,
            "Country Code",
            "the profile of the EJ says whose rules are followed",
            "pam-fr §5",
        ),
        Rule::kept(18, "Character Set", "how the message is read", "docs/hl7-reading.md"),
        Rule::not(19, "Principal Language Of Message", "says nothing of the patient", MSH_EVN),
        Rule::not(
            20,
            "Alternate Character Set Handling Scheme",
            "one character set is read",
            "docs/hl7-reading.md",
        ),
        Rule::not(
            21,
            "Message Profile Identifier",
            "segments are read whatever the profile",
            "pam-fr §5",
        ),
        Rule::not(
            22,
            "Sending Responsible Organization",
            "no message is passed on as one",
            MSH_EVN,
        ),
        Rule::not(
            23,
            "Receiving Responsible Organization",
            "no message is passed on as one",
            MSH_EVN,
        ),
        Rule::not(24, "Sending Network Address", "no message is passed on as one", MSH_EVN),
        Rule::not(25, "Receiving Network Address", "no message is passed on as one", MSH_EVN),
    ],
);

const SFT: Segment = Segment::unmapped("SFT", "Software", "says nothing of the patient");

const EVN: Segment = Segment::of("EVN", "Event Type", &[
    Rule::kept(1, "Event Type Code", "the event, where MSH-9.2 is empty", "FACTS §0"),
    Rule::shows(2, "Recorded Date/Time", &["Encounter.location.period"], "FACTS §1")
        .but("the guide has it as Provenance.recorded alone; it is also the movement's time where ZBE-2 and EVN-6 are empty"),
    Rule::not(3, "Date/Time Planned Event", "PV2-8 and PV2-9 say what is planned", MSH_EVN),
    Rule::not(4, "Event Reason Code", "no element of a resource that is served", MSH_EVN),
    Rule::not(5, "Operator ID", "who typed it in says nothing of the patient", MSH_EVN),
    Rule::shows(6, "Event Occurred", &["Encounter.location.period"], "FACTS §1"),
    Rule::not(7, "Event Facility", "no element of a resource that is served", MSH_EVN),
]);
