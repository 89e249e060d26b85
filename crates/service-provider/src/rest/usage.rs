//! Plan usage: how many seats there are, are used, and are waited for.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Authorized;
use super::failure::Failure;
use crate::provider::ServiceProvider;
use crate::seat::{self, PoolRow};

/// GET /accounts/me/plans/usage: `plan_base` sums up the license types that are granted (not the
/// default), `plan_united` has one entry a license type, `plan_products` one a product. `hosts` is
/// null where there is no limit; `pending` are those who wait.
pub(super) async fn show(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
) -> Result<Json<Value>, Failure> {
    let pools = provider.db().read(|r| seat::pools(r, caller.tenant()))?;
    let (licenses, products): (Vec<_>, Vec<_>) =
        pools.iter().partition(|row| row.pool.is_license());
    let granted = || licenses.iter().filter(|row| !row.default && !row.retired);
    let hosts: Option<u64> = granted().map(|row| row.limit.map(u64::from)).sum();
    Ok(Json(json!({
        "plan_base": {
            "type": "granted licenses",
            "hosts": hosts,
            "usage": granted().map(|row| row.held).sum::<u64>(),
            "pending": granted().map(|row| row.waiting).sum::<u64>(),
        },
        "plan_united": licenses.iter().map(|row| shown(row)).collect::<Vec<_>>(),
        "plan_products": products.iter().map(|row| shown(row)).collect::<Vec<_>>(),
    })))
}

fn shown(row: &PoolRow) -> Value {
    json!({
        "type": row.pool.key(),
        "name": row.name,
        "hosts": row.limit,
        "usage": row.held,
        "pending": row.waiting,
    })
}
