//! Why a request was not answered, and how that is told: one place for every error.
//!
//! Texts name positions, parameters and limits, never a value that came with the request or that
//! stands in a record. A FHIR path gets an OperationOutcome, `/api` a JSON error, a page a line.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{Response, StatusCode};

use sluice_mappings::fhir::{IssueType, OperationOutcome, OutcomeIssue};
use sluice_mappings::search::QueryError;

use crate::acts::NotRecorded;
use crate::bulk::Failure;
use crate::past::Forgotten;
use crate::role::Role;

/// What kind of client calls a path, and so what an error looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// FHIR and the exports: OperationOutcome.
    Fhir,
    /// `/api`, `/health`: `{"error": {"code": …, "message": …}}`.
    Api,
    /// For people and scrapers: plain text.
    Page,
}

impl Face {
    /// The face of a path that no route has.
    pub(crate) fn of_path(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        match segments.next() {
            Some("fhir" | "exports") => Self::Fhir,
            Some("ej") => match segments.nth(1) {
                Some("fhir" | "export") => Self::Fhir,
                _ => Self::Api,
            },
            Some("api" | "health") => Self::Api,
            _ => Self::Page,
        }
    }
}

/// Everything that can be said instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    TokenMissing,
    /// Unknown, revoked or expired: told alike.
    TokenInvalid,
    RoleTooLow {
        needs: Role,
    },
    /// The route answers about every EJ at once.
    NotEveryEj,
    HostMissing,
    HostForeign,
    OriginForeign,
    /// No such thing, or none that the caller may know of.
    NotFound,
    /// A resource type that is not served, in this version of FHIR at least.
    TypeNotServed,
    /// An operation that is not served, on this type at least.
    OperationNotServed,
    /// A search of derived resources that does not say of what.
    NothingNamed,
    /// More than one answer may hold.
    TooMuch {
        limit: usize,
    },
    /// It was there, and is no more.
    Gone,
    /// Only the present of it is known.
    PastNotKept,
    PastTooCostly,
    MethodNotAllowed,
    NotAcceptable,
    MediaType,
    /// A message in another media type or character set than are taken.
    MessageMedia,
    /// A message that is not in the character set that it comes under.
    MessageCharset,
    /// A message that cannot be taken now.
    SendLater,
    /// Whether a message was kept cannot be known.
    OutcomeUnknown,
    UriTooLong {
        limit: usize,
    },
    BodyTooLarge {
        limit: usize,
    },
    BodyTooSlow,
    BodyBroken,
    /// The query or form is not percent-encoded UTF-8.
    QueryEncoding,
    TooManyValues {
        limit: usize,
    },
    /// A parameter's value cannot be read. The name is one that this server knows.
    Parameter {
        name: Cow<'static, str>,
        problem: Cow<'static, str>,
    },
    /// A search parameter cannot be read or is not supported in this way.
    Query(QueryError),
    /// Strict handling, and these are not known here.
    ParametersUnknown {
        names: Vec<String>,
    },
    /// A search parameter of FHIR's that cannot be answered, and may not be left out.
    SearchNotAnswered {
        name: &'static str,
    },
    /// A chain in a search comes to too many records.
    SearchJoinsTooMany {
        limit: u64,
    },
    /// A search would have to read too many records.
    SearchReadsTooMany {
        limit: u64,
    },
    CursorForged,
    CursorForeign,
    CursorExpired,
    /// The state lost a record: what is there cannot be told from what is not.
    StateLost,
    /// An EJ that the answer would be about is still being folded from the journal.
    Folding,
    /// The body, or an entry of a batch, is not what it is to be.
    BodyNot {
        what: &'static str,
    },
    TransactionNotServed,
    /// `$match` of somebody of whom next to nothing is said.
    TooLittle,
    /// ITI-83 §2:3.83.4.2.2.2 to 4: the number, its domain or a domain asked for is not known.
    PixSource,
    PixSourceSystem,
    PixTargetSystem,
    TooManyEntries {
        limit: usize,
    },
    /// The entries before have filled a batch's answer.
    BatchFull {
        limit: usize,
    },
    /// A kick-off without `Prefer: respond-async`.
    RespondAsync,
    /// A parameter that is known and not served.
    NotServed {
        name: &'static str,
        why: &'static str,
    },
    TooManyExports,
    /// The disk is near its floor.
    NoSpace,
    ExportFailed(Failure),
    RangeNotSatisfiable {
        bytes: u64,
    },
    /// A message that is not applied again.
    NotApplied {
        why: String,
    },
    /// An act that could not be recorded, and was not done.
    NotRecorded,
    /// A bug: counted and logged with its route.
    Internal,
}

impl From<NotRecorded> for Fault {
    fn from(_: NotRecorded) -> Self {
        Self::NotRecorded
    }
}

impl From<Forgotten> for Fault {
    fn from(forgotten: Forgotten) -> Self {
        match forgotten {
            Forgotten::Unknown => Self::NotFound,
            Forgotten::NotKept => Self::PastNotKept,
            Forgotten::TooMuch => Self::PastTooCostly,
            Forgotten::Unreadable => Self::Internal,
        }
    }
}

impl Fault {
    pub(crate) fn parameter(
        name: impl Into<Cow<'static, str>>,
        problem: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Parameter { name: name.into(), problem: problem.into() }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TokenMissing | Self::TokenInvalid => StatusCode::UNAUTHORIZED,
            Self::RoleTooLow { .. }
            | Self::NotEveryEj
            | Self::OriginForeign
            | Self::PixTargetSystem => StatusCode::FORBIDDEN,
            Self::HostForeign => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound
            | Self::TypeNotServed
            | Self::OperationNotServed
            | Self::PixSource
            | Self::PastNotKept => StatusCode::NOT_FOUND,
            Self::Gone => StatusCode::GONE,
            Self::PastTooCostly
            | Self::NotApplied { .. }
            | Self::TooMuch { .. }
            | Self::TransactionNotServed
            | Self::TooLittle
            | Self::BatchFull { .. }
            | Self::ExportFailed(Failure::FilterTooCostly)
            | Self::SearchJoinsTooMany { .. }
            | Self::SearchReadsTooMany { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::MediaType | Self::MessageMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::SendLater | Self::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
            Self::UriTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge { .. } | Self::TooManyEntries { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::HostMissing
            | Self::MessageCharset
            | Self::NothingNamed
            | Self::BodyBroken
            | Self::BodyNot { .. }
            | Self::PixSourceSystem
            | Self::QueryEncoding
            | Self::TooManyValues { .. }
            | Self::Parameter { .. }
            | Self::Query(_)
            | Self::RespondAsync
            | Self::NotServed { .. }
            | Self::ParametersUnknown { .. }
            | Self::SearchNotAnswered { .. }
            | Self::CursorForged
            | Self::CursorForeign => StatusCode::BAD_REQUEST,
            Self::CursorExpired => StatusCode::GONE,
            Self::StateLost | Self::Folding | Self::NotRecorded => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManyExports => StatusCode::TOO_MANY_REQUESTS,
            Self::NoSpace | Self::ExportFailed(Failure::NoSpace) => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            Self::RangeNotSatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Internal | Self::ExportFailed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// FHIR `issue.code` (IssueType, the same in R4 and R5).
    fn issue(&self) -> IssueType {
        match self {
            Self::TokenMissing | Self::TokenInvalid => IssueType::Login,
            Self::RoleTooLow { .. } | Self::NotEveryEj | Self::OriginForeign => {
                IssueType::Forbidden
            }
            Self::NotFound | Self::HostForeign => IssueType::NotFound,
            Self::Gone => IssueType::Deleted,
            Self::PastNotKept => IssueType::NotFound,
            Self::NothingNamed => IssueType::Required,
            Self::PastTooCostly
            | Self::TooMuch { .. }
            | Self::BatchFull { .. }
            | Self::SearchJoinsTooMany { .. }
            | Self::SearchReadsTooMany { .. } => IssueType::TooCostly,
            Self::BodyNot { .. } => IssueType::Structure,
            Self::NotApplied { .. } => IssueType::BusinessRule,
            Self::TooLittle => IssueType::Required,
            Self::PixSource => IssueType::NotFound,
            Self::PixSourceSystem | Self::PixTargetSystem => IssueType::CodeInvalid,
            Self::TransactionNotServed
            | Self::TypeNotServed
            | Self::OperationNotServed
            | Self::MethodNotAllowed
            | Self::NotAcceptable
            | Self::MediaType
            | Self::MessageMedia
            | Self::NotServed { .. }
            | Self::ParametersUnknown { .. }
            | Self::SearchNotAnswered { .. } => IssueType::NotSupported,
            Self::UriTooLong { .. }
            | Self::BodyTooLarge { .. }
            | Self::TooManyEntries { .. }
            | Self::TooManyValues { .. } => IssueType::TooLong,
            Self::BodyTooSlow => IssueType::Timeout,
            Self::SendLater | Self::OutcomeUnknown => IssueType::Transient,
            Self::HostMissing
            | Self::MessageCharset
            | Self::BodyBroken
            | Self::QueryEncoding
            | Self::RangeNotSatisfiable { .. }
            | Self::CursorForged
            | Self::CursorForeign => IssueType::Invalid,
            Self::RespondAsync => IssueType::Required,
            Self::TooManyExports => IssueType::Throttled,
            Self::NoSpace | Self::ExportFailed(Failure::NoSpace | Failure::Disk) => {
                IssueType::NoStore
            }
            Self::ExportFailed(Failure::TooLarge | Failure::FilterTooCostly) => {
                IssueType::TooCostly
            }
            Self::ExportFailed(Failure::Overtaken | Failure::StateLost) => IssueType::Transient,
            Self::ExportFailed(Failure::Internal) => IssueType::Exception,
            Self::Query(error) if error.reason.is_unsupported() => IssueType::NotSupported,
            Self::Parameter { .. } | Self::Query(_) => IssueType::Value,
            Self::CursorExpired => IssueType::Expired,
            Self::StateLost | Self::Folding | Self::NotRecorded => IssueType::Transient,
            Self::Internal => IssueType::Exception,
        }
    }

    /// The parameter at fault, by a name of our own list.
    fn at(&self) -> Option<&str> {
        match self {
            Self::Parameter { name, .. } => Some(name),
            Self::NotServed { name, .. } => Some(name),
            Self::RespondAsync => Some("Prefer"),
            Self::Query(error) => Some(error.param),
            Self::SearchNotAnswered { name } => Some(name),
            Self::CursorForged | Self::CursorForeign | Self::CursorExpired => Some("_cursor"),
            _ => None,
        }
    }

    fn text(&self) -> Cow<'static, str> {
        match self {
            Self::TokenMissing => {
                "a token is needed: Authorization: Bearer slc_… (made by `sluice token create`)"
                    .into()
            }
            Self::TokenInvalid => "the token is unknown, revoked or expired".into(),
            Self::RoleTooLow { needs } => format!("this needs the role {needs} or above").into(),
            Self::NotEveryEj => {
                "this answers about every EJ, and the token reaches only some".into()
            }
            Self::HostMissing => "the request has no Host header".into(),
            Self::HostForeign => {
                "this server is not known by the name in the Host header (http.allowed_hosts)"
                    .into()
            }
            Self::OriginForeign => "requests from another site's pages are refused".into(),
            Self::NotFound => "there is no such thing here".into(),
            Self::TypeNotServed => "no resource type of this name is served here".into(),
            Self::OperationNotServed => "no operation of this name is served here".into(),
            Self::NothingNamed => {
                "a search of these names what they are of: see the CapabilityStatement".into()
            }
            Self::TooMuch { limit } => {
                format!("more than {limit} resources belong to it: use searches or the export")
                    .into()
            }
            Self::PastNotKept => "only its present version is kept".into(),
            Self::PastTooCostly => "its past is too long to be told in one answer".into(),
            Self::Gone => "it was deleted: what names it last came without it".into(),
            Self::MethodNotAllowed => "this path does not take this method".into(),
            Self::NotAcceptable => "none of the accepted media types is served here".into(),
            Self::MediaType => {
                "the body must be application/x-www-form-urlencoded, of an operation \
                                application/fhir+json, and not compressed"
                    .into()
            }
            Self::MessageMedia => {
                "a message must be application/hl7-v2 (ER7) in UTF-8, ISO-8859-1, ISO-8859-15, \
                 windows-1252 or US-ASCII"
                    .into()
            }
            Self::MessageCharset => {
                "the message is not in the character set that Content-Type names".into()
            }
            Self::SendLater => {
                "the message was not taken: nothing more can be for now, send it again later".into()
            }
            Self::OutcomeUnknown => {
                "it is not known whether the message is on stable storage: send it again".into()
            }
            Self::UriTooLong { limit } => format!(
                "path and query have more than {limit} bytes; POST _search takes longer ones"
            )
            .into(),
            Self::BodyTooLarge { limit } => format!("the body has more than {limit} bytes").into(),
            Self::BodyTooSlow => "the body did not arrive in time".into(),
            Self::BodyBroken => "the body could not be read".into(),
            Self::QueryEncoding => "the parameters are not percent-encoded UTF-8".into(),
            Self::TooManyValues { limit } => {
                format!("there are more than {limit} parameters").into()
            }
            Self::Parameter { name, problem } => format!("{name}: {problem}").into(),
            // Names of our own list, and what is wrong: never the value.
            Self::Query(error) => error.to_string().into(),
            Self::ParametersUnknown { names } => {
                format!("not known here (handling=strict): {}", names.join(", ")).into()
            }
            Self::SearchNotAnswered { name } => {
                format!("{name} is not answered here, and without it more would be found").into()
            }
            Self::SearchJoinsTooMany { limit } => format!(
                "a chained parameter, _has or :below comes to more than {limit} records \
                 (state.joined_records_max): narrow it down"
            )
            .into(),
            Self::SearchReadsTooMany { limit } => format!(
                "more than {limit} records would have to be looked through \
                 (state.verified_records_max): add a parameter that narrows the search down"
            )
            .into(),
            Self::CursorForged => "the _cursor was not made by this server, or was changed".into(),
            Self::CursorForeign => {
                "the _cursor belongs to another search, another path, another caller or other rights"
                    .into()
            }
            Self::CursorExpired => {
                "the changes since the search began are no longer kept; search again".into()
            }
            Self::StateLost => {
                "a record could not be read back; the state is to be rebuilt from the journal"
                    .into()
            }
            Self::Folding => {
                "what was received before the start is still being applied; ask again in a moment"
                    .into()
            }
            Self::BodyNot { what } => format!("this is no {what}").into(),
            Self::TransactionNotServed => {
                "this server is read only: a transaction may have GET and HEAD entries alone".into()
            }
            Self::TooLittle => {
                "a match needs an identifier with its system, or a family name with \
                                a given name or a birth date"
                    .into()
            }
            Self::PixSource => "no patient is known here by this number".into(),
            Self::PixSourceSystem => "no patient is known here by a number of this system".into(),
            Self::PixTargetSystem => {
                "no patient is known here by a number of a system that is asked for".into()
            }
            Self::TooManyEntries { limit } => {
                format!("the batch has more than {limit} entries (http.batch_entries_max)").into()
            }
            Self::BatchFull { limit } => format!(
                "the answers before this one have {limit} bytes (http.batch_bytes_max): ask apart"
            )
            .into(),
            Self::RespondAsync => {
                "an export is prepared apart from the request: ask with Prefer: respond-async"
                    .into()
            }
            Self::NotServed { name, why } => format!("{name}: {why}").into(),
            Self::TooManyExports => "too many exports wait already (http.bulk.jobs_max, \
                                     jobs_per_caller_max): fetch or delete one, or ask later"
                .into(),
            Self::NoSpace => {
                "the free space of the disk is near its floor (http.bulk.free_floor_bytes)".into()
            }
            Self::ExportFailed(why) => format!("the export came to nothing: {why}").into(),
            Self::RangeNotSatisfiable { bytes } => format!("the file has {bytes} bytes").into(),
            Self::NotApplied { why } => format!("the message is not applied: {why}").into(),
            Self::NotRecorded => {
                "the act could not be recorded in the journal, and was not done: ask again in a moment"
                    .into()
            }
            Self::Internal => "the request failed here; it is counted and logged".into(),
        }
    }

    /// What a profile has it said in.
    const fn diagnostics(&self) -> Option<&'static str> {
        match self {
            Self::PixSource => Some("sourceIdentifier Patient Identifier not found"),
            Self::PixSourceSystem => Some("sourceIdentifier Assigning Authority not found"),
            Self::PixTargetSystem => Some("targetSystem not found"),
            _ => None,
        }
    }

    /// The OperationOutcome that says it.
    pub(crate) fn outcome(&self) -> Vec<u8> {
        let mut issue = OutcomeIssue::error(self.issue(), self.text());
        issue.diagnostics = self.diagnostics().map(Cow::Borrowed);
        let issue = if let Some(param) = self.at() { issue.at(param) } else { issue };
        OperationOutcome::new(issue).to_json()
    }

    pub(crate) fn respond(&self, face: Face) -> Response<Body> {
        let text = self.text();
        let (media, body) = match face {
            Face::Fhir => (FHIR_JSON, self.outcome()),
            Face::Api => {
                let error = serde_json::json!({
                    "error": { "code": self.issue(), "message": text },
                });
                (JSON, error.to_string().into_bytes())
            }
            Face::Page => (TEXT, format!("{text}\n").into_bytes()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media);
        match self {
            Self::Folding | Self::SendLater | Self::OutcomeUnknown => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::TooManyExports | Self::NoSpace | Self::NotRecorded => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            Self::RangeNotSatisfiable { bytes } => {
                let range = HeaderValue::try_from(format!("bytes */{bytes}"));
                headers.insert(header::CONTENT_RANGE, range.expect("words and digits"));
            }
            _ => {}
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// RFC 6750 §3.
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::TokenMissing => Some(HeaderValue::from_static(r#"Bearer realm="sluice""#)),
            Self::TokenInvalid => {
                Some(HeaderValue::from_static(r#"Bearer realm="sluice", error="invalid_token""#))
            }
            Self::RoleTooLow { .. } | Self::NotEveryEj => Some(HeaderValue::from_static(
                r#"Bearer realm="sluice", error="insufficient_scope""#,
            )),
            _ => None,
        }
    }
}

pub(crate) const FHIR_JSON: HeaderValue =
    HeaderValue::from_static("application/fhir+json; charset=utf-8");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_face_of_an_unknown_path_is_that_of_its_neighbours() {
        for (path, face) in [
            ("/fhir/R4/Nothing", Face::Fhir),
            ("/ej/EJ1/fhir/R4/Nothing", Face::Fhir),
            ("/ej/EJ1/export/nothing", Face::Fhir),
            ("/exports/nothing", Face::Fhir),
            ("/api/nothing", Face::Api),
            ("/health/nothing", Face::Api),
            ("/favicon.ico", Face::Page),
        ] {
            assert_eq!(Face::of_path(path), face, "{path}");
        }
    }
}
