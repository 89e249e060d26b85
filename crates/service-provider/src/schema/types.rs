//! The resource types of one tenant, as its requests are held against them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use db::{Read, params};
use scim::{Attribute, Extension, ResourceType, Returned, Schema};

use crate::limits::TYPES_COUNT_MAX;
use crate::provider::ServiceProvider;
use crate::resource_types::RESOURCE_TYPES;
use crate::tenant::TenantId;
use crate::{Error, Result, stored};

/// The generation of a tenant that rises when its schemas or resource types change.
pub(super) const GENERATION: &str = "resource-types";

/// The resource types of a tenant: users, groups, then its own by name.
#[derive(Debug)]
pub(crate) struct TenantTypes {
    generation: i64,
    types: Vec<Kept>,
    all: Vec<Arc<ResourceType>>,
}

#[derive(Debug)]
struct Kept {
    resource_type: Arc<ResourceType>,
    hides: bool,
}

/// What a tenant has that defined nothing.
static SHIPPED: LazyLock<Arc<TenantTypes>> =
    LazyLock::new(|| Arc::new(TenantTypes::of(0, RESOURCE_TYPES.iter().map(Arc::clone).collect())));

impl TenantTypes {
    fn of(generation: i64, all: Vec<Arc<ResourceType>>) -> Self {
        let kept = |rt: &Arc<ResourceType>| {
            let hides = rt.schemas().any(|schema| hides(&schema.attributes));
            Kept { resource_type: rt.clone(), hides }
        };
        Self { generation, types: all.iter().map(kept).collect(), all }
    }

    /// Every type, in the order `/ResourceTypes` lists them.
    pub(crate) fn all(&self) -> &[Arc<ResourceType>] {
        &self.all
    }

    /// The generation they are of.
    pub(crate) fn generation(&self) -> i64 {
        self.generation
    }

    /// The type of users.
    pub(crate) fn users(&self) -> &Arc<ResourceType> {
        &self.all[0]
    }

    /// The type of this name, whatever its case.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.all.iter().find(|rt| rt.name.eq_ignore_ascii_case(name))
    }

    /// Whether documents of a type hold something that is not returned by default, so that they
    /// cannot be given out as they are stored.
    pub(crate) fn hides(&self, rt: &ResourceType) -> bool {
        self.types.iter().any(|kept| kept.hides && kept.resource_type.name == rt.name)
    }
}

/// Whether any of these is returned on request only, or never; the password, which is not stored,
/// aside.
fn hides(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let hidden = matches!(attribute.returned, Returned::Never | Returned::Request);
        (hidden && attribute.name != "password") || hides(&attribute.sub_attributes)
    })
}

/// The types of tenants that have some of their own, in memory.
#[derive(Debug, Default)]
pub(crate) struct TypesInMemory(RwLock<HashMap<TenantId, Arc<TenantTypes>>>);

impl ServiceProvider {
    /// The resource types of a tenant as they are now.
    pub(crate) fn types_of(&self, tenant: &TenantId) -> Result<Arc<TenantTypes>> {
        let memory = self.types_in_memory();
        self.db().read(|r| {
            let generation = generation(r, tenant)?;
            if generation == 0 {
                return Ok(SHIPPED.clone());
            }
            if let Some(known) = memory.known(tenant, generation) {
                return Ok(known);
            }
            let types = Arc::new(load(r, tenant, generation)?);
            memory.remember(tenant, &types);
            Ok(types)
        })
    }
}

impl TypesInMemory {
    fn known(&self, tenant: &TenantId, generation: i64) -> Option<Arc<TenantTypes>> {
        let memory = self.0.read().unwrap_or_else(PoisonError::into_inner);
        memory.get(tenant).filter(|types| types.generation == generation).cloned()
    }

    fn remember(&self, tenant: &TenantId, types: &Arc<TenantTypes>) {
        let mut memory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= TYPES_COUNT_MAX {
            memory.clear();
        }
        // Somebody who read a later generation may have been here first.
        let later = memory.get(tenant).is_some_and(|known| known.generation > types.generation);
        if !later {
            memory.insert(tenant.clone(), types.clone());
        }
    }
}

/// The types of a tenant, in a transaction.
pub(super) fn in_transaction(r: &mut Read, tenant: &TenantId) -> Result<TenantTypes> {
    let generation = generation(r, tenant)?;
    load(r, tenant, generation)
}

/// Refuses a write that was read by resource types which have changed since: what it says may mean
/// something else by now. The client repeats it.
pub(crate) fn check_current(r: &mut Read, tenant: &TenantId, generation_read: i64) -> Result<()> {
    if generation(r, tenant)? == generation_read { Ok(()) } else { Err(db::Error::Busy.into()) }
}

fn generation(r: &mut Read, tenant: &TenantId) -> Result<i64> {
    Ok(db::generation::generation(r, tenant.as_str(), GENERATION)?)
}

fn load(r: &mut Read, tenant: &TenantId, generation: i64) -> Result<TenantTypes> {
    let schemas = schemas(r, tenant)?;
    let mut extensions: HashMap<String, Vec<Extension>> = HashMap::new();
    for (type_key, schema_key, required) in attached(r, tenant)? {
        let schema = schema_of(&schemas, &schema_key)?;
        extensions.entry(type_key).or_default().push(Extension { schema, required });
    }
    let mut all: Vec<Arc<ResourceType>> = Vec::new();
    for shipped in RESOURCE_TYPES.iter() {
        all.push(match extensions.remove(&shipped.name.to_lowercase()) {
            None => shipped.clone(),
            Some(own) => {
                let mut extended = ResourceType::clone(shipped);
                extended.extensions.extend(own);
                Arc::new(extended)
            }
        });
    }
    let own = r.query(
        "SELECT type_key, name, endpoint, description, schema_key FROM resource_types \
         WHERE tenant = $1 ORDER BY type_key",
        params![tenant],
        |row| Ok((row.text(0)?, row.text(1)?, row.text(2)?, row.text(3)?, row.text(4)?)),
    )?;
    for (type_key, name, endpoint, description, schema_key) in own {
        let schema = schema_of(&schemas, &schema_key)?;
        let extensions = extensions.remove(&type_key).unwrap_or_default();
        all.push(Arc::new(ResourceType {
            name,
            endpoint,
            description,
            schema,
            extensions,
            rows: None,
        }));
    }
    Ok(TenantTypes::of(generation, all))
}

/// The schemas of a tenant's own, by key.
pub(super) fn schemas(r: &mut Read, tenant: &TenantId) -> Result<HashMap<String, Arc<Schema>>> {
    let rows = r.query(
        "SELECT schema_key, doc FROM schemas WHERE tenant = $1 ORDER BY schema_key",
        params![tenant],
        |row| {
            let schema: Schema = stored::json("A schema", row.text_ref(1)?)?;
            Ok((row.text(0)?, Arc::new(schema)))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Which schemas extend which types: (type, schema, required), in order.
pub(super) fn attached(r: &mut Read, tenant: &TenantId) -> Result<Vec<(String, String, bool)>> {
    Ok(r.query(
        "SELECT type_key, schema_key, required FROM schema_extensions WHERE tenant = $1 \
         ORDER BY type_key, schema_key",
        params![tenant],
        |row| Ok((row.text(0)?, row.text(1)?, row.bool(2)?)),
    )?)
}

fn schema_of(schemas: &HashMap<String, Arc<Schema>>, key: &str) -> Result<Arc<Schema>> {
    let found = schemas.get(key).cloned();
    found.ok_or_else(|| Error::stored("resource types", format!("the schema `{key}` is not there")))
}
