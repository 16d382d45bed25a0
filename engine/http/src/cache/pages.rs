//! Whole answers to searches, kept for as long as they would be made the same again.
//!
//! A page is asked for by everything that it depends on beside the state: who asks and what they
//! may see (a next link is for one caller alone), the base of its links, path, query, form,
//! preferences and packing, byte for byte. What of the state it rests on stands beside it
//! ([`Footing`]) and is looked at each time, so that a change is seen at once.

use std::sync::Arc;

use axum::http::header::{self, HeaderName};
use bytes::Bytes;
use sluice_state::Footing;

use crate::call::Call;
use crate::fhir::links;
use crate::negotiate::Coding;
use crate::role::Reach;

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What was asked, by whom.
pub(crate) type PageKey = Arc<[u8]>;

/// An answer as it goes out.
#[derive(Clone)]
pub(crate) struct KeptPage {
    pub(crate) body: Bytes,
    pub(crate) coding: Coding,
    footing: Arc<Footing>,
    /// Whether its next link holds the pins that it was made at.
    linked: bool,
}

impl Call<'_> {
    /// The page that is kept, if it would be made the same now and the caller takes what is kept.
    pub(crate) fn kept_page(&self) -> Option<KeptPage> {
        if !self.takes_kept() || !self.app.is_whole() {
            return None;
        }
        let (app, key) = (self.app, self.page_key());
        let page = app.pages.get_if(&key, |page: &KeptPage| {
            self.in_store(|| self.scope().still_stands(&page.footing, page.linked))
        })?;
        self.count(1, 0);
        Some(page)
    }

    /// Keeps a page that was made on `footing`.
    pub(crate) fn keep_page(&self, body: &Bytes, coding: Coding, footing: Footing, linked: bool) {
        // What was pinned before rests on more than what it was asked by.
        if !self.takes_kept() || self.pins.is_some() {
            return;
        }
        let (key, height) = (self.page_key(), footing.height());
        let bytes = key.len() + body.len();
        let page = KeptPage { body: body.clone(), coding, footing: Arc::new(footing), linked };
        self.app.pages.put(key, height, page, bytes);
    }

    fn page_key(&self) -> PageKey {
        let uri = &self.parts.uri;
        let mut key = Vec::with_capacity(256);
        // Each part is led by its length: none can look like two.
        let mut part = |bytes: &[u8]| {
            key.extend_from_slice(&bytes.len().to_le_bytes());
            key.extend_from_slice(bytes);
        };
        part(self.caller().as_bytes());
        match self.reach() {
            Reach::All => part(b"*"),
            Reach::Only(ejs) => ejs.iter().for_each(|ej| part(&ej.to_padded())),
        }
        part(b"");
        part(links::root(self).as_bytes());
        part(uri.path().as_bytes());
        part(uri.query().unwrap_or_default().as_bytes());
        part(self.form.as_deref().unwrap_or_default());
        part(&[self.coding(Coding::Zstd) as u8]);
        for name in [header::ACCEPT, PREFER] {
            self.headers().get_all(name).iter().for_each(|value| part(value.as_bytes()));
            part(b"");
        }
        key.into()
    }
}
