//! A user's profile: names, department, job title, e-mail address.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use db::{Ctx, Tx};
use scim::Resource;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::{Authorized, Body, Path, Query};
use crate::caller::Caller;
use crate::provider::ServiceProvider;
use crate::user::{UserState, Writer};
use crate::{Error, Result, account};

/// What of a profile is to change. What is left out stays; an empty text clears.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileChange {
    first_name: Option<String>,
    last_name: Option<String>,
    display_name: Option<String>,
    dept: Option<String>,
    cost_center: Option<String>,
    job_title: Option<String>,
    language: Option<String>,
    timezone: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewEmail {
    email: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct EmailQuery {
    email: String,
}

/// PATCH /users/{user}. The license is not among it: it follows from groups and grants.
pub(super) async fn update(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Body(change): Body<ProfileChange>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("PATCH /users/{user}"), provider.clock().now());
    edit(&provider, ctx, caller, user, move |resource| change.apply(resource)).await
}

/// PUT /users/{user}/email: another address, which is the login too where the old one was.
pub(super) async fn set_email(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(user): Path<String>,
    Body(new): Body<NewEmail>,
) -> Result<StatusCode, Failure> {
    let email = new.email.trim().to_owned();
    if !email.contains('@') {
        return Err(Failure::invalid(&format!("`{email}` is no e-mail address.")));
    }
    let ctx = caller.ctx(format!("PUT /users/{user}/email"), provider.clock().now());
    edit(&provider, ctx, caller, user, move |resource| move_to(resource, &email)).await
}

/// GET /users/email?email=…: whether the address is somebody's.
pub(super) async fn email_exists(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(query): Query<EmailQuery>,
) -> Result<Json<Value>, Failure> {
    match provider.db().read(|r| account::find(r, caller.tenant(), &query.email)) {
        Ok(_) => Ok(Json(json!({"existed_email": true}))),
        Err(Error::NotFound { .. }) => Ok(Json(json!({"existed_email": false}))),
        // An address that several have is somebody's.
        Err(Error::Refused { .. }) => Ok(Json(json!({"existed_email": true}))),
        Err(error) => Err(error.into()),
    }
}

/// Writes what `edit` makes of a user by the one write path. Who is pending or inactive is not
/// updated: they have to accept, or be activated, first.
async fn edit(
    provider: &ServiceProvider,
    ctx: Ctx,
    caller: Caller,
    user: String,
    edit: impl Fn(&mut Resource) + Send + 'static,
) -> Result<StatusCode, Failure> {
    let turn = caller.tenant().turn();
    let work = move |tx: &mut Tx| {
        let tenant = caller.tenant();
        let id = account::find(tx, tenant, &user)?.id;
        let before = crate::user::by_id(tx, tenant, &id.0)?
            .ok_or_else(|| Error::not_found("user", user.as_str()))?;
        if before.state != UserState::Active {
            return Err(Error::refused(format!(
                "`{}` is {} and cannot be updated. Activate the user first.",
                before.user_name,
                before.state.as_str()
            )));
        }
        let mut next = before.resource()?;
        edit(&mut next);
        // What was set by hand is read by the rules of the schema, as from a directory.
        let mut document = next.into_document();
        let extensions =
            document.keys().filter(|key| key.starts_with("urn:")).map(|urn| json!(urn));
        let schemas: Vec<Value> = [json!(scim::urn::USER)].into_iter().chain(extensions).collect();
        document.insert("schemas".into(), Value::Array(schemas));
        let document = Value::Object(document);
        let none = scim::Tolerances::none();
        let (next, _, _) = Resource::read(&document, crate::resource_types::user_type(), &none)?;
        crate::user::update(tx, &ctx, tenant, before, next, Writer::Person).map(drop)
    };
    provider.db().write_async(turn, work).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl ProfileChange {
    fn apply(&self, resource: &mut Resource) {
        let name = [("givenName", &self.first_name), ("familyName", &self.last_name)];
        set_within(resource, "name", &name);
        let enterprise = [("department", &self.dept), ("costCenter", &self.cost_center)];
        set_within(resource, scim::urn::ENTERPRISE_USER, &enterprise);
        for (attribute, value) in [
            ("displayName", &self.display_name),
            ("title", &self.job_title),
            ("preferredLanguage", &self.language),
            ("timezone", &self.timezone),
        ] {
            if let Some(text) = value {
                resource.set(attribute, text_or_nothing(text));
            }
        }
    }
}

/// Changes sub-attributes of one attribute, or attributes of one extension.
fn set_within(resource: &mut Resource, within: &str, values: &[(&str, &Option<String>)]) {
    let present = resource.document().get(within).and_then(Value::as_object);
    let mut inner: Map<String, Value> = present.cloned().unwrap_or_default();
    for (name, value) in values {
        match value.as_deref().map(str::trim) {
            Some("") => drop(inner.remove(*name)),
            Some(text) => drop(inner.insert((*name).to_owned(), json!(text))),
            None => {}
        }
    }
    if values.iter().any(|(_, value)| value.is_some()) {
        let value = if inner.is_empty() { Value::Null } else { Value::Object(inner) };
        resource.set(within, value);
    }
}

fn text_or_nothing(text: &str) -> Value {
    match text.trim() {
        "" => Value::Null,
        text => json!(text),
    }
}

/// Another primary address; the login follows where it was the old one.
fn move_to(resource: &mut Resource, email: &str) {
    let found = resource.document().get("emails").and_then(Value::as_array);
    let mut emails = found.cloned().unwrap_or_default();
    let primary = emails.iter().position(|one| one["primary"] == true);
    let old = match emails.get_mut(primary.unwrap_or(0)) {
        Some(entry) => {
            let old = entry["value"].as_str().map(str::to_lowercase);
            entry["value"] = json!(email);
            old
        }
        None => {
            emails.push(json!({"value": email, "type": "work", "primary": true}));
            None
        }
    };
    let login = resource.text("userName").map(str::to_lowercase);
    if old.is_none() || login == old {
        resource.set("userName", json!(email));
    }
    resource.set("emails", Value::Array(emails));
}
