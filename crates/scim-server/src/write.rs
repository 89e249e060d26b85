//! POST, PUT, PATCH and DELETE of a resource (RFC 7644 3.3, 3.5, 3.6): what they ask of the store,
//! and what is answered.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use scim::{Error, IfMatch, PatchRequest, Resource, ResourceType, Tolerances};
use serde_json::Value;

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
    request::check_unversioned(&head.headers)?;
    let tolerances = store.tolerances(caller);
    let body = body.json(&head.headers, tolerances, &mut trace.tolerated).await?;
    let command = create_command(rt, &body, view, tolerances)?;
    commit(store, caller, trace, command).await
}

/// PUT, PATCH or DELETE of `/Users/{id}`. The body of a DELETE, which RFC 9110 9.3.5 gives no
/// meaning, is not looked at.
pub(crate) async fn change<S: Store>(
    store: &S,
    caller: &S::Caller,
    (rt, id): (&Arc<ResourceType>, String),
    head: &Parts,
    body: &mut Incoming,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let if_match = request::precondition(&head.headers);
    if head.method == Method::DELETE {
        return commit(store, caller, trace, delete_command(rt, id, if_match)).await;
    }
    let view = View::of(&decode::parameters(head.uri.query())?, rt)?;
    let tolerances = store.tolerances(caller);
    let body = body.json(&head.headers, tolerances, &mut trace.tolerated).await?;
    let command = match head.method {
        Method::PUT => replace_command(rt, id, &body, if_match, view, tolerances)?,
        _ => patch_command(rt, id, &body, if_match, view, tolerances)?,
    };
    commit(store, caller, trace, command).await
}

/// What a POST asks of the store.
pub(crate) fn create_command(
    rt: &Arc<ResourceType>,
    body: &Value,
    view: View,
    tolerances: &Tolerances,
) -> Result<Command, Error> {
    let (resource, members, tolerated) = Resource::read(body, rt, tolerances)?;
    let view = view.after_write(rt, &resource);
    let operation = Operation::Create { resource, members };
    Ok(Command { resource_type: rt.clone(), operation, view, tolerated })
}

/// What a PUT asks of the store.
pub(crate) fn replace_command(
    rt: &Arc<ResourceType>,
    id: String,
    body: &Value,
    if_match: Option<IfMatch>,
    view: View,
    tolerances: &Tolerances,
) -> Result<Command, Error> {
    let (resource, members, tolerated) = Resource::read(body, rt, tolerances)?;
    let view = view.after_write(rt, &resource);
    let operation = Operation::Replace { id, resource, members, if_match };
    Ok(Command { resource_type: rt.clone(), operation, view, tolerated })
}

/// What a PATCH asks of the store.
pub(crate) fn patch_command(
    rt: &Arc<ResourceType>,
    id: String,
    body: &Value,
    if_match: Option<IfMatch>,
    view: View,
    tolerances: &Tolerances,
) -> Result<Command, Error> {
    let (request, tolerated) = PatchRequest::read(body, rt, tolerances)?;
    let operation = Operation::Patch { id, request, if_match };
    Ok(Command { resource_type: rt.clone(), operation, view, tolerated })
}

/// What a DELETE asks of the store.
pub(crate) fn delete_command(
    rt: &Arc<ResourceType>,
    id: String,
    if_match: Option<IfMatch>,
) -> Command {
    let operation = Operation::Delete { id, if_match };
    Command { resource_type: rt.clone(), operation, view: View::default(), tolerated: Vec::new() }
}

async fn commit<S: Store>(
    store: &S,
    caller: &S::Caller,
    trace: &mut Trace<S::Caller>,
    command: Command,
) -> Result<Response<Body>, Error> {
    trace.tolerated.extend(command.tolerated.iter().cloned());
    let (rt, view) = (command.resource_type.clone(), command.view.clone());
    let Outcome { committed, tolerated } = store.commit(caller, command).await?;
    trace.tolerated.extend(tolerated);
    let base_url = store.base_url();
    Ok(match committed {
        Committed::Created(stored) => {
            respond::resource(StatusCode::CREATED, base_url, &rt, stored, &view)
        }
        Committed::Updated(stored) => {
            respond::resource(StatusCode::OK, base_url, &rt, stored, &view)
        }
        Committed::Unshown { version, .. } => respond::no_content(Some(version)),
        Committed::Deleted => respond::no_content(None),
    })
}
