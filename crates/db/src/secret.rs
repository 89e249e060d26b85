//! Secrets at rest: sealed with AES-256-GCM-SIV under a key of the key file.
//!
//! Scope and name are sealed in (as associated data), so a sealed secret that is moved to another
//! row does not open there.

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::keys::{KeyFile, NotOpened, Sealed, Secret};
use crate::params;
use crate::tx::{Read, Tx};

/// The version of the sealed form; it is sealed in too.
const FORMAT_VERSION: u32 = 1;

/// Seals a secret and stores it, in place of the one of the same name.
pub fn put_secret(
    tx: &mut Tx,
    keys: &KeyFile,
    scope: &str,
    name: &str,
    plain: &[u8],
    now: Timestamp,
) -> Result<()> {
    let sealed = keys
        .seal(&context(FORMAT_VERSION.into(), scope, name), plain)
        .ok_or_else(|| Error::Unsealed { scope: scope.into(), name: name.into() })?;
    tx.execute(
        "INSERT INTO secrets (scope, name, key_id, format_version, nonce, sealed, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (scope, name) DO UPDATE SET
             key_id = excluded.key_id, format_version = excluded.format_version,
             nonce = excluded.nonce, sealed = excluded.sealed, created_at = excluded.created_at",
        params![scope, name, sealed.key_id, FORMAT_VERSION, sealed.nonce, sealed.bytes, now],
    )?;
    Ok(())
}

/// The secret of that name, opened; none if there is none.
pub fn secret(r: &mut Read, keys: &KeyFile, scope: &str, name: &str) -> Result<Option<Secret>> {
    let stored = r.query_opt(
        "SELECT key_id, nonce, sealed, format_version FROM secrets
         WHERE scope = $1 AND name = $2",
        params![scope, name],
        |row| {
            let sealed = Sealed { key_id: row.text(0)?, nonce: row.blob(1)?, bytes: row.blob(2)? };
            Ok((sealed, row.int(3)?))
        },
    )?;
    let Some((sealed, format_version)) = stored else { return Ok(None) };
    let key_id = sealed.key_id.clone();
    match keys.unseal(&context(format_version, scope, name), sealed) {
        Ok(secret) => Ok(Some(secret)),
        Err(NotOpened::KeyMissing) => {
            Err(Error::KeyMissing { scope: scope.into(), name: name.into(), key_id })
        }
        Err(NotOpened::Refused) => {
            Err(Error::Unsealable { scope: scope.into(), name: name.into() })
        }
    }
}

/// Forgets the secret of that name; false if there was none.
pub fn delete_secret(tx: &mut Tx, scope: &str, name: &str) -> Result<bool> {
    let gone =
        tx.execute("DELETE FROM secrets WHERE scope = $1 AND name = $2", params![scope, name])?;
    Ok(gone > 0)
}

/// What a secret is sealed together with. The scope's length keeps `a` + `b/c` and `a/b` + `c`
/// apart.
fn context(format_version: i64, scope: &str, name: &str) -> Vec<u8> {
    format!("{format_version}/{}/{scope}/{name}", scope.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::fixture::{Fixture, at};

    fn keys(folder: &Path, name: &str) -> KeyFile {
        KeyFile::create(folder.join(name)).unwrap()
    }

    #[test]
    fn a_secret_comes_back_and_lies_sealed() {
        let Fixture { db, folder } = &Fixture::new();
        let keys = keys(folder.path(), "keys");
        let sealing = keys.clone();
        db.write("s", move |tx| put_secret(tx, &sealing, "s", "token", b"swordfish", at(0)))
            .unwrap();
        let found = db.read(|r| secret(r, &keys, "s", "token")).unwrap().unwrap();
        assert_eq!(found.text(), Some("swordfish"));
        assert_eq!(format!("{found:?}"), "Secret(…)");
        let row =
            db.read(|r| r.query_one("SELECT sealed FROM secrets", &[], |row| row.blob(0))).unwrap();
        assert!(!row.windows(5).any(|part| part == b"sword"));
        assert!(db.read(|r| secret(r, &keys, "s", "other")).unwrap().is_none());
        assert!(db.write("s", |tx| delete_secret(tx, "s", "token")).unwrap());
        assert!(db.read(|r| secret(r, &keys, "s", "token")).unwrap().is_none());
    }

    #[test]
    fn a_secret_moved_or_changed_does_not_open() {
        let Fixture { db, folder } = &Fixture::new();
        let keys = keys(folder.path(), "keys");
        let check = |change: &'static str, values: &[crate::Value]| {
            let (sealing, values) = (keys.clone(), values.to_vec());
            let opened = db.write("s", move |tx| {
                put_secret(tx, &sealing, "a", "b/c", b"swordfish", at(0))?;
                tx.execute(change, &values)?;
                let (scope, name) =
                    tx.query_one("SELECT scope, name FROM secrets", &[], |row| {
                        Ok((row.text(0)?, row.text(1)?))
                    })?;
                let opened = secret(tx, &sealing, &scope, &name).map(|found| found.is_some());
                tx.execute("DELETE FROM secrets", &[])?;
                Ok::<_, Error>(opened)
            });
            opened.unwrap()
        };
        assert!(check("UPDATE secrets SET created_at = 0", &[]).unwrap());
        for (change, values) in [
            ("UPDATE secrets SET name = 'other'", params![]),
            ("UPDATE secrets SET scope = 'other'", params![]),
            ("UPDATE secrets SET scope = 'a/b', name = 'c'", params![]),
            ("UPDATE secrets SET format_version = 2", params![]),
            ("UPDATE secrets SET nonce = $1", params![vec![0_u8; 12]]),
            ("UPDATE secrets SET nonce = $1", params![vec![0_u8; 3]]),
            ("UPDATE secrets SET sealed = $1", params![vec![0_u8; 25]]),
            ("UPDATE secrets SET sealed = $1", params![vec![0_u8; 0]]),
        ] {
            let outcome = check(change, values);
            assert!(matches!(outcome, Err(Error::Unsealable { .. })), "{change}: {outcome:?}");
        }
    }

    #[test]
    fn another_key_file_names_the_key_that_is_missing() {
        let Fixture { db, folder } = &Fixture::new();
        let (mine, theirs) = (keys(folder.path(), "mine"), keys(folder.path(), "theirs"));
        let (sealing, id) = (mine.clone(), mine.key_id().to_owned());
        db.write("s", move |tx| put_secret(tx, &sealing, "s", "token", b"x", at(0))).unwrap();
        let outcome = db.read(|r| secret(r, &theirs, "s", "token"));
        assert!(matches!(outcome, Err(Error::KeyMissing { key_id, .. }) if key_id == id));
    }

    #[test]
    fn after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key() {
        let Fixture { db, folder } = &Fixture::new();
        let old = keys(folder.path(), "old");
        let sealing = old.clone();
        db.write("s", move |tx| put_secret(tx, &sealing, "s", "before", b"x", at(0))).unwrap();
        let new = keys(folder.path(), "new");
        let lines = [folder.path().join("new"), folder.path().join("old")]
            .map(|path| std::fs::read_to_string(path).unwrap());
        let both = folder.path().join("old");
        std::fs::write(&both, lines.concat()).unwrap();
        let both = KeyFile::open(both).unwrap();
        assert_eq!(both.key_id(), new.key_id());
        let sealing = both.clone();
        db.write("s", move |tx| put_secret(tx, &sealing, "s", "after", b"y", at(0))).unwrap();
        let open = |keys: &KeyFile, name| db.read(|r| secret(r, keys, "s", name)).is_ok();
        assert!(open(&both, "before") && open(&both, "after"));
        assert!(open(&new, "after") && !open(&old, "after"));
    }
}
