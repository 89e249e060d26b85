//! What a user has, waits for, and why.

use axum::Json;
use axum::extract::State;

use super::failure::Failure;
use super::{Authorized, Path};
use crate::explain::UserEntitlement;
use crate::provider::ServiceProvider;

/// GET /users/{user}/entitlements (ours): license, products, policies and what is waited for, each
/// with the chain from the group over the grant to the seat.
pub(super) async fn show(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
) -> Result<Json<UserEntitlement>, Failure> {
    Ok(Json(provider.entitlement_of(caller.tenant(), &user)?))
}
