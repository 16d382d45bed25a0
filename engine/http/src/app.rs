//! What every request shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sluice_ids::EjId;
use sluice_mappings::entity::LegalEntity;

use crate::host::Hosts;
use crate::role::{Reach, Role};
use crate::settings::{Authentication, HttpSettings};
use crate::tokens::{Grant, Tokens};
use crate::vitals::Vitals;

/// What the server binary gives to [`crate::Server::bind`].
pub struct Deps {
    /// Every declared EJ.
    pub entities: Vec<Arc<LegalEntity>>,
    pub tokens: Tokens,
    pub vitals: Arc<dyn Vitals>,
    pub prometheus: PrometheusHandle,
}

pub(crate) struct App {
    pub(crate) settings: HttpSettings,
    pub(crate) entities: BTreeMap<EjId, Arc<LegalEntity>>,
    pub(crate) tokens: Tokens,
    pub(crate) vitals: Arc<dyn Vitals>,
    pub(crate) prometheus: PrometheusHandle,
    pub(crate) hosts: Hosts,
    /// On loopback, and not told otherwise: open for as long as no token was ever made.
    may_be_open: bool,
}

impl App {
    pub(crate) fn new(settings: HttpSettings, deps: Deps) -> Self {
        Self {
            hosts: Hosts::new(settings.address, &settings.allowed_hosts, &settings.public_base),
            may_be_open: settings.address.ip().is_loopback()
                && settings.authentication == Authentication::Auto,
            entities: deps.entities.into_iter().map(|entity| (entity.id(), entity)).collect(),
            tokens: deps.tokens,
            vitals: deps.vitals,
            prometheus: deps.prometheus,
            settings,
        }
    }

    /// Whether everyone may do everything. Once a token was seen it never is again.
    pub(crate) fn is_open(&self) -> bool {
        self.may_be_open && !self.tokens.any_ever()
    }

    /// What a caller may do where nobody is asked who they are.
    pub(crate) fn open_grant() -> Grant {
        Grant { id: "open".into(), role: Role::Administrator, reach: Reach::All }
    }

    /// The declared EJs that a reach holds, in order of their ids.
    pub(crate) fn visible<'a>(
        &'a self,
        reach: &'a Reach,
    ) -> impl Iterator<Item = &'a Arc<LegalEntity>> {
        self.entities.values().filter(|entity| reach.holds(entity.id()))
    }
}
