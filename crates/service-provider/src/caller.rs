//! Who sends a request: the token it carries, and with it the tenant.
//!
//! What a token stands for is kept in memory under its digest, and believed only while one
//! generation row says that no token has changed since, so a revocation made anywhere
//! bites at the next request everywhere.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use db::{Ctx, Read, params};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::limits::CALLER_COUNT_MAX;
use crate::provider::{PLATFORM, ServiceProvider};
use crate::tenant::TenantId;
use crate::token::{self, Scope, Token};
use crate::{Error, Result};

/// The generation that rises when a token changes.
pub(crate) const GENERATION: &str = "callers";

/// An authenticated client.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    token: Token,
    successor: bool,
    last_used_micros: AtomicI64,
}

/// Why a request has no caller. Each reason has its own sentence, since a person will read it in
/// the directory's error log and must know what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// There is no bearer token.
    #[error(
        "No bearer token was sent. Send the header `Authorization: Bearer <token>`; `muster token create` makes a token."
    )]
    Missing,
    /// The text is no token of this server.
    #[error(
        "The bearer token is not one of this server's: it is mistyped, cut short, or meant for another. Paste it again, or make one with `muster token create`."
    )]
    Malformed,
    /// The token is well formed but not known.
    #[error(
        "The bearer token is not known here: it was made on another installation, or its tenant is gone. Make one with `muster token create`."
    )]
    Unknown,
    /// The token's time is over.
    #[error("The token expired on {on}; {}", if *.successor { "it was rotated: give the client the newer one." } else { "make a new one with `muster token rotate` and give it to the client." })]
    Expired {
        /// The day, in UTC.
        on: jiff::civil::Date,
        /// Whether another token has taken over.
        successor: bool,
    },
    /// The token was revoked.
    #[error(
        "The token was revoked on {on}; make a new one with `muster token create` if the client is still to have access."
    )]
    Revoked {
        /// The day, in UTC.
        on: jiff::civil::Date,
    },
}

impl From<Unauthenticated> for scim::Error {
    fn from(reason: Unauthenticated) -> Self {
        Self::new(401, reason.to_string())
    }
}

impl Caller {
    /// The tenant whose data the caller may see.
    pub fn tenant(&self) -> &TenantId {
        &self.0.token.tenant
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.0.token
    }

    /// Refuses with a 403 what the token is not meant for.
    pub fn require(&self, scope: Scope) -> Result<()> {
        let token = self.token();
        if token.scopes.allow(scope) {
            return Ok(());
        }
        Err(scim::Error::new(
            403,
            format!(
                "The token `{}` is not meant for this: it has the scopes `{}` and `{}` is needed.",
                token.name,
                token.scopes,
                scope.as_str()
            ),
        )
        .into())
    }

    /// The context of what the caller does at this moment.
    pub fn ctx(&self, cause: impl Into<String>, now: Timestamp) -> Ctx {
        Ctx { actor: format!("token:{}", self.token().name), cause: cause.into(), now }
    }
}

/// The callers kept in memory.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    cache: RwLock<Cache>,
    // Moments of use of callers that were dropped from the cache before they were written down.
    used: Mutex<HashMap<(TenantId, String), i64>>,
}

#[derive(Debug, Default)]
struct Cache {
    generation: i64,
    callers: HashMap<[u8; 32], Caller>,
}

impl ServiceProvider {
    /// The caller a bearer token stands for at this moment.
    pub fn authenticate(&self, bearer: Option<&str>) -> Result<Result<Caller, Unauthenticated>> {
        let Some(secret) = bearer else { return Ok(Err(Unauthenticated::Missing)) };
        let Some(digest) = token::digest(secret) else {
            return Ok(Err(Unauthenticated::Malformed));
        };
        let callers = self.callers();
        let found = self.db().read(|r| {
            let generation = db::generation::generation(r, PLATFORM, GENERATION)?;
            if let Some(caller) = callers.cached(generation, &digest) {
                return Ok::<_, Error>(Some(caller));
            }
            let found = look_up(r, &digest)?;
            if let Some(caller) = &found {
                callers.remember(generation, digest, caller.clone());
            }
            Ok(found)
        })?;
        let Some(caller) = found else { return Ok(Err(Unauthenticated::Unknown)) };
        let now = self.clock().now();
        Ok(caller.check(now).map(|()| caller))
    }

    /// Writes down when each token was last used.
    pub fn flush_last_used(&self) -> Result<()> {
        let used = self.callers().take_used();
        if used.is_empty() {
            return Ok(());
        }
        self.db().write(PLATFORM, move |tx| {
            for ((tenant, id), at) in &used {
                // Another node may have seen it later.
                tx.execute(
                    "UPDATE tokens SET last_used_at = $1 WHERE tenant = $2 AND id = $3 \
                     AND (last_used_at IS NULL OR last_used_at < $1)",
                    params![*at, tenant, id],
                )?;
            }
            Ok(())
        })
    }
}

impl Caller {
    fn check(&self, now: Timestamp) -> Result<(), Unauthenticated> {
        let token = self.token();
        let day = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
        if let Some(at) = token.revoked_at {
            return Err(Unauthenticated::Revoked { on: day(at) });
        }
        if let Some(at) = token.expires_at.filter(|end| *end <= now) {
            return Err(Unauthenticated::Expired { on: day(at), successor: self.0.successor });
        }
        self.0.last_used_micros.store(now.as_microsecond(), Ordering::Relaxed);
        Ok(())
    }
}

impl Callers {
    fn cached(&self, generation: i64, digest: &[u8; 32]) -> Option<Caller> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        if cache.generation != generation {
            return None;
        }
        let (known, caller) = cache.callers.get_key_value(digest)?;
        verify_slices_are_equal(known, digest).is_ok().then(|| caller.clone())
    }

    fn remember(&self, generation: i64, digest: [u8; 32], caller: Caller) {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody who read a later generation was here first: this caller may be out of date.
        if cache.generation > generation {
            return;
        }
        if cache.generation < generation || cache.callers.len() >= CALLER_COUNT_MAX {
            let dropped = std::mem::take(&mut cache.callers);
            cache.generation = generation;
            self.keep_used(dropped.values());
        }
        cache.callers.insert(digest, caller);
    }

    fn keep_used<'a>(&self, callers: impl Iterator<Item = &'a Caller>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for caller in callers {
            let at = caller.0.last_used_micros.swap(0, Ordering::Relaxed);
            if at != 0 {
                let token = caller.token();
                used.insert((token.tenant.clone(), token.id.clone()), at);
            }
        }
    }

    fn take_used(&self) -> HashMap<(TenantId, String), i64> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        self.keep_used(cache.callers.values());
        drop(cache);
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn look_up(r: &mut Read, digest: &[u8; 32]) -> Result<Option<Caller>> {
    let sql = format!(
        "SELECT {}, t.digest, \
         EXISTS (SELECT 1 FROM tokens s WHERE s.tenant = t.tenant AND s.rotated_from = t.id) \
         FROM tokens t WHERE t.digest = $1",
        token::COLUMNS
    );
    let found = r.query_opt(&sql, params![&digest[..]], |row| {
        let facts = Facts {
            token: token::read_row(row)?,
            successor: row.bool(13)?,
            last_used_micros: AtomicI64::new(0),
        };
        Ok((row.blob(12)?, Caller(Arc::new(facts))))
    })?;
    Ok(found.and_then(|(stored, caller)| {
        verify_slices_are_equal(&stored, digest).is_ok().then_some(caller)
    }))
}
