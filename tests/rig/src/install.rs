//! Builds something once, however many processes ask at the same time, and again when its sources change.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths;

/// A number which changes with the sources that an installed thing is made of.
#[derive(Default)]
pub(crate) struct Stamp(DefaultHasher);

impl Stamp {
    /// Counts a text in, such as a version or a flag.
    pub(crate) fn text(mut self, text: &str) -> Self {
        text.hash(&mut self.0);
        self
    }

    /// Counts in the names and contents of the files below `directory` with one of these extensions.
    pub(crate) fn files(mut self, directory: &Path, extensions: &[&str]) -> Result<Self> {
        for path in files_below(directory)? {
            let wanted = path
                .extension()
                .and_then(|extension| extension.to_str())
                .is_some_and(|extension| extensions.contains(&extension));
            if wanted {
                path.strip_prefix(directory).unwrap_or(&path).hash(&mut self.0);
                fs::read(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?
                    .hash(&mut self.0);
            }
        }
        Ok(self)
    }

    fn finish(self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let entries = fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Has `build` make `target/rig/<name>`, unless it was made from the same `stamp` before. Returns its path.
///
/// Blocking: the first caller builds, others wait at a file lock for it.
pub(crate) fn once(name: &str, stamp: Stamp, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let directory = paths::installed()?;
    once_in(&directory, name, stamp, build)
}

fn once_in(directory: &Path, name: &str, stamp: Stamp, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let target = directory.join(name);
    let stamp_file = directory.join(format!("{name}.stamp"));
    let lock_file = directory.join(format!("{name}.lock"));
    let stamp = stamp.finish();

    let lock = File::create(&lock_file).with_context(|| format!("cannot create {}", lock_file.display()))?;
    lock.lock()
        .with_context(|| format!("cannot lock {}: does the file system have locks?", lock_file.display()))?;
    let known = fs::read_to_string(&stamp_file).unwrap_or_default();
    if known != stamp || !target.exists() {
        build(&target)?;
        fs::write(&stamp_file, &stamp).with_context(|| format!("cannot write {}", stamp_file.display()))?;
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn many_starters_build_once_and_a_change_builds_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let built = AtomicU32::new(0);
        let ensure = |version: &str| {
            once_in(directory.path(), "thing", Stamp::default().text(version), |target| {
                built.fetch_add(1, Ordering::SeqCst);
                fs::write(target, version)?;
                Ok(())
            })
            .expect("the build")
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| ensure("one"));
            }
        });
        assert_eq!(built.load(Ordering::SeqCst), 1);
        let target = ensure("two");
        assert_eq!(built.load(Ordering::SeqCst), 2);
        assert_eq!(fs::read_to_string(target).expect("the thing"), "two");
    }

    #[test]
    fn the_stamp_sees_wanted_files_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let stamp = || {
            Stamp::default()
                .files(directory.path(), &["go"])
                .expect("the files")
                .finish()
        };
        fs::write(directory.path().join("a.go"), "1").expect("write");
        let first = stamp();
        fs::write(directory.path().join("notes.txt"), "1").expect("write");
        assert_eq!(first, stamp());
        fs::write(directory.path().join("a.go"), "2").expect("write");
        assert_ne!(first, stamp());
    }
}
