//! The walk of a request: who is it, which endpoint, may it be done, do it, say so, note it down.
//!
//! One fallback handler routes by hand, because the endpoints are the caller's resource types
//! (data, not code), because every refusal has to be a SCIM error, and because it is cheaper.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response};
use scim::{Error, QueryAcross};

use crate::body::Incoming;
use crate::panic::caught;
use crate::route::Route;
use crate::store::Store;
use crate::trace::Trace;
use crate::{accept, across, bulk, decode, discovery, read, request, respond, write};

/// The endpoints of RFC 7644 over a store. The shell mounts it where it likes with
/// [`Router::nest`]; whatever path arrives is answered in SCIM's words.
pub fn router<S: Store>(store: S) -> Router {
    Router::new().fallback(serve::<S>).with_state(store)
}

/// Why a request is not carried out.
struct Refusal {
    error: Error,
    allow: Option<&'static str>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, allow: None }
    }
}

async fn serve<S: Store>(State(store): State<S>, http: Request) -> Response<Body> {
    let (head, body) = http.into_parts();
    let mut body = Incoming::of(&head.headers, body);
    let mut trace = Trace::of(&head);
    let content_type = accept::content_type(&head.headers);
    let asked = content_type.as_ref().err().cloned();
    let outcome = caught(answer(&store, &head, &mut body, asked, &mut trace), || {
        format!("{} {}", head.method, head.uri.path())
    });
    let outcome = outcome.await.unwrap_or_else(|error| Err(error.into()));
    let (mut response, error) = match outcome {
        Ok(response) => (response, None),
        Err(Refusal { error, allow }) => {
            (respond::error(&error, allow, trace.bearer_was_sent), Some(error))
        }
    };
    if let Some(location) = &trace.alias {
        respond::aliased(&mut response, location);
    }
    if let Ok(content_type) = content_type {
        respond::call(&mut response, content_type);
    }
    let (caller, record) = trace.finish(response.status().as_u16(), error.as_ref());
    store.log(caller.as_ref(), record);
    body.drain().await;
    response
}

async fn answer<S: Store>(
    store: &S,
    head: &Parts,
    body: &mut Incoming,
    unacceptable: Option<Error>,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Refusal> {
    let bearer = request::bearer(&head.headers);
    trace.bearer_was_sent = bearer.is_some();
    // Nothing is told without a token, OPTIONS and discovery included: resource types, extensions
    // and limits are the caller's own, and tell of the tenant. No browser asks beforehand.
    let caller = store.authenticate(bearer).await?;
    trace.caller = Some(caller.clone());
    let types = store.resource_types(&caller);
    let mut route = Route::of(head.uri.path(), types)?;
    if let Some(error) = unacceptable {
        return Err(error.into());
    }
    if route == Route::Me {
        let (rt, id) = store.subject(&caller)?;
        trace.alias = Some(respond::location(store.base_url(), &rt, &id));
        if route.allows(&head.method) {
            route = Route::Resource(rt, id);
        }
    }
    if !route.allows(&head.method) {
        let error = route.method_error(head.uri.path(), &head.method);
        return Err(Refusal { error, allow: Some(route.allow()) });
    }
    if head.method == Method::OPTIONS {
        return Ok(respond::options(route.allow()));
    }
    Ok(carry_out(store, &caller, route, head, body, trace).await?)
}

/// Does what the endpoint is there for; it has the method.
async fn carry_out<S: Store>(
    store: &S,
    caller: &S::Caller,
    route: Route,
    head: &Parts,
    body: &mut Incoming,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let types = store.resource_types(caller);
    let query = head.uri.query();
    match route {
        Route::Collection(rt) if head.method == Method::POST => {
            write::create(store, caller, &rt, head, body, trace).await
        }
        Route::Collection(rt) => {
            read::list(store, caller, &rt, &decode::parameters(query)?, trace).await
        }
        Route::Search(rt) => {
            let tolerances = store.tolerances(caller);
            let body = body.json(&head.headers, tolerances, &mut trace.tolerated).await?;
            read::search(store, caller, &rt, &body, trace).await
        }
        Route::Resource(rt, id) => match head.method {
            Method::PUT | Method::PATCH | Method::DELETE => {
                write::change(store, caller, (&rt, id), head, body, trace).await
            }
            _ => read::resource(store, caller, &rt, &id, &head.headers, query).await,
        },
        Route::Root => {
            let (query, tolerated) = QueryAcross::parse(
                &decode::parameters(query)?,
                types,
                store.tolerances(caller),
                &read::LIMITS,
            )?;
            trace.tolerated.extend(tolerated);
            across::list(store, caller, &query).await
        }
        Route::RootSearch => {
            let tolerances = store.tolerances(caller);
            let body = body.json(&head.headers, tolerances, &mut trace.tolerated).await?;
            let (query, tolerated) = QueryAcross::read(&body, types, tolerances, &read::LIMITS)?;
            trace.tolerated.extend(tolerated);
            across::list(store, caller, &query).await
        }
        Route::Bulk => bulk::bulk(store, caller, &head.headers, body, trace).await,
        discovery => {
            let base_url = store.base_url();
            discovery::refuse_filter(&decode::parameters(query)?)?;
            match discovery {
                Route::ResourceTypes => Ok(discovery::resource_types(base_url, types)),
                Route::ResourceType(name) => discovery::resource_type(base_url, types, &name),
                Route::Schemas => Ok(discovery::schemas(base_url, types)),
                Route::Schema(urn) => discovery::schema(base_url, types, &urn),
                _ => Ok(discovery::config(store, caller)),
            }
        }
    }
}
