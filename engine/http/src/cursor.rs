//! `_cursor`: where a paged search goes on, sealed, so that the server remembers nothing of it.
//!
//! What is sealed holds the search's own parameters (a name, an identifier): it is encrypted as
//! well as authenticated, because a next link lands in proxies' logs even where the search came by
//! POST. Construction (ADR-0052): encrypt-then-MAC over HMAC-SHA256.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | nonce, random |
//! | n | [`FORMAT`] and postcard of [`Sealed`], deflated, XORed with HMAC(enc, nonce ‖ u32 counter) blocks |
//! | 32 | HMAC(mac, all of the above) |
//!
//! in base64url without padding. `enc` and `mac` are derived from the 32 bytes of
//! `http-cursor.key` in the data directory, which is made at the first start and kept: cursors
//! live through a restart. Who deletes the file ends all of them, and nothing else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sluice_ids::EjId;
use sluice_mappings::records::RecordType;
use sluice_state::Cursor;

use crate::fault::Fault;
use crate::tokens::equal_in_constant_time;

const NONCE_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
/// Nothing that we sealed inflates to more; a forged one is refused before it is inflated.
const PLAIN_BYTES_MAX: u64 = 1024 * 1024;

/// To be raised with any change of [`Sealed`]: what an older program sealed has expired.
const FORMAT: u8 = 101;

pub const KEY_FILE: &str = "http-cursor.key";
const KEY_BYTES: usize = 32;

/// The key could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the system gave no random bytes")]
    Random,
}

/// Written aside, synced and renamed: after a crash there is a whole key or none.
fn keep(data_dir: &Path, path: &Path, key: &[u8]) -> io::Result<()> {
    fs::create_dir_all(data_dir)?;
    let aside = path.with_extension("key.new");
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&aside)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    File::open(data_dir)?.sync_all()
}

/// A search that goes on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) record_type: RecordType,
    /// The EJ of the path, `None` for the group's base.
    pub(crate) ej: Option<EjId>,
    /// By the id of their token: a cursor is for the caller who searched.
    pub(crate) caller: Arc<str>,
    /// The parameters in force, encoded, as the self link shows them.
    pub(crate) params: String,
    pub(crate) count: u32,
    pub(crate) cursor: Cursor,
}

/// What was searched for may be a name: none of it is shown.
impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({:?})", self.record_type)
    }
}

/// Seals and opens cursors.
pub struct CursorKey {
    encryption: Hmac<Sha256>,
    authentication: Hmac<Sha256>,
}

impl CursorKey {
    /// The key in `data_dir`, made where there is none that is whole: all that a lost key costs is
    /// the links of pages that clients still hold. Where it cannot be kept (a full disk) it lives
    /// as long as the process.
    ///
    /// # Errors
    /// When the file cannot be read, or the system gives no random bytes.
    pub fn open(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join(KEY_FILE);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => {
                let read = file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes);
                read.map_err(|source| KeyError::Io { path: path.clone(), source })?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(KeyError::Io { path, source }),
        }
        if bytes.len() != KEY_BYTES {
            bytes = vec![0; KEY_BYTES];
            getrandom::fill(&mut bytes).map_err(|_| KeyError::Random)?;
            if let Err(error) = keep(data_dir, &path, &bytes) {
                tracing::warn!(
                    error = %error,
                    file = KEY_FILE,
                    "the key of paging links cannot be kept: they end with this process"
                );
            }
        }
        Ok(Self::derive(&bytes))
    }

    fn derive(key: &[u8]) -> Self {
        let part = |purpose: &[u8]| {
            let derived = keyed(key).chain_update(purpose).finalize().into_bytes();
            keyed(&derived)
        };
        Self {
            encryption: part(b"sluice cursor encryption 1"),
            authentication: part(b"sluice cursor authentication 1"),
        }
    }

    pub(crate) fn seal(&self, sealed: &Sealed) -> Result<String, Fault> {
        let plain = postcard::to_extend(sealed, vec![FORMAT]).map_err(|_| Fault::Internal)?;
        self.seal_plain(&plain)
    }

    fn seal_plain(&self, plain: &[u8]) -> Result<String, Fault> {
        let mut text = vec![0; NONCE_BYTES];
        getrandom::fill(&mut text).map_err(|_| Fault::Internal)?;
        let mut deflater = flate2::write::DeflateEncoder::new(text, Compression::fast());
        text = deflater
            .write_all(plain)
            .and_then(|()| deflater.finish())
            .map_err(|_| Fault::Internal)?;
        self.mask(&mut text);
        let mac = self.authentication.clone().chain_update(&text).finalize().into_bytes();
        text.extend_from_slice(&mac);
        Ok(URL_SAFE_NO_PAD.encode(text))
    }

    pub(crate) fn open_sealed(&self, text: &str) -> Result<Sealed, Fault> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Fault::CursorForged)?;
        let end = bytes.len().checked_sub(MAC_BYTES).filter(|end| *end >= NONCE_BYTES);
        let mac: [u8; MAC_BYTES] =
            end.and_then(|end| bytes.split_off(end).try_into().ok()).ok_or(Fault::CursorForged)?;
        let expected = self.authentication.clone().chain_update(&bytes).finalize().into_bytes();
        if !equal_in_constant_time(&expected.into(), &mac) {
            return Err(Fault::CursorForged);
        }
        self.mask(&mut bytes);
        let mut plain = Vec::new();
        flate2::read::DeflateDecoder::new(&bytes[NONCE_BYTES..])
            .take(PLAIN_BYTES_MAX)
            .read_to_end(&mut plain)
            .map_err(|_| Fault::CursorForged)?;
        let plain = plain.strip_prefix(&[FORMAT]).ok_or(Fault::CursorExpired)?;
        postcard::from_bytes(plain).map_err(|_| Fault::CursorExpired)
    }

    /// Encrypts what follows the nonce; done twice, decrypts.
    fn mask(&self, text: &mut [u8]) {
        let (nonce, secret) = text.split_at_mut(NONCE_BYTES);
        for (counter, block) in (0_u32..).zip(secret.chunks_mut(32)) {
            let pad = self
                .encryption
                .clone()
                .chain_update(&*nonce)
                .chain_update(counter.to_le_bytes())
                .finalize()
                .into_bytes();
            block.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        }
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_ids::Seq;

    fn sealed() -> Sealed {
        let ej = EjId::new("EJ1").unwrap();
        Sealed {
            record_type: RecordType::Patient,
            ej: Some(ej),
            caller: "8f3a01c2".into(),
            params: "family=ZQXfamily7f3a&_count=5".into(),
            count: 5,
            cursor: Cursor { pins: vec![(ej, Seq::new(77))], served: 5, filter_hash: 9, total: 12 },
        }
    }

    #[test]
    fn what_was_sealed_opens_after_a_restart_and_shows_nothing_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let text = CursorKey::open(folder.path()).unwrap().seal(&sealed()).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"ZQXfam"));
        let again = CursorKey::open(folder.path()).unwrap();
        assert_eq!(again.open_sealed(&text).unwrap(), sealed());
        assert_ne!(again.seal(&sealed()).unwrap(), text, "the nonce is never the same");
    }

    #[test]
    fn any_changed_bit_any_truncation_and_any_other_key_is_a_forgery() {
        let key = CursorKey::derive(&[7; 32]);
        let text = key.seal(&sealed()).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(key.open_sealed(&forged), Err(Fault::CursorForged));
        }
        for length in 0..bytes.len() {
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            assert_eq!(key.open_sealed(&cut), Err(Fault::CursorForged));
        }
        assert_eq!(CursorKey::derive(&[8; 32]).open_sealed(&text), Err(Fault::CursorForged));
        assert_eq!(key.open_sealed("not base64!"), Err(Fault::CursorForged));
    }

    #[test]
    fn what_another_version_of_the_program_sealed_has_expired() {
        let key = CursorKey::derive(&[7; 32]);
        let mut plain = postcard::to_extend(&sealed(), vec![FORMAT + 1]).unwrap();
        for plain in [plain.clone(), plain.split_off(1)] {
            assert_eq!(
                key.open_sealed(&key.seal_plain(&plain).unwrap()),
                Err(Fault::CursorExpired)
            );
        }
    }

    #[test]
    fn a_cursor_fits_a_link_however_many_ejs_it_pins() {
        let ejs = (0..64).map(|n| EjId::new(&format!("GHT-EJ-{n:03}")).unwrap());
        let pins = ejs.map(|ej| (ej, Seq::new(u64::MAX - 7))).collect();
        let params = "family=Dupont-Martin&birthdate=ge1950&_sort=-family,given&_count=20".into();
        let cursor = Cursor { pins, ..sealed().cursor };
        let many = Sealed { params, cursor, ..sealed() };
        let key = CursorKey::derive(&[7; 32]);
        let (one, many) = (key.seal(&sealed()).unwrap().len(), key.seal(&many).unwrap().len());
        assert!(one < 200 && many < 1_600, "{one} {many}");
    }

    #[test]
    fn a_key_that_a_crash_left_half_written_is_made_anew_and_then_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(KEY_FILE), []).unwrap();
        let text = CursorKey::open(folder.path()).unwrap().seal(&sealed()).unwrap();
        assert!(CursorKey::open(folder.path()).unwrap().open_sealed(&text).is_ok());
    }
}
