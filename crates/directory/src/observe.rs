//! Observing: what accounts and groups an application has, page by page.
//!
//! A list is believed in what it shows. What it does not show is asked for by id before it is taken
//! to be gone, since paging may be ignored or cut short; nothing is ever deactivated for being absent.

use std::collections::HashSet;

use db::{Ctx, params};
use lifecycle::{ApplicationProfile, Quirk, RemoteAccount, RemoteGroup, RemoteId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::application::StoredApplication;
use crate::client::{Failure, ListPage};
use crate::directory::SCOPE;
use crate::worker::{Connection, Trouble, Wire};
use crate::{Directory, Error, account, limits, pushed_group};

/// What an application was seen to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Observation {
    /// Pages read.
    pub pages: u64,
    /// Accounts seen.
    pub accounts: u64,
    /// Groups seen.
    pub groups: u64,
    /// Accounts and groups that were ours and are not there any more.
    pub gone: u64,
    /// Whether both lists showed everything there is, as far as they say.
    pub complete: bool,
    /// Requests it took.
    pub requests: u64,
}

/// How far something has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// So many are done
    pub done: u64,
    /// of so many; 0: nobody knows yet.
    pub total: u64,
    /// Of what.
    pub what: &'static str,
}

/// A list while it is read.
struct Pages {
    endpoint: &'static str,
    excluded: Option<&'static str>,
    page_size: u64,
    start_index: u64,
    seen: HashSet<RemoteId>,
    total: Option<u64>,
    count: u64,
    ended: bool,
    complete: bool,
}

type Row = (RemoteId, Map<String, Value>);

impl Directory {
    /// Lists the accounts and groups of an application and stores what was seen.
    ///
    /// # Errors
    /// No such application; it cannot be asked.
    pub async fn observe(
        &self,
        ctx: &Ctx,
        app: &str,
        progress: &dyn Fn(Progress),
    ) -> Result<Observation, Error> {
        let application = self.application(app)?;
        let connection = self.connection(&application)?;
        self.observe_over(ctx, &application, &connection, progress).await
    }

    /// The connection to an application.
    pub(crate) fn connection(&self, application: &StoredApplication) -> Result<Connection, Error> {
        let profile = application.config.application_profile()?;
        Ok(Connection::new(self.client(application)?, &profile))
    }

    /// Lists the accounts and groups of an application over a connection that is there.
    pub(crate) async fn observe_over<P: Fn(Progress) + ?Sized>(
        &self,
        ctx: &Ctx,
        application: &StoredApplication,
        connection: &Connection,
        progress: &P,
    ) -> Result<Observation, Error> {
        let before = connection.request_count();
        let mut seen = self
            .list_everything(ctx, application, connection, progress)
            .await
            .map_err(|trouble| trouble.of(application))?;
        seen.requests = connection.request_count() - before;
        let (ctx, id, name) =
            (ctx.clone(), application.id.clone(), application.config.name.clone());
        self.db
            .write_async(SCOPE, move |tx| {
                tx.execute(
                    "UPDATE applications SET observed_at = $1 WHERE id = $2",
                    params![ctx.now, id.as_str()],
                )?;
                let payload = serde_json::to_value(seen).unwrap_or_default();
                db::event::append(tx, &ctx, SCOPE, "application.observed", &name, &payload)?;
                Ok::<_, Error>(())
            })
            .await?;
        Ok(seen)
    }

    async fn list_everything<P: Fn(Progress) + ?Sized>(
        &self,
        ctx: &Ctx,
        application: &StoredApplication,
        connection: &Connection,
        progress: &P,
    ) -> Result<Observation, Trouble> {
        let profile = application.config.application_profile()?;
        let mut wire = connection.wire();
        let mut users = Pages::new("Users", None, &profile);
        while let Some(rows) = users.next(&mut wire).await? {
            self.store_accounts(ctx, application, &profile, rows).await?;
            users.tell(progress, "accounts");
        }
        // Members are not asked for: a group of thousands would be one huge answer.
        let mut groups = Pages::new("Groups", Some("members"), &profile);
        while let Some(rows) = groups.next(&mut wire).await? {
            self.store_groups(ctx, application, rows).await?;
            groups.tell(progress, "groups");
        }
        let mut gone = 0;
        if users.complete {
            let (id, now) = (application.id.clone(), ctx.now);
            self.db
                .write_async(SCOPE, move |tx| account::forget_unlinked_before(tx, &id, now))
                .await?;
            gone += self.verify_accounts(ctx, application, &users.seen, &mut wire).await?;
        }
        if groups.complete {
            let (id, now) = (application.id.clone(), ctx.now);
            self.db
                .write_async(SCOPE, move |tx| pushed_group::forget_unlinked_before(tx, &id, now))
                .await?;
            gone += self.verify_groups(application, &groups.seen, &mut wire).await?;
        }
        Ok(Observation {
            pages: users.count + groups.count,
            accounts: users.seen.len() as u64,
            groups: groups.seen.len() as u64,
            gone,
            complete: users.complete && groups.complete,
            requests: 0,
        })
    }

    async fn store_accounts(
        &self,
        ctx: &Ctx,
        application: &StoredApplication,
        profile: &ApplicationProfile,
        rows: Vec<Row>,
    ) -> Result<(), Error> {
        let (id, now) = (application.id.clone(), ctx.now);
        let user_type = application.config.user_type();
        // A row of an incomplete list does not say what an account of ours looks like.
        let whole = !profile.has(Quirk::ListsAreIncomplete);
        let accounts: Vec<RemoteAccount> = rows
            .into_iter()
            .map(|(remote_id, body)| RemoteAccount {
                remote_id,
                resource: account::read(&body, &user_type),
            })
            .collect();
        self.db
            .write_async(SCOPE, move |tx| {
                for account in &accounts {
                    let observed = whole.then_some(&account.resource);
                    if account::observe(tx, &id, &account.remote_id, observed, now)? {
                        account::forget_unlinked(tx, &id, &account.remote_id)?;
                    } else {
                        account::put_unlinked(tx, &id, account, now)?;
                    }
                }
                Ok(())
            })
            .await
    }

    async fn store_groups(
        &self,
        ctx: &Ctx,
        application: &StoredApplication,
        rows: Vec<Row>,
    ) -> Result<(), Error> {
        let (id, now) = (application.id.clone(), ctx.now);
        let groups: Vec<RemoteGroup> = rows.into_iter().filter_map(remote_group).collect();
        self.db
            .write_async(SCOPE, move |tx| {
                groups.iter().try_for_each(|group| pushed_group::put_unlinked(tx, &id, group, now))
            })
            .await
    }

    /// Asks for the accounts that are ours and were not shown. Says how many are gone.
    async fn verify_accounts(
        &self,
        ctx: &Ctx,
        application: &StoredApplication,
        seen: &HashSet<RemoteId>,
        wire: &mut Wire<'_>,
    ) -> Result<u64, Trouble> {
        let accounts = self.db.read(|r| account::standings(r, &application.id))?;
        let unseen: Vec<_> = accounts
            .into_iter()
            .filter_map(|account| Some((account.person, account.remote_id?)))
            .filter(|(_, remote_id)| !seen.contains(remote_id))
            .take(limits::VERIFY_COUNT_MAX)
            .collect();
        let mut gone = 0;
        for (person, remote_id) in unseen {
            if !is_gone(wire.get("Users", remote_id.as_str()).await)? {
                continue;
            }
            gone += 1;
            let (ctx, id) = (ctx.clone(), application.id.clone());
            self.db
                .write_async(SCOPE, move |tx| {
                    account::mark_gone(tx, &ctx, &id, &person)?;
                    let payload = json!({ "application_id": id.as_str(), "remote_id": remote_id });
                    let subject = person.as_str();
                    db::event::append(tx, &ctx, SCOPE, "account.gone", subject, &payload)?;
                    Ok::<_, Error>(())
                })
                .await?;
        }
        Ok(gone)
    }

    /// Asks for the groups that are ours and were not shown. Says how many are gone.
    async fn verify_groups(
        &self,
        application: &StoredApplication,
        seen: &HashSet<RemoteId>,
        wire: &mut Wire<'_>,
    ) -> Result<u64, Trouble> {
        let groups = self.db.read(|r| pushed_group::all(r, &application.id))?;
        let mut gone = 0;
        for group in groups {
            let Some(remote_id) = group.linked().filter(|id| !seen.contains(*id)) else {
                continue;
            };
            if is_gone(wire.get("Groups", remote_id.as_str()).await)? {
                gone += 1;
                let (id, group) = (application.id.clone(), group.group.clone());
                let reason = "a complete list did not show it, and it does not exist there";
                self.db
                    .write_async(SCOPE, move |tx| pushed_group::mark_gone(tx, &id, &group, reason))
                    .await?;
            }
        }
        Ok(gone)
    }
}

impl Pages {
    fn new(
        endpoint: &'static str,
        excluded: Option<&'static str>,
        profile: &ApplicationProfile,
    ) -> Self {
        Self {
            endpoint,
            excluded,
            page_size: u64::from(profile.page_size.max(1)),
            start_index: 1,
            seen: HashSet::new(),
            total: None,
            count: 0,
            ended: false,
            complete: !profile.has(Quirk::PagingIgnored),
        }
    }

    /// The resources of the next page that were not on an earlier one. None: there are no more.
    async fn next(&mut self, wire: &mut Wire<'_>) -> Result<Option<Vec<Row>>, Trouble> {
        if self.ended || self.count == limits::LIST_PAGE_COUNT_MAX {
            self.complete &= self.ended;
            return Ok(None);
        }
        let place = (self.start_index, self.page_size);
        let page = self.ask(wire, place).await?;
        self.count += 1;
        self.total = page.total.or(self.total);
        let received = page.resources.len() as u64;
        let new: Vec<Row> = page
            .resources
            .into_iter()
            .filter_map(|body| Some((account::remote_id(&body)?, body)))
            .filter(|(id, _)| self.seen.insert(id.clone()))
            .collect();
        let seen = self.seen.len() as u64;
        let all = match self.total {
            Some(total) => seen >= total,
            None => received < self.page_size,
        };
        // A page that brings nothing new ends the list, whatever the application says there is.
        self.ended = all || new.is_empty();
        self.complete &= all || !self.ended;
        self.start_index += received;
        Ok(Some(new))
    }

    /// Asks for a page; what may pass by itself is waited for, so that a long list is not begun anew.
    async fn ask(&self, wire: &mut Wire<'_>, place: (u64, u64)) -> Result<ListPage, Trouble> {
        let mut attempt = 0;
        loop {
            let failure = match wire.list(self.endpoint, place, self.excluded).await {
                Err(Trouble::Failed(failure)) if failure.is_passing() => failure,
                answer => return answer,
            };
            attempt += 1;
            match wire.patience(&failure, attempt) {
                Some(wait) if attempt < limits::LIST_ATTEMPT_COUNT_MAX => {
                    tokio::time::sleep(wait).await;
                    wire.reopen();
                }
                _ => return Err(failure.into()),
            }
        }
    }

    fn tell<P: Fn(Progress) + ?Sized>(&self, progress: &P, what: &'static str) {
        let done = self.seen.len() as u64;
        progress(Progress { done, total: self.total.unwrap_or(done).max(done), what });
    }
}

impl Trouble {
    /// The trouble as an error of an operation on that application.
    pub(crate) fn of(self, application: &StoredApplication) -> Error {
        let name = application.config.name.clone();
        match self {
            Self::Internal(error) => error,
            Self::Failed(failure) => Error::Application { application: name, failure },
            Self::NotNow => Error::Application {
                application: name,
                failure: Failure::NotSent { reason: "the run has stopped".into() },
            },
        }
    }
}

fn is_gone(answer: Result<Map<String, Value>, Trouble>) -> Result<bool, Trouble> {
    match answer {
        Ok(_) => Ok(false),
        Err(Trouble::Failed(Failure::NotFound { .. })) => Ok(true),
        Err(trouble) => Err(trouble),
    }
}

fn remote_group((remote_id, body): Row) -> Option<RemoteGroup> {
    let display_name = body.get("displayName")?.as_str()?.to_string();
    Some(RemoteGroup { remote_id, display_name, members: None })
}
