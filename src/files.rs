//! Writing files so that a reader, or a crash, never meets half of one.

use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes `target` through a temporary file beside it, which replaces the target only once it is complete and on disk.
///
/// # Errors
/// Whatever `write` returns, and any failure to create, flush or rename the file; the target is then as it was.
pub fn write_atomically(
    target: &Path,
    write: impl FnOnce(&mut BufWriter<&std::fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new().prefix(".citelink-").tempfile_in(folder)?;
    {
        let mut writer = BufWriter::new(temporary.as_file());
        write(&mut writer)?;
        writer.flush()?;
    }
    temporary.as_file().sync_all()?;
    // A temporary file is private to its user; what it replaces should be as readable as any other file.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    temporary.persist(target).map_err(|failure| failure.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("kept.txt");
        write_atomically(&target, |file| file.write_all(b"old")).unwrap();
        let failure = write_atomically(&target, |file| {
            file.write_all(b"new")?;
            Err(io::Error::other("no space"))
        });
        assert!(failure.is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
