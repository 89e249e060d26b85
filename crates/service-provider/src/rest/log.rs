//! Requests to these endpoints in the request log, beside those over SCIM.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use scim_server::RequestRecord;

use super::failure::Failure;
use crate::caller::Caller;
use crate::provider::ServiceProvider;

/// Where the caller is left for the log, once the token is known.
#[derive(Debug, Clone, Default)]
pub(super) struct CallerSlot(pub Arc<OnceLock<Caller>>);

/// Notes a request down when it has been answered. Names in the query are not kept.
pub(super) async fn note(
    State(provider): State<ServiceProvider>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let slot = CallerSlot::default();
    request.extensions_mut().insert(slot.clone());
    let method = request.method().to_string();
    let path = format!("/v2{}", request.uri().path());
    let user_agent = scim_server::user_agent(request.headers());
    let response = next.run(request).await;
    let record = RequestRecord {
        method,
        path,
        query: None,
        status: response.status().as_u16(),
        scim_type: None,
        bulk: None,
        detail: response.extensions().get::<Failure>().map(|failure| failure.message().to_owned()),
        tolerated: Vec::new(),
        elapsed: began.elapsed(),
        user_agent,
    };
    provider.request_log().note(slot.0.get(), record, provider.clock().now());
    response
}
