//! Where the rig finds its sources and keeps what it builds.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    let rig = Path::new(env!("CARGO_MANIFEST_DIR"));
    rig.ancestors()
        .nth(2)
        .expect("the rig is two levels below the workspace")
}

/// The sources of one part of the rig, such as `emulator`.
pub fn part(name: &str) -> PathBuf {
    workspace().join("tests/rig").join(name)
}

/// Everything installed or built for the rig; it survives the processes and can be deleted at any time.
pub fn installed() -> Result<PathBuf> {
    let path = workspace().join("target/rig");
    std::fs::create_dir_all(&path)
        .with_context(|| format!("cannot create {}: is the directory writable?", path.display()))?;
    Ok(path)
}
