//! The key file: keys that seal secrets, kept outside the database.
//!
//! One key a line, its id before it; the first seals, any opens, so that a new key can be put in
//! front and the old one kept until nothing is sealed with it any more.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::error::{Error, Result};
use crate::limits::{KEY_FILE_BYTES_MAX, KEYS_MAX};

const KEY_BYTES: usize = 32;

const HEADING: &str = "\
# Keys that seal the secrets in the database. The first seals, any opens.
# Keep a copy in a safe place: without it no secret can be read again.
";

/// Bytes that must not be printed, and are overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The keys of a key file. Clones share them.
#[derive(Clone)]
pub struct KeyFile {
    keys: Arc<Vec<Key>>,
}

struct Key {
    id: String,
    key: RandomizedNonceKey,
}

/// Sealed bytes and what is needed, besides the key, to open them.
pub(crate) struct Sealed {
    pub(crate) key_id: String,
    pub(crate) nonce: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// Why sealed bytes did not open.
pub(crate) enum NotOpened {
    KeyMissing,
    Refused,
}

impl Secret {
    /// The bytes themselves.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, if they are.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Secret {
        Secret(bytes)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving out a write that nobody reads.
        std::hint::black_box(&self.0);
    }
}

impl KeyFile {
    /// Creates a key file with one new key, for its owner's eyes only; it must not exist yet.
    pub fn create(path: impl AsRef<Path>) -> Result<KeyFile> {
        let path = path.as_ref();
        let cannot = |source: std::io::Error| Error::KeyFile {
            path: path.into(),
            doing: "created",
            source: Arc::new(source),
        };
        let mut key = Secret(vec![0; KEY_BYTES]);
        SystemRandom::new().fill(&mut key.0).map_err(|_| Error::NoRandomness)?;
        let line = Secret(format!("{} {}\n", key_id(&key), STANDARD.encode(&key.0)).into_bytes());
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(cannot)?;
        file.write_all(HEADING.as_bytes()).map_err(cannot)?;
        file.write_all(line.bytes()).map_err(cannot)?;
        file.sync_all().map_err(cannot)?;
        drop(file);
        KeyFile::open(path)
    }

    /// Opens a key file; refuses one that others than its owner may read.
    pub fn open(path: impl AsRef<Path>) -> Result<KeyFile> {
        let path = path.as_ref();
        let cannot = |source: std::io::Error| Error::KeyFile {
            path: path.into(),
            doing: "read",
            source: Arc::new(source),
        };
        let file = std::fs::File::open(path).map_err(cannot)?;
        #[cfg(unix)]
        {
            let permissions = file.metadata().map_err(cannot)?.permissions();
            let mode = std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o7777;
            if mode & 0o077 != 0 {
                return Err(Error::KeyFileExposed { path: path.into(), mode });
            }
        }
        let mut content = Secret(Vec::new());
        file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut content.0).map_err(cannot)?;
        let mut keys = Vec::new();
        for (index, line) in content.text().unwrap_or_default().lines().enumerate() {
            let content = |problem: &str| Error::KeyFileContent {
                path: path.into(),
                line: index + 1,
                problem: problem.to_owned(),
            };
            match line.trim() {
                "" => {}
                line if line.starts_with('#') => {}
                _ if keys.len() == KEYS_MAX => return Err(content("too many keys")),
                line => keys.push(read_key(line).map_err(content)?),
            }
        }
        if keys.is_empty() {
            let problem = "it holds no key".to_owned();
            return Err(Error::KeyFileContent { path: path.into(), line: 1, problem });
        }
        Ok(KeyFile { keys: Arc::new(keys) })
    }

    /// The id of the key that seals.
    pub fn key_id(&self) -> &str {
        self.keys.first().map_or("", |key| &key.id)
    }

    /// Seals `plain` with the first key; it opens only together with the same `context`.
    pub(crate) fn seal(&self, context: &[u8], plain: &[u8]) -> Option<Sealed> {
        let key = self.keys.first()?;
        let mut bytes = plain.to_vec();
        let nonce = key.key.seal_in_place_append_tag(Aad::from(context), &mut bytes).ok()?;
        Some(Sealed { key_id: key.id.clone(), nonce: nonce.as_ref().to_vec(), bytes })
    }

    /// Opens what was sealed together with `context`.
    pub(crate) fn unseal(&self, context: &[u8], sealed: Sealed) -> Result<Secret, NotOpened> {
        let key = self.keys.iter().find(|key| key.id == sealed.key_id);
        let key = key.ok_or(NotOpened::KeyMissing)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce);
        let nonce = nonce.map_err(|_| NotOpened::Refused)?;
        let mut bytes = Secret(sealed.bytes);
        let opened = key.key.open_in_place(nonce, Aad::from(context), &mut bytes.0);
        let length = opened.map_err(|_| NotOpened::Refused)?.len();
        bytes.0.truncate(length);
        Ok(bytes)
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

fn read_key(line: &str) -> Result<Key, &'static str> {
    let (id, text) = line.split_once(' ').ok_or("a line is `KEY-ID KEY`")?;
    let key = Secret(STANDARD.decode(text.trim()).map_err(|_| "the key is not base64")?);
    if key.0.len() != KEY_BYTES {
        return Err("the key is not 32 bytes long");
    }
    if key_id(&key) != id {
        return Err("the key does not fit its id, so one of them was changed");
    }
    let sealing = RandomizedNonceKey::new(&AES_256_GCM_SIV, &key.0);
    Ok(Key { id: id.to_owned(), key: sealing.map_err(|_| "the key was not accepted")? })
}

fn key_id(key: &Secret) -> String {
    hex(&Sha256::digest(&key.0)[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let made = KeyFile::create(&path).unwrap();
        assert_eq!(KeyFile::open(&path).unwrap().key_id(), made.key_id());
        assert_eq!(made.key_id().len(), 8);
        let error = KeyFile::create(&path).unwrap_err();
        assert!(error.to_string().contains("could not be created: File exists"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_may_read_is_refused_with_the_command_to_run() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        KeyFile::create(&path).unwrap();
        let set = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            KeyFile::open(&path).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(set(0o400), Ok(()));
        for mode in [0o640, 0o604, 0o660] {
            let shown = path.display();
            let expected = format!(
                "The key file {shown} can be read by others (mode {mode:04o}). Run: chmod 600 {shown}"
            );
            assert_eq!(set(mode), Err(expected));
        }
    }

    #[test]
    fn a_spoilt_key_file_says_which_line_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        KeyFile::create(&path).unwrap();
        let good = std::fs::read_to_string(&path).unwrap();
        let check = |content: &str, expected: &str| {
            std::fs::write(&path, content).unwrap();
            let error = KeyFile::open(&path).unwrap_err().to_string();
            let expected = format!("keys, {expected}. Restore it from a backup.");
            assert!(error.ends_with(&expected), "{error}");
        };
        check("", "line 1: it holds no key");
        check("# only this\n", "line 1: it holds no key");
        check("abc\n", "line 1: a line is `KEY-ID KEY`");
        check("\nabc !!\n", "line 2: the key is not base64");
        check("abc AAAA\n", "line 1: the key is not 32 bytes long");
        let last = good.lines().count();
        let text = STANDARD.encode([7_u8; KEY_BYTES]);
        check(
            &format!("{good}00000000 {text}\n"),
            &format!("line {}: the key does not fit its id, so one of them was changed", last + 1),
        );
    }
}
