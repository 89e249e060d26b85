//! The files of `examples/acme`, carried in the binary so that the story needs nothing beside it.

use std::path::Path;

use crate::configuration::Files;
use crate::error::CommandError;

const FILES: &[(&str, &str)] = &[
    ("groups.toml", include_str!("../../../../examples/acme/groups.toml")),
    ("sources/hr.toml", include_str!("../../../../examples/acme/sources/hr.toml")),
    ("applications/zoom.toml", include_str!("../../../../examples/acme/applications/zoom.toml")),
    (
        "service-provider/acme.toml",
        include_str!("../../../../examples/acme/service-provider/acme.toml"),
    ),
];

/// Lays the files into a folder and reads them as any others.
///
/// # Errors
/// The folder cannot be written.
pub fn files(dir: &Path) -> Result<Files, CommandError> {
    for (name, text) in FILES {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)?;
    }
    Files::read(dir)
}
