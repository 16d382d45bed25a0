//! Bearer tokens: 256 random bits shown once as `slc_…`, kept as a SHA-256 (ADR-0051).
//!
//! A SHA-256 without salt is enough here: there is nothing to guess in 256 random bits. The file
//! is looked at once a second at most, so that a token made or revoked by the command line counts
//! in a running server a second later. A file that vanishes or cannot be read never opens
//! anything: the last list that could be read stays in force.

mod file;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

pub use self::file::TOKENS_MAX;
use self::file::{AllEjs, Entry, FileMark, Stored, StoredReach};
use crate::role::{Reach, Role};

const PREFIX: &str = "slc_";
/// Prefix and 32 bytes in base64url without padding.
const TOKEN_CHARS: usize = PREFIX.len() + 43;

/// The file's name in the data directory.
pub const TOKENS_FILE: &str = "tokens.json";

/// Why the list could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: not a list of tokens (line {line})", path.display())]
    Unreadable { path: PathBuf, line: usize },
    #[error("{}: written by another version (format {format})", path.display())]
    Format { path: PathBuf, format: u32 },
    #[error("{}: mode {mode:03o} lets others read it; make it 600", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{count} tokens are kept already, revoked ones included; at most {limit} are")]
    TooMany { count: usize, limit: usize },
    #[error("there is no token {id:?}")]
    Unknown { id: String },
    #[error("the expiry is not in the future")]
    AlreadyExpired,
    #[error("a token that reads patient data needs at least one EJ")]
    NoEj,
    #[error("the system gave no random bytes")]
    Random,
}

/// What a new token is to allow.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub role: Role,
    pub reach: Reach,
    /// Seconds since 1970-01-01T00:00:00Z; `None` never expires.
    pub expires: Option<i64>,
}

/// A token just made. `secret` is shown now or never.
pub struct Issued {
    pub info: TokenInfo,
    pub secret: String,
}

/// All of a token but its secret. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    pub id: String,
    pub role: Role,
    pub reach: Reach,
    pub created: i64,
    pub expires: Option<i64>,
    pub revoked: Option<i64>,
}

/// What an accepted token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub id: Arc<str>,
    pub role: Role,
    pub reach: Reach,
}

/// Why a token was not accepted. Callers are told the same for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No such token, or revoked.
    Unknown,
    Expired,
}

struct Live {
    hash: [u8; 32],
    expires: Option<i64>,
    grant: Grant,
}

/// The list, as the command line changes it and as the server asks it.
pub struct Tokens {
    path: PathBuf,
    live: RwLock<Arc<[Live]>>,
    mark: RwLock<Option<FileMark>>,
    any_ever: AtomicBool,
    opened: Instant,
    look_every: Duration,
    looked_ms: AtomicU64,
}

impl Tokens {
    /// Opens `tokens.json` in `data_dir`; one that does not exist is an empty list.
    ///
    /// # Errors
    /// When the file cannot be read, or others can read it.
    pub fn open(data_dir: &Path) -> Result<Self, TokenError> {
        let path = data_dir.join(TOKENS_FILE);
        let (stored, mark) = file::read(&path)?;
        Ok(Self {
            any_ever: AtomicBool::new(!stored.tokens.is_empty()),
            live: RwLock::new(live(&stored)),
            mark: RwLock::new(mark),
            path,
            opened: Instant::now(),
            look_every: Duration::from_secs(1),
            looked_ms: AtomicU64::new(0),
        })
    }

    /// How often a running server looks for a changed file. Default one second.
    #[must_use]
    pub fn look_every(mut self, pause: Duration) -> Self {
        self.look_every = pause;
        self
    }

    /// Makes a token and puts it on the list.
    ///
    /// # Errors
    /// When it could never be used, the list is full, or the file cannot be replaced.
    pub fn create(&self, wish: NewToken) -> Result<Issued, TokenError> {
        let now = now_seconds();
        if wish.expires.is_some_and(|at| at <= now) {
            return Err(TokenError::AlreadyExpired);
        }
        if wish.role > Role::Monitor && wish.reach == Reach::only([]) {
            return Err(TokenError::NoEj);
        }
        let mut random = [0; 32 + 4];
        getrandom::fill(&mut random).map_err(|_| TokenError::Random)?;
        let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&random[..32]));
        let entry = Entry {
            id: hex(&random[32..]),
            sha256: hex(&sha256(&secret)),
            role: wish.role,
            ejs: match wish.reach {
                Reach::All => StoredReach::All(AllEjs::All),
                Reach::Only(ejs) => StoredReach::Only(ejs.to_vec()),
            },
            created: now,
            expires: wish.expires,
            revoked: None,
        };
        let info = info(&entry);
        file::update(&self.path, |stored| {
            let count = stored.tokens.len();
            if count >= TOKENS_MAX {
                return Err(TokenError::TooMany { count, limit: TOKENS_MAX });
            }
            stored.tokens.push(entry);
            Ok(())
        })?;
        self.reload()?;
        Ok(Issued { info, secret })
    }

    /// Every token, oldest first, revoked and expired ones included.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<TokenInfo>, TokenError> {
        let (stored, _) = file::read(&self.path)?;
        Ok(stored.tokens.iter().map(info).collect())
    }

    /// Ends a token. Ending it twice keeps the first time.
    ///
    /// # Errors
    /// When there is none with that id, or the file cannot be replaced.
    pub fn revoke(&self, id: &str) -> Result<TokenInfo, TokenError> {
        let revoked = file::update(&self.path, |stored| {
            let entry = stored
                .tokens
                .iter_mut()
                .find(|entry| entry.id == id)
                .ok_or_else(|| TokenError::Unknown { id: id.to_owned() })?;
            entry.revoked.get_or_insert_with(now_seconds);
            Ok(info(entry))
        })?;
        self.reload()?;
        Ok(revoked)
    }

    /// Whether a token was ever made, as far as this process has seen: then nothing is open.
    #[must_use]
    pub fn any_ever(&self) -> bool {
        self.any_ever.load(Ordering::Acquire)
    }

    /// Whether one is in force now.
    #[must_use]
    pub fn any_in_force(&self) -> bool {
        let now = now_seconds();
        self.live.read().iter().any(|token| token.expires.is_none_or(|at| now < at))
    }

    /// What the token allows.
    pub(crate) fn authenticate(&self, secret: &str) -> Result<Grant, Denied> {
        self.authenticate_at(secret, now_seconds())
    }

    fn authenticate_at(&self, secret: &str, now: i64) -> Result<Grant, Denied> {
        if secret.len() != TOKEN_CHARS || !secret.starts_with(PREFIX) {
            return Err(Denied::Unknown);
        }
        let hash = sha256(secret);
        let live = Arc::clone(&self.live.read());
        // Every entry is compared in full: the time tells nothing of which one came near.
        let mut found = None;
        for token in live.iter() {
            if equal_in_constant_time(&token.hash, &hash) {
                found = Some(token);
            }
        }
        let token = found.ok_or(Denied::Unknown)?;
        if token.expires.is_some_and(|at| at <= now) {
            return Err(Denied::Expired);
        }
        Ok(token.grant.clone())
    }

    /// Looks for a changed file, if the last look was long enough ago.
    pub(crate) fn look(&self) {
        let elapsed = self.opened.elapsed();
        let now_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let looked = self.looked_ms.load(Ordering::Relaxed);
        let pause_ms = u64::try_from(self.look_every.as_millis()).unwrap_or(u64::MAX);
        if now_ms.saturating_sub(looked) < pause_ms
            || self
                .looked_ms
                .compare_exchange(looked, now_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let changed = match file::mark(&self.path) {
            // A list that vanished stays in force: its absence must not open anything.
            Ok(None) => false,
            Ok(mark) => mark != *self.mark.read(),
            Err(_) => false,
        };
        if changed && let Err(error) = self.reload() {
            // The error names a path, a mode or a line number, never a token.
            tracing::error!(error = %error, "tokens.json changed and cannot be read; the list before it stays in force");
        }
    }

    fn reload(&self) -> Result<(), TokenError> {
        let (stored, mark) = file::read(&self.path)?;
        if !stored.tokens.is_empty() {
            self.any_ever.store(true, Ordering::Release);
        }
        *self.live.write() = live(&stored);
        *self.mark.write() = mark;
        Ok(())
    }
}

fn live(stored: &Stored) -> Arc<[Live]> {
    stored
        .tokens
        .iter()
        .filter(|entry| entry.revoked.is_none())
        .filter_map(|entry| {
            let info = info(entry);
            Some(Live {
                hash: unhex(&entry.sha256)?,
                expires: entry.expires,
                grant: Grant { id: info.id.into(), role: info.role, reach: info.reach },
            })
        })
        .collect()
}

fn info(entry: &Entry) -> TokenInfo {
    TokenInfo {
        id: entry.id.clone(),
        role: entry.role,
        reach: match &entry.ejs {
            StoredReach::All(AllEjs::All) => Reach::All,
            StoredReach::Only(ejs) => Reach::only(ejs.iter().copied()),
        },
        created: entry.created,
        expires: entry.expires,
        revoked: entry.revoked,
    }
}

fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

pub(crate) fn equal_in_constant_time(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0_u8, |bits, (a, b)| bits | (a ^ b));
    std::hint::black_box(difference) == 0
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn now_seconds() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
