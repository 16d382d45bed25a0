//! A file that is there whole, or as it was before: written under another name beside its own, which it
//! takes at the end.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

pub enum WholeFile {
    Beside {
        written: NamedTempFile,
        to: PathBuf,
    },
    /// A device or a pipe has nothing that could be kept.
    Stream(File),
}

impl WholeFile {
    /// # Errors
    /// When nothing could be written there.
    pub fn create(path: &Path) -> io::Result<Self> {
        let to = match path.metadata() {
            Ok(found) if !found.is_file() => return File::create(path).map(Self::Stream),
            Ok(_) => {
                // One that must not be written is not replaced either.
                OpenOptions::new().write(true).open(path)?;
                path.canonicalize()?
            }
            Err(_) => path.to_owned(),
        };
        let name = to.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{name}.");
        builder.prefix(&prefix).suffix(".part");
        // As the umask leaves it, and not as private as a temporary file is.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let written = builder.tempfile_in(folder.unwrap_or_else(|| Path::new(".")))?;
        Ok(Self::Beside { written, to })
    }

    /// Takes its name.
    ///
    /// # Errors
    /// When it cannot.
    pub fn keep(self) -> io::Result<()> {
        match self {
            Self::Beside { written, to } => {
                written.persist(to).map_err(|error| error.error)?;
                Ok(())
            }
            Self::Stream(_) => Ok(()),
        }
    }

    /// All of a file at once.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = Self::create(path)?;
        file.write_all(bytes)?;
        file.keep()
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside { written, .. } => written.write(bytes),
            Self::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Beside { written, .. } => written.flush(),
            Self::Stream(file) => file.flush(),
        }
    }
}
