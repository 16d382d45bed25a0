//! What operators did, as the HTTP face asks for it.

use sluice_flow::{Deed, PastError, Recorded};
use sluice_http::{ActDesk, ActTold, Acts, CacheAct, Forgotten, NotRecorded};
use sluice_ids::EjId;
use sluice_journal::ReadError;

use crate::engine::{Core, forgotten};

impl ActDesk for Core {
    fn acts(&self, ej: EjId) -> Result<Acts<'_>, Forgotten> {
        let unreadable = move |error: ReadError| forgotten(ej, PastError::Journal(error));
        let acts = self.flow.acts(ej).map_err(unreadable)?;
        Ok(Box::new(acts.map(move |act| {
            let Recorded { ej, seq, at, by, about } = act.map_err(unreadable)?;
            Ok(ActTold { ej, seq, at, by, about })
        })))
    }

    fn caches(&self, act: CacheAct, by: &str) -> Result<(), NotRecorded> {
        let deed = match act {
            CacheAct::Cleared => Deed::CacheCleared,
            CacheAct::Warmed => Deed::CacheWarmed,
        };
        for (ej, _) in &self.at_start {
            self.flow.act(*ej, by, deed.clone()).map_err(|error| {
                tracing::warn!(ej = %ej, error = %error, "an act could not be recorded");
                NotRecorded
            })?;
        }
        Ok(())
    }
}
