//! The EJs that a search is about: what a record shows depends on some of their settings, and
//! rows know nothing of these.
//!
//! A code that a site file puts before the sender's own (`[[code]]` with `code`) acts when a
//! resource is shown. A search for such a code also looks for the sender's codes that it stands
//! for, and is verified against what is shown.

use std::sync::Arc;

use sluice_ids::EjId;

use super::values::Token;
use crate::entity::LegalEntity;

#[derive(Clone, Default)]
pub(super) struct Entities(Arc<[Arc<LegalEntity>]>);

impl Entities {
    pub(super) fn new<'e>(entities: impl IntoIterator<Item = &'e Arc<LegalEntity>>) -> Self {
        Self(entities.into_iter().cloned().collect())
    }

    pub(super) fn of(&self, ej: EjId) -> Option<&LegalEntity> {
        self.0.iter().find(|entity| entity.id() == ej).map(|entity| &**entity)
    }

    /// What the EJ's senders say where `token` is shown only because its site file says so.
    pub(super) fn sent_for(&self, ej: EjId, token: &Token, mut each: impl FnMut(Token)) {
        let Some(entity) = self.of(ej) else { return };
        let sent = entity.site.shown_as(token.system.as_deref(), token.code.as_deref());
        for (system, code) in sent {
            each(Token { system: Some(system.to_owned()), code: code.map(str::to_owned) });
        }
    }
}
