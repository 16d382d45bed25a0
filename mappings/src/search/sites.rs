//! Codes that a site file puts before the sender's own (`[[code]]` with `code`): they act when a
//! resource is shown, so that rows know nothing of them. A search for such a code also looks for
//! the sender's codes that it stands for, and is verified against what is shown.

use std::sync::Arc;

use sluice_ids::EjId;

use super::elements::{self, TokenOf};
use super::key::Span;
use super::values::Token;
use crate::entity::LegalEntity;
use crate::site::Site;

/// The EJs whose site file shows codes; most often none.
#[derive(Clone, Default)]
pub(super) struct Sites(Arc<[Arc<LegalEntity>]>);

impl Sites {
    pub fn new<'e>(entities: impl IntoIterator<Item = &'e Arc<LegalEntity>>) -> Self {
        let shows = entities.into_iter().filter(|entity| entity.site.shows_codes());
        Self(shows.cloned().collect())
    }

    pub fn of(&self, ej: EjId) -> Option<&Site> {
        self.0.iter().find(|entity| entity.id() == ej).map(|entity| &entity.site)
    }

    /// Where the records are that show `token` only because a site file says so.
    pub fn spans(&self, of: TokenOf, token: &Token) -> Vec<Span> {
        let mut spans = Vec::new();
        for entity in &*self.0 {
            let from = entity.site.shown_as(token.system.as_deref(), token.code.as_deref());
            spans.extend(from.map(|(system, code)| {
                let sent = Token { system: Some(system.to_owned()), code: code.map(str::to_owned) };
                elements::token_span(of, &sent)
            }));
        }
        spans
    }
}
