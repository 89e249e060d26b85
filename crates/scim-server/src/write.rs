//! POST, PUT, PATCH and DELETE of a resource (RFC 7644 3.3, 3.5, 3.6).

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use scim::{Error, PatchRequest, Resource, ResourceType};

use crate::body::Incoming;
use crate::store::{Command, Committed, Operation, Outcome, Store};
use crate::trace::Trace;
use crate::view::View;
use crate::{decode, request, respond};

/// POST `/Users`
pub(crate) async fn create<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    head: &Parts,
    body: &mut Incoming,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let view = View::of(&decode::parameters(head.uri.query())?, rt)?;
    let body = body.json(&head.headers).await?;
    let (resource, members, tolerated) = Resource::read(&body, rt, store.tolerances(caller))?;
    trace.tolerated.extend(tolerated);
    let view = view.after_write(rt, &resource);
    commit(store, caller, rt, trace, Operation::Create { resource, members }, view).await
}

/// PUT `/Users/{id}`
pub(crate) async fn replace<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    id: String,
    head: &Parts,
    body: &mut Incoming,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let view = View::of(&decode::parameters(head.uri.query())?, rt)?;
    let if_match = request::if_match(&head.headers);
    let body = body.json(&head.headers).await?;
    let (resource, members, tolerated) = Resource::read(&body, rt, store.tolerances(caller))?;
    trace.tolerated.extend(tolerated);
    let view = view.after_write(rt, &resource);
    commit(store, caller, rt, trace, Operation::Replace { id, resource, members, if_match }, view)
        .await
}

/// PATCH `/Users/{id}`
pub(crate) async fn patch<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    id: String,
    head: &Parts,
    body: &mut Incoming,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let view = View::of(&decode::parameters(head.uri.query())?, rt)?;
    let if_match = request::if_match(&head.headers);
    let body = body.json(&head.headers).await?;
    let (request, tolerated) = PatchRequest::read(&body, rt, store.tolerances(caller))?;
    trace.tolerated.extend(tolerated);
    commit(store, caller, rt, trace, Operation::Patch { id, request, if_match }, view).await
}

/// DELETE `/Users/{id}`. A body, which RFC 9110 9.3.5 gives no meaning, is not looked at.
pub(crate) async fn delete<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    id: String,
    head: &Parts,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let if_match = request::if_match(&head.headers);
    commit(store, caller, rt, trace, Operation::Delete { id, if_match }, View::default()).await
}

async fn commit<S: Store>(
    store: &S,
    caller: &S::Caller,
    rt: &Arc<ResourceType>,
    trace: &mut Trace<S::Caller>,
    operation: Operation,
    view: View,
) -> Result<Response<Body>, Error> {
    let tolerated = trace.tolerated.clone();
    let command = Command { resource_type: rt.clone(), operation, view: view.clone(), tolerated };
    let Outcome { committed, tolerated } = store.commit(caller, command).await?;
    trace.tolerated.extend(tolerated);
    let base_url = store.base_url();
    Ok(match committed {
        Committed::Created(stored) => {
            respond::resource(StatusCode::CREATED, base_url, rt, stored, &view)
        }
        Committed::Updated(stored) => {
            respond::resource(StatusCode::OK, base_url, rt, stored, &view)
        }
        Committed::Unshown { version, .. } => respond::no_content(Some(version)),
        Committed::Deleted => respond::no_content(None),
    })
}
