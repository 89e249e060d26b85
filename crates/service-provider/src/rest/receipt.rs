//! The offboarding receipts of a user.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Authorized, Path};
use crate::provider::ServiceProvider;
use crate::receipt;

/// GET /users/{user}/receipts (ours): the newest first; of a deleted user by id or login.
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
) -> Result<Json<Value>, Failure> {
    let receipts = provider.db().read(|r| receipt::receipts(r, caller.tenant(), &user))?;
    Ok(Json(json!({"receipts": receipts})))
}
