//! The SCIM endpoints' store: one tenant's users and groups, whichever the token opens.
//!
//! `get` and `page` read, `prefilter` says what an index may be asked and `candidates` asks it,
//! `waypoint` remembers places in long lists, `commit` hands every write to the one write path of
//! its noun, `shown` makes what clients see.

mod candidates;
mod commit;
mod page;
mod prefilter;
mod read;
mod record;
pub(crate) mod shown;
mod waypoint;

use std::ops::Deref;
use std::sync::Arc;

use scim::{
    AuthenticationScheme, BulkSupport, Error as ScimError, Pagination, Query, ResourceType,
    SecurityEvents, ServiceProviderConfig, Tolerances,
};
use scim_server::limits::{
    BULK_OPERATION_COUNT_MAX, BULK_PAYLOAD_BYTES_MAX, PAGE_COUNT_DEFAULT, PAGE_COUNT_MAX,
};
use scim_server::{Command, Outcome, Page, RequestRecord, Step, Store, Stored, View};

use crate::caller::Caller;
use crate::counter::{Kind, TypeKey};
use crate::provider::ServiceProvider;
use crate::schema::TenantTypes;
use crate::token::Scope;
use crate::webhook::EVENT_URIS;

pub(crate) use waypoint::Waypoints;

/// The store behind `/scim2`.
#[derive(Clone)]
pub(crate) struct ScimStore {
    provider: ServiceProvider,
}

impl ScimStore {
    pub(crate) fn new(provider: ServiceProvider) -> Self {
        Self { provider }
    }
}

/// Who sends a request, and the resource types of their tenant as they were when it came.
#[derive(Debug, Clone)]
pub(crate) struct ScimCaller {
    caller: Caller,
    types: Arc<TenantTypes>,
}

impl Deref for ScimCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl ScimCaller {
    /// The view, in which nothing that is stored and not returned by default gets out as text.
    fn view(&self, rt: &ResourceType, view: &View) -> View {
        if self.types.hides(rt) { view.clone().narrowed() } else { view.clone() }
    }
}

/// Which of the tables a resource type is in.
fn kind(rt: &ResourceType) -> Kind {
    match rt.name.as_str() {
        "User" => Kind::Users,
        "Group" => Kind::Groups,
        // A name that is no key was never taken in.
        name => TypeKey::of(name).map_or(Kind::Users, Kind::Resources),
    }
}

impl Store for ScimStore {
    type Caller = ScimCaller;

    fn base_url(&self) -> &str {
        self.provider.base_url()
    }

    async fn authenticate(&self, bearer: Option<&str>) -> Result<ScimCaller, ScimError> {
        let caller = self.provider.authenticate(bearer).map_err(|error| error.to_scim())??;
        let types = self.provider.types_of(caller.tenant()).map_err(|error| error.to_scim())?;
        Ok(ScimCaller { caller, types })
    }

    fn resource_types<'a>(&'a self, caller: &'a ScimCaller) -> &'a [Arc<ResourceType>] {
        caller.types.all()
    }

    fn tolerances<'a>(&'a self, caller: &'a ScimCaller) -> &'a Tolerances {
        caller.token().dialect.tolerances()
    }

    fn config(&self, _: &ScimCaller) -> ServiceProviderConfig {
        ServiceProviderConfig {
            documentation_uri: None,
            patch: true,
            bulk: Some(BulkSupport {
                operation_count_max: BULK_OPERATION_COUNT_MAX,
                payload_bytes_max: BULK_PAYLOAD_BYTES_MAX,
            }),
            filter_result_count_max: Some(PAGE_COUNT_MAX),
            change_password: false,
            sort: true,
            etag: true,
            pagination: Some(Pagination {
                cursor: false,
                index: true,
                default_page_size: PAGE_COUNT_DEFAULT,
                max_page_size: PAGE_COUNT_MAX,
                cursor_timeout_secs: None,
            }),
            security_events: Some(SecurityEvents {
                event_uris: EVENT_URIS.iter().map(ToString::to_string).collect(),
            }),
            authentication_schemes: vec![AuthenticationScheme::bearer_token()],
        }
    }

    async fn get(
        &self,
        caller: &ScimCaller,
        rt: &Arc<ResourceType>,
        id: &str,
        view: &View,
    ) -> Result<Stored, ScimError> {
        let view = &caller.view(rt, view);
        let found = caller.require(Scope::ScimRead).and_then(|()| {
            self.provider
                .db()
                .read(|r| read::one(r, self.base_url(), caller.tenant(), rt, id, view))
        });
        found.map_err(|error| error.to_scim())?.ok_or_else(|| ScimError::not_found(&rt.name, id))
    }

    async fn page(
        &self,
        caller: &ScimCaller,
        rt: &Arc<ResourceType>,
        query: &Query,
        view: &View,
    ) -> Result<Page, ScimError> {
        caller.require(Scope::ScimRead).map_err(|error| error.to_scim())?;
        let page =
            page::page(&self.provider, caller.tenant(), rt, query, &caller.view(rt, view)).await;
        page.map_err(|error| error.to_scim())
    }

    async fn commit(&self, caller: &ScimCaller, command: Command) -> Result<Outcome, ScimError> {
        caller.require(Scope::ScimWrite).map_err(|error| error.to_scim())?;
        let outcome = commit::commit(&self.provider, caller, command).await;
        outcome.map_err(|error| error.to_scim())
    }

    async fn commit_together(
        &self,
        caller: &ScimCaller,
        steps: Vec<Step>,
    ) -> Result<Vec<Outcome>, (usize, ScimError)> {
        caller.require(Scope::ScimWrite).map_err(|error| (0, error.to_scim()))?;
        commit::commit_together(&self.provider, caller, steps).await
    }

    fn subject(&self, caller: &ScimCaller) -> Result<(Arc<ResourceType>, String), ScimError> {
        let token = caller.token();
        let subject = token.subject.clone().ok_or_else(|| {
            ScimError::new(
                501,
                format!(
                    "The token `{}` stands for no user, so there is nobody at /Me. Make one that \
                     does: `muster token create --subject USERNAME`.",
                    token.name
                ),
            )
        });
        Ok((caller.types.users().clone(), subject?))
    }

    fn log(&self, caller: Option<&ScimCaller>, record: RequestRecord) {
        self.provider.request_log().note(
            caller.map(|caller| &caller.caller),
            record,
            self.provider.clock().now(),
        );
    }
}
