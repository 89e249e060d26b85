//! The walk of a request: who is it, which endpoint, may it be done, do it, say so, note it down.
//!
//! One fallback handler routes by hand, because the endpoints are the caller's resource types
//! (data, not code), because every refusal has to be a SCIM error, and because it is cheaper.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response};
use scim::Error;

use crate::body::Incoming;
use crate::route::Route;
use crate::store::Store;
use crate::trace::Trace;
use crate::{decode, discovery, read, request, respond, write};

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
    let outcome = catch_panic(answer(&store, &head, &mut body, &mut trace)).await;
    let outcome = outcome.unwrap_or_else(|panic| {
        tracing::error!(
            request = trace.summary(),
            panic = panic_text(&*panic),
            "a request panicked"
        );
        Err(Error::new(
            500,
            "The server has a fault and could not carry out the request. It has been logged.",
        )
        .into())
    });
    let (response, error) = match outcome {
        Ok(response) => (response, None),
        Err(Refusal { error, allow }) => {
            (respond::error(&error, allow, trace.bearer_was_sent), Some(error))
        }
    };
    let (caller, record) = trace.finish(response.status().as_u16(), error.as_ref());
    store.log(caller.as_ref(), record);
    body.drain().await;
    response
}

async fn answer<S: Store>(
    store: &S,
    head: &Parts,
    body: &mut Incoming,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Refusal> {
    let bearer = request::bearer(&head.headers);
    trace.bearer_was_sent = bearer.is_some();
    let caller = store.authenticate(bearer).await?;
    trace.caller = Some(caller.clone());
    let types = store.resource_types(&caller);
    let route = Route::of(head.uri.path(), types)?;
    if !route.allows(&head.method) {
        let allow = route.allow();
        let detail = format!(
            "`{}` does not have the method {}. It has: {allow}.",
            head.uri.path(),
            head.method
        );
        return Err(Refusal { error: Error::new(405, detail), allow: Some(allow) });
    }
    let base_url = store.base_url();
    match route {
        Route::Collection(rt) if head.method == Method::POST => {
            Ok(write::create(store, &caller, &rt, head, body, trace).await?)
        }
        Route::Collection(rt) => {
            let parameters = decode::parameters(head.uri.query())?;
            Ok(read::list(store, &caller, &rt, &parameters, trace).await?)
        }
        Route::Search(rt) => {
            let body = body.json(&head.headers).await?;
            Ok(read::search(store, &caller, &rt, &body, trace).await?)
        }
        Route::Resource(rt, id) => Ok(match head.method {
            Method::PUT => write::replace(store, &caller, &rt, id, head, body, trace).await?,
            Method::PATCH => write::patch(store, &caller, &rt, id, head, body, trace).await?,
            Method::DELETE => write::delete(store, &caller, &rt, id, head, trace).await?,
            _ => read::resource(store, &caller, &rt, &id, &head.headers, head.uri.query()).await?,
        }),
        Route::Unsupported(what) => {
            Err(Error::new(501, format!("This server does not have {what}.")).into())
        }
        discovery => {
            discovery::refuse_filter(&decode::parameters(head.uri.query())?)?;
            Ok(match discovery {
                Route::ResourceTypes => discovery::resource_types(base_url, types),
                Route::ResourceType(name) => discovery::resource_type(base_url, types, &name)?,
                Route::Schemas => discovery::schemas(base_url, types),
                Route::Schema(urn) => discovery::schema(base_url, types, &urn)?,
                _ => discovery::config(store, &caller),
            })
        }
    }
}

/// Runs a future, and turns a panic in it into an error: one request's fault is not another's.
async fn catch_panic<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
