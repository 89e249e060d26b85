//! Sign-in sessions of a user.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Authorized, Body, Path};
use crate::provider::ServiceProvider;
use crate::{account, session};

#[derive(Debug, Deserialize)]
pub(super) struct NewSession {
    #[serde(default)]
    client: String,
}

/// GET /users/{user}/sessions (ours)
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
) -> Result<Json<Value>, Failure> {
    let sessions = provider.db().read(|r| {
        let user = account::find(r, caller.tenant(), &user)?;
        session::sessions_of_user(r, caller.tenant(), &user.id)
    })?;
    Ok(Json(json!({"sessions": sessions})))
}

/// POST /users/{user}/sessions (ours: something has to be there to be ended)
pub(super) async fn begin(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Body(new): Body<NewSession>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let ctx = caller.ctx(format!("POST /users/{user}/sessions"), provider.clock().now());
    let session = provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let user = account::find(tx, caller.tenant(), &user)?;
            session::begin_session(tx, &ctx, caller.tenant(), &user.id, &new.client)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(json!(session))))
}

/// DELETE /users/{user}/token: ends every session.
pub(super) async fn end(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("DELETE /users/{user}/token"), provider.clock().now());
    provider
        .db()
        .write_async(caller.tenant().turn(), move |tx| {
            let user = account::find(tx, caller.tenant(), &user)?;
            session::end_sessions(tx, &ctx, caller.tenant(), &user.id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
