//! GET of a resource, GET of a list, and search by POST (RFC 7644 3.4).

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use scim::{Error, PageLimits, Query, ResourceType, Version};
use serde_json::Value;

use crate::limits::{PAGE_COUNT_DEFAULT, PAGE_COUNT_MAX};
use crate::store::Store;
use crate::trace::Trace;
use crate::view::View;
use crate::{decode, request, respond};

/// How large pages are.
pub(crate) const LIMITS: PageLimits =
    PageLimits { count_default: PAGE_COUNT_DEFAULT, count_max: PAGE_COUNT_MAX };

/// GET `/Users/{id}`
pub(crate) async fn resource<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    id: &str,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Response<Body>, Error> {
    let view = View::of(&decode::parameters(query)?, rt)?;
    let (tied, seen) = (request::if_match(headers), request::if_none_match(headers));
    let stored = store.get(caller, rt, id, &view).await?;
    // RFC 9110 13.1.1: a condition that is false keeps the method from being performed.
    if tied.is_some_and(|tied| !tied.allows(Version(stored.version))) {
        return Err(Error::precondition_failed(format!(
            "{} `{id}` is at version {} and another was asked for.",
            rt.name,
            Version(stored.version).etag()
        )));
    }
    if seen.is_some_and(|seen| seen.has(Version(stored.version))) {
        return Ok(respond::not_modified(stored.version));
    }
    Ok(respond::resource(StatusCode::OK, store.base_url(), rt, stored, &view))
}

/// GET `/Users`
pub(crate) async fn list<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    parameters: &[(String, String)],
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let (query, tolerated) = Query::parse(parameters, rt, store.tolerances(caller), &LIMITS)?;
    trace.tolerated.extend(tolerated);
    page(store, caller, rt, query).await
}

/// POST `/Users/.search`
pub(crate) async fn search<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    body: &Value,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let (query, tolerated) = Query::read(body, rt, store.tolerances(caller), &LIMITS)?;
    trace.tolerated.extend(tolerated);
    page(store, caller, rt, query).await
}

async fn page<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    query: Query,
) -> Result<Response<Body>, Error> {
    let view = View::through(query.projection.clone(), rt);
    let page = store.page(caller, rt, &query, &view).await?;
    Ok(respond::list(rt, query.start_index, page, &view))
}
