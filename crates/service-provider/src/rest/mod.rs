//! The lifecycle endpoints at `/v2`, in Zoom's shapes: users and their states, groups, meetings,
//! recordings, phone numbers and calling plans, contact-center queues, sessions, plan usage; and some
//! of our own: what a user has and why, the offboarding receipts, and the tenant's schemas and
//! resource types. `/v2/openapi.json` describes them all.
//!
//! Users are named by id or e-mail address. Errors are `{"code": …, "message": …}`. The same bearer
//! tokens open them as SCIM, with the scope `lifecycle`.

mod calling_plan;
mod contact_center;
mod entitlement;
mod event;
mod event_operations;
mod failure;
mod group;
mod log;
mod meeting;
mod openapi;
mod operations;
mod paging;
mod phone;
mod profile;
mod receipt;
mod recording;
mod schema;
mod seat_operations;
mod seats;
mod session;
mod usage;
mod user;
mod webhook;

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Json, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::limits::{REST_BODY_BYTES_MAX, REST_BODY_WAIT_MAX};
use crate::provider::ServiceProvider;
use crate::token::Scope;
use failure::Failure;

/// The routes, to be nested at `/v2`.
pub(crate) fn router(provider: ServiceProvider) -> Router {
    Router::new()
        .route("/users", get(user::list).post(user::create))
        .route("/users/email", get(profile::email_exists))
        .route("/users/{user}", get(user::show).patch(profile::update).delete(user::delete))
        .route("/users/{user}/email", put(profile::set_email))
        .route("/users/{user}/status", put(user::set_status))
        .route("/users/{user}/token", delete(session::end))
        .route("/users/{user}/sessions", get(session::list).post(session::begin))
        .route("/users/{user}/meetings", get(meeting::list).post(meeting::create))
        .route("/users/{user}/recordings", get(recording::list))
        .route("/users/{user}/entitlements", get(entitlement::show))
        .route("/users/{user}/receipts", get(receipt::list))
        .route("/meetings/{meeting}", get(meeting::show).delete(meeting::cancel))
        .route(
            "/meetings/{meeting}/recordings",
            get(recording::of_meeting).post(recording::add).delete(recording::trash),
        )
        .route("/meetings/{meeting}/recordings/status", put(recording::recover))
        .route("/groups", get(group::list).post(group::create))
        .route("/groups/{group}", get(group::show).patch(group::rename).delete(group::delete))
        .route("/groups/{group}/members", get(group::members).post(group::add_members))
        .route("/groups/{group}/members/{user}", delete(group::remove_member))
        .route("/phone/calling_plans", get(calling_plan::list).post(calling_plan::subscribe))
        .route("/phone/users/{user}", get(calling_plan::profile))
        .route(
            "/phone/users/{user}/calling_plans",
            post(calling_plan::assign).put(calling_plan::replace),
        )
        .route("/phone/users/{user}/calling_plans/{plan}", delete(calling_plan::release))
        .route("/phone/numbers", get(phone::list).post(phone::add).delete(phone::remove))
        .route("/phone/users/{user}/phone_numbers", get(phone::of_user).post(phone::assign))
        .route("/phone/users/{user}/phone_numbers/{number}", delete(phone::release))
        .route("/contact_center/queues", get(contact_center::list).post(contact_center::create))
        .route(
            "/contact_center/queues/{queue}",
            get(contact_center::show).delete(contact_center::delete),
        )
        .route(
            "/contact_center/queues/{queue}/agents",
            get(contact_center::agents).post(contact_center::add_agents),
        )
        .route("/contact_center/queues/{queue}/agents/{user}", delete(contact_center::remove_agent))
        .route("/events", get(event::list))
        .route("/events/poll", post(webhook::poll))
        .route("/webhooks", get(webhook::list).post(webhook::add))
        .route("/webhooks/{webhook}", get(webhook::show).delete(webhook::remove))
        .route("/webhooks/{webhook}/status", put(webhook::set_status))
        .route("/webhooks/{webhook}/test", post(webhook::test))
        .route("/webhooks/{webhook}/replay", post(webhook::replay))
        .route("/webhooks/{webhook}/dead", get(webhook::dead))
        .route("/webhooks/{webhook}/secret", post(webhook::rotate))
        .route("/accounts/me/plans/usage", get(usage::show))
        .route("/scim/schemas", get(schema::list).post(schema::add))
        .route("/scim/schemas/{urn}", get(schema::show).put(schema::change).delete(schema::remove))
        .route("/scim/resource_types", get(schema::types).post(schema::add_type))
        .route(
            "/scim/resource_types/{name}",
            get(schema::show_type).put(schema::change_type).delete(schema::remove_type),
        )
        .route("/openapi.json", get(openapi::show))
        .route("/seats", get(seats::list))
        .route("/seats/history", get(seats::history))
        .route("/seats/forecast", get(seats::forecast))
        .route("/seats/demand", get(seats::demand))
        .route("/seats/demand/{source}", put(seats::put_demand))
        .route("/seats/idle", get(seats::idle))
        .route("/seats/reclaim", get(seats::reclaim))
        .route("/seats/reclaim/approvals", post(seats::approve_reclaim))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(REST_BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn(answer_panic))
        .layer(axum::middleware::from_fn_with_state(provider.clone(), log::note))
        .with_state(provider)
}

/// The feed of events where whoever looks for it may look first: at the root.
pub(crate) fn feed_router(provider: ServiceProvider) -> Router {
    Router::new()
        .route("/events", get(event::list).fallback(no_such_method))
        .layer(axum::middleware::from_fn(answer_panic))
        .layer(axum::middleware::from_fn_with_state(provider.clone(), log::note))
        .with_state(provider)
}

/// Answers a panic in a request: one request's fault is not another's, and its client reads why.
async fn answer_panic(request: Request, next: Next) -> Response {
    let summary = format!("{} {}", request.method(), request.uri().path());
    let mut answer = pin!(next.run(request));
    let answered = poll_fn(|context| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
            Ok(Poll::Ready(answer)) => Poll::Ready(Some(answer)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(None),
        }
    });
    answered.await.unwrap_or_else(|| {
        tracing::error!(request = summary, "a request panicked");
        Failure::fault().into_response()
    })
}

/// The caller of a request that may use these endpoints.
pub(crate) struct Authorized(pub Caller);

/// The caller of a request that may read what happened.
pub(crate) struct EventReader(pub Caller);

/// What the path names, refused in these endpoints' words.
pub(crate) struct Path<T>(pub T);

/// What the query string asks, refused in these endpoints' words.
pub(crate) struct Query<T>(pub T);

/// A JSON body, refused in these endpoints' words.
pub(crate) struct Body<T>(pub T);

impl FromRequestParts<ServiceProvider> for Authorized {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        provider: &ServiceProvider,
    ) -> Result<Self, Failure> {
        let caller = authenticate(parts, provider)?;
        caller.require(Scope::Lifecycle)?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<ServiceProvider> for EventReader {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        provider: &ServiceProvider,
    ) -> Result<Self, Failure> {
        let caller = authenticate(parts, provider)?;
        if !caller.token().scopes.allow(Scope::Lifecycle) {
            caller.require(Scope::EventsRead)?;
        }
        Ok(Self(caller))
    }
}

/// The caller whose bearer token a request carries.
fn authenticate(parts: &Parts, provider: &ServiceProvider) -> Result<Caller, Failure> {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let caller = provider
        .authenticate(bearer)?
        .map_err(|reason| Failure::unauthenticated(&reason.to_string()))?;
    if let Some(log::CallerSlot(slot)) = parts.extensions.get() {
        // Nobody else fills it.
        let _ = slot.set(caller.clone());
    }
    Ok(caller)
}

impl<T: DeserializeOwned + Send> FromRequestParts<ServiceProvider> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        provider: &ServiceProvider,
    ) -> Result<Self, Failure> {
        let found = axum::extract::Path::<T>::from_request_parts(parts, provider).await;
        found.map(|found| Self(found.0)).map_err(|rejection| {
            Failure::invalid(&format!("The path cannot be used: {}.", rejection.body_text()))
        })
    }
}

impl<T: DeserializeOwned> FromRequestParts<ServiceProvider> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        provider: &ServiceProvider,
    ) -> Result<Self, Failure> {
        let found = axum::extract::Query::<T>::from_request_parts(parts, provider).await;
        found.map(|found| Self(found.0)).map_err(|rejection| {
            Failure::invalid(&format!("The query cannot be used: {}.", rejection.body_text()))
        })
    }
}

impl<T: DeserializeOwned> FromRequest<ServiceProvider> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, provider: &ServiceProvider) -> Result<Self, Failure> {
        let body = Json::<T>::from_request(request, provider);
        let Ok(body) = tokio::time::timeout(REST_BODY_WAIT_MAX, body).await else {
            return Err(Failure::too_slow(REST_BODY_WAIT_MAX));
        };
        match body {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::BytesRejection(rejection))
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE =>
            {
                Err(Failure::too_large(REST_BODY_BYTES_MAX))
            }
            Err(rejection) => Err(Failure::invalid(&format!(
                "The body cannot be used: {}. Send JSON of the documented shape with Content-Type application/json.",
                rejection.body_text()
            ))),
        }
    }
}

/// A number that some clients write in quotes.
fn number_or_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    use serde::Deserialize as _;
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    }
}

async fn no_such_path() -> Failure {
    Failure::not_found("There is no such path under /v2. The path or the method is mistyped.")
}

async fn no_such_method() -> Failure {
    Failure::method_not_allowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered() {
        let broken = || async {
            if true {
                panic!("broken")
            }
        };
        let router =
            Router::new().route("/", get(broken)).layer(axum::middleware::from_fn(answer_panic));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        assert_eq!(reqwest::get(url).await.unwrap().status().as_u16(), 500);
    }
}
