//! Files of entries: the cut about to be written, and checkpoints.
//!
//! - `magic (7) · layout (1)`, then blocks: `kind (1) · length (4) · crc32c (4) · payload`, all
//!   little-endian; the checksum covers kind, length and payload. Payloads are about 64 KiB.
//! - A head block (postcard [`Watermark`]), entry blocks, and a tail block with the number of
//!   entries: a file without its tail is torn.
//! - An entry is `key (23) · length + 1 (4) · bytes`; length 0 stands for a removal.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use crate::keys::{KEY_BYTES, Key};
use crate::layout::{self, LAYOUT, ValueError, Watermark};

const BLOCK_BYTES: usize = 64 << 10;
/// A block holds less than one entry more than [`BLOCK_BYTES`]; no longer one is ours.
const BLOCK_BYTES_MAX: usize = 1 << 20;

const HEAD: u8 = 1;
const ENTRIES: u8 = 2;
const TAIL: u8 = 3;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Cut,
    Checkpoint,
}

impl FileKind {
    const fn magic(self) -> [u8; 8] {
        match self {
            Self::Cut => [b'S', b'l', b'u', b'i', b'c', b'u', b't', LAYOUT],
            Self::Checkpoint => [b'S', b'l', b'u', b'i', b'c', b'k', b'p', LAYOUT],
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("reading or writing the file")]
    Io(#[from] io::Error),
    #[error("not a file of this kind, or of layout {found}")]
    Foreign { found: u8 },
    #[error("damaged or torn at byte {offset}")]
    Damaged { offset: u64 },
    #[error("the head does not decode")]
    Head(#[from] ValueError),
}

pub(crate) struct FrameWriter {
    out: BufWriter<File>,
    block: Vec<u8>,
    entries: u64,
}

impl FrameWriter {
    pub(crate) fn create(path: &Path, kind: FileKind, head: &Watermark) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(BLOCK_BYTES, File::create(path)?);
        out.write_all(&kind.magic())?;
        let mut writer = Self { out, block: Vec::with_capacity(BLOCK_BYTES + 8_192), entries: 0 };
        writer.write_block(HEAD, &layout::encode(head))?;
        Ok(writer)
    }

    pub(crate) fn entry(&mut self, key: &Key, part: Option<&[u8]>) -> io::Result<()> {
        let length = part.map_or(0, |part| part.len() + 1);
        let length = u32::try_from(length).map_err(|_| ErrorKind::InvalidInput)?;
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(part.unwrap_or_default());
        self.entries += 1;
        if self.block.len() >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> io::Result<()> {
        let block = std::mem::take(&mut self.block);
        self.write_block(ENTRIES, &block)?;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn write_block(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).map_err(|_| ErrorKind::InvalidInput)?;
        self.out.write_all(&[kind])?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&block_crc(kind, length, payload).to_le_bytes())?;
        self.out.write_all(payload)
    }

    /// Ends the file; it is not synced.
    pub(crate) fn finish(mut self) -> io::Result<File> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let entries = self.entries.to_le_bytes();
        self.write_block(TAIL, &entries)?;
        self.out.into_inner().map_err(|e| e.into_error())
    }
}

fn block_crc(kind: u8, length: u32, payload: &[u8]) -> u32 {
    let head = crc32c::crc32c_append(crc32c::crc32c(&[kind]), &length.to_le_bytes());
    crc32c::crc32c_append(head, payload)
}

pub(crate) struct FrameReader {
    input: BufReader<File>,
    offset: u64,
    pub(crate) head: Watermark,
}

impl FrameReader {
    pub(crate) fn open(path: &Path, kind: FileKind) -> Result<Self, FrameError> {
        let mut input = BufReader::with_capacity(BLOCK_BYTES, File::open(path)?);
        let mut magic = [0; 8];
        read_exact(&mut input, &mut magic, 0)?;
        if magic != kind.magic() {
            return Err(FrameError::Foreign { found: magic[7] });
        }
        let mut reader = Self { input, offset: 8, head: Watermark::default() };
        let (HEAD, payload) = reader.block()? else {
            return Err(FrameError::Damaged { offset: 8 });
        };
        reader.head = layout::decode(&payload)?;
        Ok(reader)
    }

    fn block(&mut self) -> Result<(u8, Vec<u8>), FrameError> {
        let offset = self.offset;
        let mut header = [0; 9];
        read_exact(&mut self.input, &mut header, offset)?;
        let kind = header[0];
        let length = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
        let crc = u32::from_le_bytes([header[5], header[6], header[7], header[8]]);
        if length as usize > BLOCK_BYTES_MAX {
            return Err(FrameError::Damaged { offset });
        }
        let mut payload = vec![0; length as usize];
        read_exact(&mut self.input, &mut payload, offset)?;
        if block_crc(kind, length, &payload) != crc {
            return Err(FrameError::Damaged { offset });
        }
        self.offset += 9 + u64::from(length);
        Ok((kind, payload))
    }

    /// Gives every entry in order. An entry is given before the tail is seen: to know that a file
    /// is whole before any of it is used, read it twice.
    pub(crate) fn each<E: From<FrameError>>(
        mut self,
        mut each: impl FnMut(&Key, Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut entries = 0_u64;
        loop {
            let offset = self.offset;
            let damaged = || E::from(FrameError::Damaged { offset });
            let (kind, payload) = self.block()?;
            match kind {
                ENTRIES => {
                    let mut rest = payload.as_slice();
                    while let Some((key, after)) = rest.split_first_chunk::<KEY_BYTES>() {
                        let (length, after) = after.split_first_chunk::<4>().ok_or_else(damaged)?;
                        let length = u32::from_le_bytes(*length) as usize;
                        let bytes = after.get(..length.saturating_sub(1)).ok_or_else(damaged)?;
                        each(key, (length > 0).then_some(bytes))?;
                        entries += 1;
                        rest = &after[bytes.len()..];
                    }
                    if !rest.is_empty() {
                        return Err(damaged());
                    }
                }
                TAIL if payload == entries.to_le_bytes() => break,
                _ => return Err(damaged()),
            }
        }
        let mut more = [0];
        match self.input.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(FrameError::Damaged { offset: self.offset }.into()),
            Err(error) => Err(FrameError::Io(error).into()),
        }
    }
}

fn read_exact(input: &mut impl Read, into: &mut [u8], offset: u64) -> Result<(), FrameError> {
    input.read_exact(into).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => FrameError::Damaged { offset },
        _ => FrameError::Io(error),
    })
}
