//! What a server says it can do, so that nothing else is asked of it.

use serde_json::Value;

use crate::conformance::value::at;
use crate::conformance::wire::{Peer, Request};

/// What discovery and two probes told.
#[derive(Debug, Clone, Default)]
pub struct Advertised {
    /// `/ServiceProviderConfig`, if there is one.
    pub config: Option<Value>,
    /// The resource types.
    pub types: Vec<Value>,
    /// The schemas.
    pub schemas: Vec<Value>,
    /// Whether POST /Users/.search is there.
    pub search: bool,
    /// Whether /Me is there.
    pub me: bool,
}

impl Advertised {
    /// Asks a server.
    pub async fn ask(peer: &Peer) -> Self {
        let get = async |path: &str| {
            let headers = vec![("Accept".to_owned(), Some("application/scim+json".to_owned()))];
            let request = Request { method: "GET".into(), path: path.into(), headers, body: None };
            let exchange = peer.send(&request).await;
            (exchange.status, exchange.json.unwrap_or(Value::Null))
        };
        let listed = |body: &Value| -> Vec<Value> {
            let resources = at(body, "Resources[]").into_iter().cloned();
            let bare = body.as_array().cloned().unwrap_or_default();
            resources.chain(bare).collect()
        };
        let (status, config) = get("/ServiceProviderConfig").await;
        let (_, types) = get("/ResourceTypes").await;
        let (_, schemas) = get("/Schemas").await;
        let (me, _) = get("/Me").await;
        let body =
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"count":0}"#;
        let content = ("Content-Type".to_owned(), Some("application/scim+json".to_owned()));
        let request = Request {
            method: "POST".into(),
            path: "/Users/.search".into(),
            headers: vec![content],
            body: Some(body.into()),
        };
        let search = peer.send(&request).await.status;
        Self {
            config: (status == 200 && config.is_object()).then_some(config),
            types: listed(&types),
            schemas: listed(&schemas),
            search: !matches!(search, 0 | 404 | 405 | 501),
            me: !matches!(me, 0 | 404 | 405 | 501),
        }
    }

    /// Whether the server offers what a check needs; if not, a sentence.
    pub fn offers(&self, need: &str) -> Result<(), String> {
        if let Some(need) = need.strip_prefix('!') {
            let unoffered = self.offers(need).is_err();
            return if unoffered { Ok(()) } else { Err(format!("the server offers {need}")) };
        }
        let offered = match need {
            // What every server of users has, unless it says that it has not.
            "patch" | "filter" => self.says(need).unwrap_or(true),
            "bulk" | "sort" | "etag" | "changePassword" => self.says(need).unwrap_or(false),
            "cursor" => {
                let config = self.config.as_ref().unwrap_or(&Value::Null);
                at(config, "pagination.cursor").first() == Some(&&Value::Bool(true))
            }
            "search" => self.search,
            "me" => self.me,
            "groups" => self.has_type("/Groups"),
            "users" => self.has_type("/Users"),
            "enterprise" => {
                self.schemas.is_empty()
                    || self.schema(crate::conformance::value::ENTERPRISE).is_some()
            }
            "schemas" => !self.schemas.is_empty(),
            "types" => !self.types.is_empty(),
            "config" => self.config.is_some(),
            _ => match need.strip_prefix("attr:") {
                Some(place) => self.has_attribute(place),
                None => return Err(format!("nobody knows what `{need}` is")),
            },
        };
        if offered { Ok(()) } else { Err(format!("not offered: {need}")) }
    }

    fn says(&self, feature: &str) -> Option<bool> {
        let config = self.config.as_ref()?;
        at(config, &format!("{feature}.supported")).first()?.as_bool()
    }

    fn has_type(&self, endpoint: &str) -> bool {
        let is = |one: &Value| one["endpoint"].as_str().is_some_and(|at| at.ends_with(endpoint));
        self.types.is_empty() || self.types.iter().any(is)
    }

    /// The schema of this URN.
    pub fn schema(&self, id: &str) -> Option<&Value> {
        let is = |one: &&Value| one["id"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(id));
        self.schemas.iter().find(is)
    }

    /// `nickName` of the User, `Group/externalId`, `name.givenName`. Common attributes are always
    /// there, and so is everything if the server shows no schemas.
    fn has_attribute(&self, place: &str) -> bool {
        let (kind, path) = place.split_once('/').unwrap_or(("User", place));
        let urn = format!("urn:ietf:params:scim:schemas:core:2.0:{kind}");
        let Some(mut schema) = self.schema(&urn) else { return true };
        for name in path.split('.') {
            let list = schema.get("attributes").or_else(|| schema.get("subAttributes"));
            let is = |one: &&Value| {
                one["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name))
            };
            match list.and_then(Value::as_array).and_then(|list| list.iter().find(is)) {
                Some(attribute) => schema = attribute,
                None => return matches!(name, "externalId" | "id" | "meta" | "schemas"),
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_advertised_is_not_asked() {
        let schema = json!({"id": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": [
            {"name": "name", "subAttributes": [{"name": "givenName"}]}]});
        let advertised = Advertised {
            config: Some(json!({"patch": {"supported": false}, "bulk": {"supported": true}})),
            schemas: vec![schema],
            ..Advertised::default()
        };
        let offers = |need: &str| advertised.offers(need).is_ok();
        assert!(offers("bulk") && offers("!patch") && offers("filter") && offers("groups"));
        assert!(!offers("patch") && !offers("etag") && !offers("enterprise") && !offers("cursor"));
        assert!(offers("attr:name.givenName") && offers("attr:externalId"));
        assert!(!offers("attr:nickName"));
    }
}
