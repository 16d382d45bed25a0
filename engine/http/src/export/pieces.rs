//! An export piece by piece, each from what is kept or made for it.

use std::sync::Arc;

use bytes::Bytes;
use sluice_mappings::fhir::{Bundle, BundleType};

use super::chunk::{Packed, Packing};
use super::gzip::{HEADER, Trailer};
use super::source::{InBundle, Packer, Source};
use crate::app::App;

/// The export cannot be completed. The connection is closed without the last chunk, so that a
/// client can tell: a short export must not look like a whole one.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the state lost a record")]
    StateLost,
    #[error("building a chunk failed")]
    Build,
}

/// What the client gets next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    /// Of which source, and which of its chunks.
    Chunk(usize, u32),
    Tail,
    Nothing,
}

pub(super) struct Pieces {
    app: Arc<App>,
    /// One a record type.
    sources: Vec<Source>,
    next: Next,
    /// `None`: sent as it is.
    packing: Option<Packing>,
    /// `None`: NDJSON.
    bundle: Option<InBundle>,
    /// Of a gzip member.
    trailer: Trailer,
}

impl Pieces {
    pub(super) fn new(
        app: Arc<App>,
        sources: Vec<Source>,
        packing: Option<Packing>,
        bundle: Option<InBundle>,
    ) -> Self {
        Self { app, sources, next: Next::Head, packing, bundle, trailer: Trailer::default() }
    }

    /// Nothing more is sent.
    pub(super) fn end(&mut self) {
        self.next = Next::Nothing;
    }

    /// How many chunks are kept, and how many are not, as it stands before the first is sent. Each
    /// is taken to hold something.
    pub(super) fn held(&self) -> (u32, u32) {
        let (mut held, mut all) = (0, 0);
        let mut packer = self.packer();
        for source in &self.sources {
            for chunk in 0..source.chunks() {
                held += u32::from(source.holds(&self.app, chunk, packer.as_ref()));
                all += 1;
                if let Some(bundle) = packer.as_mut().and_then(|packer| packer.bundle.as_mut()) {
                    bundle.first = false;
                }
            }
        }
        (held, all - held)
    }

    fn packer(&self) -> Option<Packer> {
        let packing = self.packing?;
        Some(Packer { packing, bundle: self.bundle.clone() })
    }

    /// The next piece that is not empty; `None` at the end. (An empty one would end the body.)
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            let piece = match self.next {
                Next::Head => {
                    self.next = self.from(0, 0);
                    self.head()
                }
                Next::Chunk(source, chunk) => {
                    self.next = self.from(source, chunk + 1);
                    self.chunk(source, chunk).await?
                }
                Next::Tail => {
                    self.next = Next::Nothing;
                    self.tail()
                }
                Next::Nothing => return Ok(None),
            };
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    fn from(&self, mut source: usize, mut chunk: u32) -> Next {
        while let Some(of) = self.sources.get(source) {
            if chunk < of.chunks() {
                return Next::Chunk(source, chunk);
            }
            (source, chunk) = (source + 1, 0);
        }
        Next::Tail
    }

    fn head(&self) -> Bytes {
        match self.packing {
            Some(Packing::Gzip) => Bytes::from_static(&HEADER),
            _ => Bytes::new(),
        }
    }

    async fn chunk(&mut self, source: usize, chunk: u32) -> Result<Bytes, Broken> {
        let source = &self.sources[source];
        if source.since.is_some_and(|since| source.is_older(&self.app, chunk, since)) {
            return Ok(Bytes::new());
        }
        let Some(packer) = self.packer() else {
            let lines = match source.kept_lines(&self.app, chunk) {
                Some(kept) => kept,
                None => build(&self.app, source, move |app, of| of.lines(app, chunk)).await?,
            };
            let Some(bundle) = &mut self.bundle else { return Ok(lines.ndjson.clone()) };
            let entries = lines.entries(source.record_type, &bundle.base, bundle.first);
            bundle.first &= lines.index.is_empty();
            return Ok(entries.into());
        };
        let packed = match source.kept_packed(&self.app, chunk, &packer) {
            Some(kept) => kept,
            None => build(&self.app, source, move |app, of| of.packed(app, chunk, &packer)).await?,
        };
        if let Some(bundle) = &mut self.bundle {
            bundle.first &= !packed.any;
        }
        Ok(self.packed(&packed))
    }

    fn tail(&mut self) -> Bytes {
        let end = match &self.bundle {
            None => Vec::new(),
            Some(InBundle { first: true, .. }) => Bundle::new(BundleType::Collection).write([]),
            Some(_) => Bundle::TAIL.to_vec(),
        };
        let Some(packing) = self.packing else { return end.into() };
        let mut bytes = self.packed(&packing.pack_end(&end)).to_vec();
        if packing == Packing::Gzip {
            bytes.extend_from_slice(&self.trailer.bytes());
        }
        bytes.into()
    }

    fn packed(&mut self, packed: &Packed) -> Bytes {
        self.trailer.add(packed);
        packed.bytes.clone()
    }
}

/// Builds where blocking does no harm, a few at a time.
async fn build<T: Send + 'static>(
    app: &Arc<App>,
    source: &Source,
    build: impl FnOnce(&App, &Source) -> T + Send + 'static,
) -> Result<T, Broken> {
    let permit = Arc::clone(&app.builders).acquire_owned().await;
    let (worker, source) = (Arc::clone(app), source.clone());
    let built = tokio::task::spawn_blocking(move || {
        let built = build(&worker, &source);
        drop(permit);
        built
    });
    let built = built.await.map_err(|_| Broken::Build)?;
    // Asked after the records were read: those that were lost are left out of a chunk.
    if app.is_whole() { Ok(built) } else { Err(Broken::StateLost) }
}
