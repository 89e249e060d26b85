//! The keys that security event tokens are signed with: the installation's own. The private half is
//! sealed with the key file, the public one is shown to everybody as a JSON Web Key Set.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use db::{Ctx, KeyFile, Read, Tx, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::set::Signer;
use crate::limits::SIGNING_KEY_COUNT_MAX;
use crate::provider::{PLATFORM, ServiceProvider};
use crate::{Error, Result};

/// A key pair that has just been made.
struct NewKey {
    kid: String,
    modulus: String,
    exponent: String,
    private: Vec<u8>,
}

impl ServiceProvider {
    /// The public keys that tokens are, or were lately, signed with (RFC 7517 5).
    pub fn signing_keys(&self) -> Result<Value> {
        let keys = self.db().read(|r| {
            Ok::<_, Error>(r.query(
                "SELECT kid, modulus, exponent FROM signing_keys WHERE tenant = $1
                 ORDER BY created_at DESC, kid LIMIT $2",
                params![PLATFORM, SIGNING_KEY_COUNT_MAX],
                |row| {
                    let (kid, n, e) = (row.text(0)?, row.text(1)?, row.text(2)?);
                    Ok(json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e}))
                },
            )?)
        })?;
        Ok(json!({ "keys": keys }))
    }

    /// Signs with a new key from now on; says its id. The former ones are still shown, so that tokens
    /// they signed can be checked.
    pub fn rotate_signing_key(&self, ctx: &Ctx) -> Result<String> {
        let keys = self.sealing_keys("The key that tokens are signed with is sealed")?.clone();
        let (ctx, new) = (ctx.clone(), NewKey::make()?);
        self.db().write(PLATFORM, move |tx| {
            insert(tx, &keys, &ctx, &new)?;
            Ok(new.kid.clone())
        })
    }

    /// Makes the first key, if there is none.
    pub(super) fn ensure_signing_key(&self, ctx: &Ctx) -> Result<()> {
        if self.db().read(newest)?.is_some() {
            return Ok(());
        }
        let keys = self.sealing_keys("The key that tokens are signed with is sealed")?.clone();
        let (ctx, new) = (ctx.clone(), NewKey::make()?);
        self.db().write(PLATFORM, move |tx| match newest(tx)? {
            Some(_) => Ok(()),
            None => insert(tx, &keys, &ctx, &new),
        })
    }
}

/// What tokens are signed with now.
pub(super) fn signer(r: &mut Read, keys: &KeyFile, issuer: &str) -> Result<Option<Signer>> {
    let Some(kid) = newest(r)? else { return Ok(None) };
    let Some(private) = db::secret(r, keys, PLATFORM, &secret_name(&kid))? else { return Ok(None) };
    let pair = RsaKeyPair::from_pkcs8(private.bytes())
        .map_err(|error| Error::stored(format!("signing key {kid}"), error))?;
    Ok(Some(Signer { issuer: issuer.to_owned(), kid, pair }))
}

fn newest(r: &mut Read) -> Result<Option<String>> {
    Ok(r.query_opt(
        "SELECT kid FROM signing_keys WHERE tenant = $1 AND retired_at IS NULL
         ORDER BY created_at DESC, kid LIMIT 1",
        params![PLATFORM],
        |row| row.text(0),
    )?)
}

fn insert(tx: &mut Tx, keys: &KeyFile, ctx: &Ctx, new: &NewKey) -> Result<()> {
    tx.execute(
        "UPDATE signing_keys SET retired_at = $1 WHERE tenant = $2 AND retired_at IS NULL",
        params![ctx.now, PLATFORM],
    )?;
    tx.execute(
        "INSERT INTO signing_keys (tenant, kid, modulus, exponent, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        params![PLATFORM, &new.kid, &new.modulus, &new.exponent, ctx.now],
    )?;
    db::put_secret(tx, keys, PLATFORM, &secret_name(&new.kid), &new.private, ctx.now)?;
    let payload = json!({"kid": new.kid});
    db::event::append(tx, ctx, PLATFORM, "signing-key.created", &new.kid, &payload)?;
    Ok(())
}

fn secret_name(kid: &str) -> String {
    format!("signing-key/{kid}")
}

impl NewKey {
    /// OpenID SSF's interoperability profile wants RS256 with 2048 bits or more.
    fn make() -> Result<Self> {
        let failed = || Error::Io {
            doing: "No key could be made to sign tokens with.".into(),
            source: std::sync::Arc::new(std::io::Error::other("key generation failed")),
        };
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| failed())?;
        let private: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| failed())?;
        let (n, e) = public_numbers(pair.public_key().as_ref()).ok_or_else(failed)?;
        let (modulus, exponent) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        // RFC 7638: the thumbprint is a name that nobody has to hand out.
        let canonical = json!({"e": exponent, "kty": "RSA", "n": modulus}).to_string();
        let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical));
        Ok(Self { kid, modulus, exponent, private: private.as_ref().to_vec() })
    }
}

/// Modulus and exponent of a public key (RFC 8017 A.1.1: a sequence of two integers), without the zero
/// that keeps an integer positive.
fn public_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (0x30, sequence, []) = element(der)? else { return None };
    let (0x02, modulus, rest) = element(sequence)? else { return None };
    let (0x02, exponent, _) = element(rest)? else { return None };
    Some((modulus.strip_prefix(&[0]).unwrap_or(modulus), exponent))
}

/// The first element of DER: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match usize::from(first) {
        short @ 0..=0x7f => (short, rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(long & 0x7f)?;
            let length = bytes.iter().try_fold(0_usize, |sum, byte| {
                sum.checked_mul(256)?.checked_add(usize::from(*byte))
            })?;
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
