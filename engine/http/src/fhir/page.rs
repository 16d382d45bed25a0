//! A searchset Bundle: matches, what goes with them, and what has to be said about it.

use std::sync::Arc;

use sluice_ids::Micros;
use sluice_mappings::fhir::{
    Bundle, BundleType, Entry, IssueType, Link, OUTCOME_URL, OperationOutcome, OutcomeIssue,
    ResourceType, SearchMode,
};
use sluice_mappings::records::ResourceId;

use super::shape::Shape;
use crate::cache::Rendered;
use crate::json;

/// A resource on the page, and what it was rendered from.
pub(crate) struct Shown {
    pub(crate) of: ResourceType,
    /// Of the record that it is rendered from.
    pub(crate) id: ResourceId,
    /// Its own id, where that is another.
    pub(crate) local: Option<String>,
    pub(crate) updated_at: Micros,
    pub(crate) rendered: Arc<Rendered>,
}

impl Shown {
    /// `Type/id`.
    pub(crate) fn name(&self) -> String {
        match &self.local {
            Some(id) => format!("{}/{id}", self.of.name()),
            None => format!("{}/{}", self.of.name(), self.id),
        }
    }
}

pub(crate) struct Page {
    pub(crate) links: Vec<Link>,
    /// Of all pages.
    pub(crate) total: u64,
    pub(crate) matches: Vec<Shown>,
    pub(crate) included: Vec<Shown>,
    pub(crate) warning: Option<String>,
}

impl Page {
    pub(crate) fn write(self, base: &str, shape: &Shape) -> Vec<u8> {
        let modes = [(&self.matches, SearchMode::Match), (&self.included, SearchMode::Include)];
        let shown: Vec<_> = modes
            .into_iter()
            .flat_map(|(list, mode)| list.iter().map(move |one| (one, mode)))
            .map(|(one, mode)| {
                let url = format!("{base}/{}", one.name());
                (url, shape.cut(one.of, &one.rendered.json), mode)
            })
            .collect();
        let mut entries: Vec<Entry<'_>> = shown
            .iter()
            .map(|(url, resource, mode)| Entry {
                full_url: Some(url),
                resource,
                mode: Some(*mode),
                ..Entry::default()
            })
            .collect();
        let outcome = self.warning.map(|text| {
            OperationOutcome::new(OutcomeIssue::warning(IssueType::NotSupported, text)).to_json()
        });
        entries.extend(outcome.as_deref().map(|resource| Entry {
            full_url: Some(OUTCOME_URL),
            resource,
            mode: Some(SearchMode::Outcome),
            ..Entry::default()
        }));
        let bundle = Bundle {
            total: Some(self.total),
            link: self.links,
            ..Bundle::new(BundleType::Searchset)
        };
        let page = bundle.write(entries);
        if shape.pretty { json::pretty(&page) } else { page }
    }
}
