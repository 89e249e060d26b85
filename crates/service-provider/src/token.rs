//! Bearer tokens: printed once, stored as a digest, with an end, a last use, and a successor.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use db::{Ctx, Read, Row, Tx, params};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::caller;
use crate::dialect::Dialect;
use crate::limits::TOKEN_COUNT_MAX;
use crate::provider::{PLATFORM, ServiceProvider};
use crate::tenant::{TenantId, check_name};
use crate::{Error, Result};

const PREFIX: &str = "mst_";
const SECRET_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;

/// What is known of a token; not the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The tenant it opens.
    pub tenant: TenantId,
    /// Its identifier.
    pub id: String,
    /// What people call it: `okta`. A token and its successors share it.
    pub name: String,
    /// Whose manners are expected.
    pub dialect: Dialect,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, written down about once a minute.
    pub last_used_at: Option<Timestamp>,
    /// The token it took over from.
    pub rotated_from: Option<String>,
    /// The user it stands for, by id: the one at `/Me` (RFC 7644 3.11).
    pub subject: Option<String>,
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

/// One thing a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Reading over SCIM.
    ScimRead,
    /// Writing over SCIM.
    ScimWrite,
    /// The lifecycle REST endpoints at `/v2`.
    Lifecycle,
    /// Reading what happened: the feed of events, and security event tokens by poll.
    EventsRead,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// Whose manners are expected.
    pub dialect: Dialect,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// The user it stands for, by id or `userName`.
    pub subject: Option<String>,
}

impl NewToken {
    /// A token of this name for any client and any use, without an end.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            dialect: Dialect::Any,
            scopes: Scopes::ALL,
            expires_at: None,
            subject: None,
        }
    }
}

/// A token that has just been made: the only moment its text is known. Debug output leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// What is kept of it.
    pub token: Token,
    /// The text a client sends as its bearer token. It cannot be shown again.
    pub secret: String,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("token", &self.token).finish_non_exhaustive()
    }
}

impl Token {
    /// Whether it opens anything at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::ScimRead, Self::ScimWrite, Self::Lifecycle, Self::EventsRead];

    /// The name in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScimRead => "scim:read",
            Self::ScimWrite => "scim:write",
            Self::Lifecycle => "lifecycle",
            Self::EventsRead => "events:read",
        }
    }
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self(0b1111);

    /// These.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | Self::bit(scope)))
    }

    /// Whether this one is among them.
    pub fn allow(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    /// The scopes of these names, separated by spaces.
    pub fn parse(names: &str) -> Option<Self> {
        let find = |name: &str| Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
        names.split_whitespace().map(find).collect::<Option<Vec<_>>>().map(Self::of)
    }

    fn bit(scope: Scope) -> u8 {
        match scope {
            Scope::ScimRead => 0b001,
            Scope::ScimWrite => 0b010,
            Scope::Lifecycle => 0b100,
            Scope::EventsRead => 0b1000,
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = Scope::ALL.into_iter().filter(|scope| self.allow(*scope));
        f.write_str(&held.map(Scope::as_str).collect::<Vec<_>>().join(" "))
    }
}

impl ServiceProvider {
    /// Makes a token for a tenant. Its text is in the answer and nowhere else.
    pub fn create_token(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        new: &NewToken,
    ) -> Result<IssuedToken> {
        check_name("token", &new.name)?;
        let issued = issue(ctx, tenant, new, None)?;
        let ctx = ctx.clone();
        self.db().write(tenant.turn(), move |tx| {
            let mut issued = issued.clone();
            let token = &mut issued.token;
            if crate::tenant::find(tx, token.tenant.as_str())?.is_none() {
                return Err(Error::not_found("tenant", token.tenant.as_str()));
            }
            let valid: Vec<_> = list(tx, &token.tenant)?.into_iter().filter(|old| old.is_valid(ctx.now)).collect();
            if valid.iter().any(|old| old.name == token.name) {
                return Err(Error::refused(format!(
                    "There is already a valid token `{}`. Rotate or revoke it, or choose another name.",
                    token.name
                )));
            }
            if u64::try_from(valid.len()).unwrap_or(u64::MAX) >= TOKEN_COUNT_MAX {
                return Err(Error::refused(format!(
                    "The tenant has {TOKEN_COUNT_MAX} valid tokens, and more are not allowed. Revoke one first."
                )));
            }
            if let Some(subject) = &token.subject {
                let user = crate::user::find(tx, &token.tenant, subject)?;
                token.subject = Some(user.id);
            }
            insert(tx, &issued)?;
            let token = &issued.token;
            let payload = json!({
                "name": token.name,
                "dialect": token.dialect.as_str(),
                "scopes": token.scopes.to_string(),
                "subject": token.subject,
            });
            db::event::append(tx, &ctx, token.tenant.as_str(), "token.created", &token.id, &payload)?;
            Ok(issued)
        })
    }

    /// The tokens of a tenant, newest first.
    pub fn tokens(&self, tenant: &TenantId) -> Result<Vec<Token>> {
        self.db().read(|r| list(r, tenant))
    }

    /// Makes a successor of a token (named by name or id). The old one stays valid for `overlap`,
    /// so that the client can be given the new one without an outage. Without `expires_at` the
    /// successor lives as long as the old one was made to.
    pub fn rotate_token(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        name_or_id: &str,
        overlap: SignedDuration,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedToken> {
        let old = self.db().read(|r| find(r, tenant, name_or_id))?;
        let after = |moment: Timestamp, lives: SignedDuration| {
            // An end beyond the calendar is the end of the calendar.
            moment.checked_add(lives).unwrap_or(Timestamp::MAX)
        };
        let inherited =
            old.expires_at.map(|end| after(ctx.now, end.duration_since(old.created_at)));
        let new = NewToken {
            name: old.name.clone(),
            dialect: old.dialect,
            scopes: old.scopes,
            expires_at: expires_at.or(inherited),
            subject: old.subject.clone(),
        };
        let issued = issue(ctx, tenant, &new, Some(old.id.clone()))?;
        let (ctx, result) = (ctx.clone(), issued.clone());
        self.db().write(tenant.turn(), move |tx| {
            let now = find(tx, &old.tenant, &old.id)?;
            if now.revoked_at.is_some() {
                return Err(Error::refused(format!(
                    "The token `{}` is revoked. Create a new one.",
                    now.name
                )));
            }
            let end = after(ctx.now, overlap);
            let end = now.expires_at.map_or(end, |given| given.min(end));
            tx.execute(
                "UPDATE tokens SET expires_at = $1 WHERE tenant = $2 AND id = $3",
                params![end, &now.tenant, &now.id],
            )?;
            insert(tx, &issued)?;
            db::generation::bump(tx, PLATFORM, caller::GENERATION)?;
            let payload =
                json!({"name": now.name, "from": now.id, "oldExpiresAt": end.to_string()});
            db::event::append(
                tx,
                &ctx,
                now.tenant.as_str(),
                "token.rotated",
                &issued.token.id,
                &payload,
            )?;
            Ok(())
        })?;
        Ok(result)
    }

    /// Revokes a token (named by name or id): it opens nothing from this moment on, on any node.
    /// A name stands for every token that goes by it.
    pub fn revoke_token(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        name_or_id: &str,
    ) -> Result<Vec<Token>> {
        let (ctx, tenant, wanted) = (ctx.clone(), tenant.clone(), name_or_id.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let mut revoked = Vec::new();
            for mut token in list(tx, &tenant)? {
                if (token.name == wanted || token.id == wanted) && token.revoked_at.is_none() {
                    tx.execute(
                        "UPDATE tokens SET revoked_at = $1 WHERE tenant = $2 AND id = $3",
                        params![ctx.now, &tenant, &token.id],
                    )?;
                    db::event::append(
                        tx,
                        &ctx,
                        tenant.as_str(),
                        "token.revoked",
                        &token.id,
                        &json!({"name": token.name}),
                    )?;
                    token.revoked_at = Some(ctx.now);
                    revoked.push(token);
                }
            }
            if revoked.is_empty() {
                return Err(Error::not_found("token that is not revoked already,", &wanted));
            }
            db::generation::bump(tx, PLATFORM, caller::GENERATION)?;
            Ok(revoked)
        })
    }
}

/// The digest a token is found by; None if the text was never a token of ours (mistyped, cut
/// short, somebody else's), which its checksum tells without asking the database.
pub(crate) fn digest(secret: &str) -> Option<[u8; 32]> {
    let body = secret.strip_prefix(PREFIX)?;
    let bytes = URL_SAFE_NO_PAD.decode(body).ok()?;
    let (random, checksum) = bytes.split_at_checked(SECRET_BYTES)?;
    (checksum == &Sha256::digest(random)[..CHECKSUM_BYTES]).then(|| Sha256::digest(secret).into())
}

pub(crate) const COLUMNS: &str = "t.tenant, t.id, t.name, t.dialect, t.scopes, t.created_at, t.created_by, \
     t.expires_at, t.revoked_at, t.last_used_at, t.rotated_from, t.subject";

pub(crate) fn read_row(row: &Row) -> db::Result<Token> {
    let (dialect, scopes) = (row.text(3)?, row.text(4)?);
    Ok(Token {
        tenant: TenantId::new(row.text(0)?),
        id: row.text(1)?,
        name: row.text(2)?,
        dialect: Dialect::from_name(&dialect)
            .ok_or_else(|| db::Error::unreadable("A token's dialect", &dialect))?,
        scopes: Scopes::parse(&scopes)
            .ok_or_else(|| db::Error::unreadable("A token's scopes", &scopes))?,
        created_at: row.timestamp(5)?,
        created_by: row.text(6)?,
        expires_at: row.opt_timestamp(7)?,
        revoked_at: row.opt_timestamp(8)?,
        last_used_at: row.opt_timestamp(9)?,
        rotated_from: row.opt_text(10)?,
        subject: row.opt_text(11)?,
    })
}

fn list(r: &mut Read, tenant: &TenantId) -> Result<Vec<Token>> {
    let sql = format!("SELECT {COLUMNS} FROM tokens t WHERE t.tenant = $1 ORDER BY t.id DESC");
    Ok(r.query(&sql, params![tenant], read_row)?)
}

/// The token of this id, or the newest of this name.
fn find(r: &mut Read, tenant: &TenantId, name_or_id: &str) -> Result<Token> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tokens t WHERE t.tenant = $1 AND (t.id = $2 OR t.name = $2) ORDER BY t.id DESC LIMIT 1"
    );
    let found = r.query_opt(&sql, params![tenant, name_or_id], read_row)?;
    found.ok_or_else(|| Error::not_found("token", name_or_id))
}

fn issue(
    ctx: &Ctx,
    tenant: &TenantId,
    new: &NewToken,
    rotated_from: Option<String>,
) -> Result<IssuedToken> {
    if new.expires_at.is_some_and(|end| end <= ctx.now) {
        return Err(Error::refused("A token cannot end before it begins. Give a later moment."));
    }
    let mut bytes = [0_u8; SECRET_BYTES + CHECKSUM_BYTES];
    aws_lc_rs::rand::fill(&mut bytes[..SECRET_BYTES]).map_err(|_| Error::Io {
        doing: "The system gave no random numbers, so no token was made.".into(),
        source: std::sync::Arc::new(std::io::Error::other("the random generator failed")),
    })?;
    let checksum = Sha256::digest(&bytes[..SECRET_BYTES]);
    bytes[SECRET_BYTES..].copy_from_slice(&checksum[..CHECKSUM_BYTES]);
    let token = Token {
        tenant: tenant.clone(),
        id: db::new_id(),
        name: new.name.clone(),
        dialect: new.dialect,
        scopes: new.scopes,
        created_at: ctx.now,
        created_by: ctx.actor.clone(),
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
        rotated_from,
        subject: new.subject.clone(),
    };
    Ok(IssuedToken { token, secret: format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)) })
}

fn insert(tx: &mut Tx, issued: &IssuedToken) -> Result<()> {
    let token = &issued.token;
    let digest: [u8; 32] = Sha256::digest(&issued.secret).into();
    tx.execute(
        "INSERT INTO tokens (tenant, id, name, digest, dialect, scopes, created_at, created_by, expires_at, rotated_from, subject) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            &token.tenant,
            &token.id,
            &token.name,
            &digest[..],
            token.dialect.as_str(),
            token.scopes.to_string(),
            token.created_at,
            &token.created_by,
            token.expires_at,
            &token.rotated_from,
            &token.subject
        ],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> String {
        let ctx = Ctx { actor: "test".into(), cause: "test".into(), now: Timestamp::UNIX_EPOCH };
        issue(&ctx, &TenantId::new("t"), &NewToken::named("okta"), None).unwrap().secret
    }

    #[test]
    fn a_token_is_recognised_by_its_checksum() {
        let secret = secret();
        assert!(secret.starts_with("mst_") && secret.len() == 4 + 48, "{secret}");
        assert!(digest(&secret).is_some());
        for cut in 0..secret.len() {
            assert_eq!(digest(&secret[..cut]), None, "cut to {cut}");
        }
        let mistyped = secret.replacen(secret.chars().nth(10).unwrap(), "_", 1);
        assert!(mistyped == secret || digest(&mistyped).is_none());
        assert_eq!(digest(&format!("{secret}a")), None);
        assert_eq!(digest(&secret[4..]), None);
    }

    #[test]
    fn debug_output_does_not_show_the_text() {
        let ctx = Ctx { actor: "test".into(), cause: "test".into(), now: Timestamp::UNIX_EPOCH };
        let issued = issue(&ctx, &TenantId::new("t"), &NewToken::named("okta"), None).unwrap();
        assert!(!format!("{issued:?}").contains(&issued.secret));
    }

    #[test]
    fn scopes_have_names() {
        assert_eq!(Scopes::ALL.to_string(), "scim:read scim:write lifecycle events:read");
        assert_eq!(Scopes::parse("scim:read"), Some(Scopes::of([Scope::ScimRead])));
        assert_eq!(Scopes::parse("scim:everything"), None);
        assert!(!Scopes::of([Scope::ScimRead]).allow(Scope::ScimWrite));
    }
}
