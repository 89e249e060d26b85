//! Everything the service provider answers over HTTP.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, StatusCode, Uri, header};
use axum::routing::get;

use crate::provider::ServiceProvider;
use crate::store::ScimStore;

impl ServiceProvider {
    /// The routes: SCIM at `/scim2`, `/healthz`, `/readyz`. Any other path is answered in SCIM's
    /// words, since whoever comes here is most likely a directory with a mistyped base URL.
    pub fn router(&self) -> Router {
        let scim = scim_server::router(ScimStore::new(self.clone()));
        Router::new()
            .nest_service("/scim2", scim)
            .nest_service("/v2", crate::rest::router(self.clone()))
            .route("/.well-known/jwks.json", get(signing_keys))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .fallback(not_found)
            .with_state(self.clone())
            .merge(crate::rest::feed_router(self.clone()))
    }
}

/// The public keys of security event tokens (RFC 7517 5); they are for everybody.
async fn signing_keys(State(provider): State<ServiceProvider>) -> Response<Body> {
    let found = tokio::task::spawn_blocking(move || provider.signing_keys()).await;
    let (status, body) = match found {
        Ok(Ok(keys)) => (StatusCode::OK, keys),
        _ => (StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({"keys": []})),
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/jwk-set+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Whether the database answers.
async fn ready(State(provider): State<ServiceProvider>) -> (StatusCode, &'static str) {
    match provider.db().read(|r| r.query_one("SELECT 1", &[], |row| row.int(0))) {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(error = %crate::error::Chain(&error), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

async fn not_found(State(provider): State<ServiceProvider>, uri: Uri) -> Response<Body> {
    let detail = format!(
        "There is nothing at `{}`. SCIM clients need the base URL {}.",
        uri.path(),
        provider.base_url()
    );
    let error = scim::Error::new(404, detail);
    let mut response = Response::new(Body::from(error.to_json().to_string()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let kind = HeaderValue::from_static("application/scim+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
