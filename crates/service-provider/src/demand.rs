//! Demand: who joins and leaves on which day, as it is told by whoever knows. The service provider
//! knows no HR, so a source puts what it expects, and a forecast counts with it.

use db::{Ctx, Read, Tx, params};
use entitlement::{Key, Pool};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::limits::{DEMAND_COUNT_MAX, DEMAND_SOURCE_COUNT_MAX, NAME_CHARS_MAX};
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, catalogue, license, stored};

/// How many people will come to need something, and how many will not any more, on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// The day.
    pub date: Date,
    /// What they need.
    pub needs: DemandTarget,
    /// Who joins.
    #[serde(default)]
    pub joiners: u32,
    /// Who leaves.
    #[serde(default)]
    pub leavers: u32,
}

/// What joiners will need: a license type, a product, or what a group grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DemandTarget {
    /// A license type.
    License(Key),
    /// A product.
    Product(Key),
    /// Whatever the group of this name grants when the forecast is made.
    Group(String),
}

/// Demand as it was put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredDemand {
    /// Who told it.
    pub source: String,
    /// What.
    #[serde(flatten)]
    pub demand: Demand,
    /// Who put it.
    pub put_by: String,
    /// When.
    pub put_at: Timestamp,
}

impl DemandTarget {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::License(key) => ("license", key.as_str()),
            Self::Product(key) => ("product", key.as_str()),
            Self::Group(name) => ("group", name),
        }
    }

    fn from_columns(kind: &str, text: &str) -> Result<Self, db::Error> {
        match kind {
            "group" => Ok(Self::Group(text.to_owned())),
            _ => Ok(match stored::pool(kind, text)? {
                Pool::License(key) => Self::License(key),
                Pool::Product(key) => Self::Product(key),
            }),
        }
    }
}

impl ServiceProvider {
    /// Makes this all that a source knows of the days to come; an empty list forgets the source.
    pub fn put_demand(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        source: &str,
        demand: &[Demand],
    ) -> Result<(), Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        let (source, demand) = (source.trim().to_owned(), demand.to_vec());
        self.db().write(tenant.turn(), move |tx| put(tx, &ctx, &tenant, &source, &demand))
    }

    /// The demand that was told, by source and day.
    pub fn demand(&self, tenant: &TenantId) -> Result<Vec<StoredDemand>, Error> {
        self.db().read(|r| all(r, tenant))
    }
}

/// The demand that was told, by source and day.
pub(crate) fn all(r: &mut Read, tenant: &TenantId) -> Result<Vec<StoredDemand>, Error> {
    let rows = r.query(
        "SELECT source, day, target_kind, target, joiners, leavers, put_by, put_at
         FROM planned_demand WHERE tenant = $1 ORDER BY source, day, place",
        params![tenant.as_str()],
        |row| {
            let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            let demand = Demand {
                date: row.date(1)?,
                needs: DemandTarget::from_columns(row.text_ref(2)?, row.text_ref(3)?)?,
                joiners: count(row.count(4)?),
                leavers: count(row.count(5)?),
            };
            let (put_by, put_at) = (row.text(6)?, row.timestamp(7)?);
            Ok(StoredDemand { source: row.text(0)?, demand, put_by, put_at })
        },
    )?;
    Ok(rows)
}

fn put(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    source: &str,
    demand: &[Demand],
) -> Result<(), Error> {
    refuse(tx, tenant, source, demand)?;
    tx.execute(
        "DELETE FROM planned_demand WHERE tenant = $1 AND source = $2",
        params![tenant.as_str(), source],
    )?;
    for (place, one) in demand.iter().enumerate() {
        let (kind, target) = one.needs.columns();
        tx.execute(
            "INSERT INTO planned_demand (tenant, source, place, day, target_kind, target, joiners,
                 leavers, put_by, put_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                tenant.as_str(),
                source,
                place,
                one.date.to_string(),
                kind,
                target.trim(),
                one.joiners,
                one.leavers,
                &ctx.actor,
                ctx.now,
            ],
        )?;
    }
    let sum =
        |count: fn(&Demand) -> u32| demand.iter().map(|one| u64::from(count(one))).sum::<u64>();
    let (joiners, leavers) = (sum(|one| one.joiners), sum(|one| one.leavers));
    let payload = json!({"entries": demand.len(), "joiners": joiners, "leavers": leavers});
    db::event::append(tx, ctx, tenant.as_str(), "seats.demand-put", source, &payload)?;
    Ok(())
}

fn refuse(r: &mut Read, tenant: &TenantId, source: &str, demand: &[Demand]) -> Result<(), Error> {
    if source.is_empty() || source.chars().count() > NAME_CHARS_MAX {
        return Err(Error::refused(format!(
            "`{source}` is no name of a source. Give 1 to {NAME_CHARS_MAX} characters."
        )));
    }
    if demand.len() > DEMAND_COUNT_MAX {
        return Err(Error::refused(format!(
            "A source puts at most {DEMAND_COUNT_MAX} entries of demand. Sum them up by day."
        )));
    }
    let others = r.query_one(
        "SELECT COUNT(DISTINCT source) FROM planned_demand WHERE tenant = $1 AND source <> $2",
        params![tenant.as_str(), source],
        |row| row.count(0),
    )?;
    if others >= DEMAND_SOURCE_COUNT_MAX {
        return Err(Error::refused(format!(
            "A tenant has at most {DEMAND_SOURCE_COUNT_MAX} sources of demand. Forget one by putting an empty list."
        )));
    }
    let catalogue = catalogue::catalogue(r, tenant)?;
    for one in demand {
        match &one.needs {
            DemandTarget::License(key) => license::known_type(&catalogue, key).map(drop)?,
            DemandTarget::Product(key) => {
                license::known_pool(&catalogue, &Pool::Product(key.clone()))?;
            }
            // A group may come later, as its grant may.
            DemandTarget::Group(_) => {}
        }
    }
    Ok(())
}
