//! OperationOutcome: what went wrong, in words that quote no data.

use std::borrow::Cow;

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IssueSeverity {
    Fatal,
    Error,
    Warning,
    Information,
}

/// `IssueType` (required binding): those that a server of ours can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueType {
    Invalid,
    Structure,
    Required,
    Value,
    Login,
    Expired,
    Forbidden,
    NotSupported,
    NotFound,
    Deleted,
    TooLong,
    TooCostly,
    CodeInvalid,
    BusinessRule,
    Conflict,
    Throttled,
    Transient,
    Timeout,
    NoStore,
    Exception,
    Processing,
    Informational,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "OperationOutcome")]
pub struct OperationOutcome {
    /// At least one.
    issue: Vec<OutcomeIssue>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutcomeIssue {
    pub severity: IssueSeverity,
    pub code: IssueType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// For whoever looks after the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Cow<'static, str>>,
    /// `http.` and the name of the parameter or header at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expression: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Details {
    text: Cow<'static, str>,
}

impl OutcomeIssue {
    /// `text` must not be empty.
    #[must_use]
    pub fn new(
        severity: IssueSeverity,
        code: IssueType,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let details = Some(Details { text: text.into() });
        Self { severity, code, details, diagnostics: None, expression: Vec::new() }
    }

    #[must_use]
    pub fn error(code: IssueType, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(IssueSeverity::Error, code, text)
    }

    #[must_use]
    pub fn warning(code: IssueType, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(IssueSeverity::Warning, code, text)
    }

    /// The parameter at fault.
    #[must_use]
    pub fn at(mut self, param: &str) -> Self {
        self.expression.push(format!("http.{param}"));
        self
    }
}

impl OperationOutcome {
    #[must_use]
    pub fn new(issue: OutcomeIssue) -> Self {
        Self { issue: vec![issue] }
    }

    /// `None` for no issues: an outcome says something.
    #[must_use]
    pub fn of(issue: Vec<OutcomeIssue>) -> Option<Self> {
        (!issue.is_empty()).then_some(Self { issue })
    }

    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("structs with text keys, written to memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_says_something_and_is_written_whole() {
        assert!(OperationOutcome::of(Vec::new()).is_none());
        let issue = OutcomeIssue::error(IssueType::Invalid, "not so").at("date");
        let outcome = OperationOutcome::of(vec![issue.clone()]).unwrap();
        assert_eq!(outcome, OperationOutcome::new(issue));
        let json: serde_json::Value = serde_json::from_slice(&outcome.to_json()).unwrap();
        assert_eq!(json["resourceType"], "OperationOutcome");
        assert_eq!(json["issue"][0]["expression"][0], "http.date");
        assert_eq!(json["issue"][0]["severity"], "error");
        let issue = OutcomeIssue::warning(IssueType::NotSupported, "not so");
        assert_eq!(issue.severity, IssueSeverity::Warning);
    }
}
