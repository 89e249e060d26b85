//! Many users at once, for lists to be paged and groups to be filled.

use serde_json::{Value, json};

use crate::conformance::check::Stop;
use crate::conformance::value::{ENDPOINT, Within};
use crate::conformance::walk::Scope;

/// Makes users named `c00`, `c01`, ... and remembers their ids, in order, as `crowd`.
pub async fn run(scope: &mut Scope<'_>, count: usize) -> Result<(), Stop> {
    let (me, domain) = (scope.fill("{me}", Within::Plain)?, scope.fill("{domain}", Within::Plain)?);
    let mut ids = Vec::new();
    for number in 0..count {
        // Neither made nor named in the order of the alphabet.
        let letter = char::from(b'a' + u8::try_from((number * 7) % 26).unwrap_or_default());
        let name = format!("{me}.{letter}{number:02}@{domain}");
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "name": {"givenName": format!("Given{number}"), "familyName": format!("Family{letter}")},
            "displayName": format!("{letter} {number}"),
            "emails": [{"value": name, "type": "work", "primary": true}],
            "active": number % 2 == 0,
        });
        let answer = scope.send("POST", "/Users", Some(body.to_string())).await;
        let id = answer.json.as_ref().and_then(|json| json["id"].as_str()).map(str::to_owned);
        let Some(id) = id.filter(|_| answer.status == 201) else {
            return Err(Stop::fail(format!("user {number} could not be made ({})", answer.status)));
        };
        let name = format!("c{number:02}");
        scope.names.insert(name, json!({ENDPOINT: "/Users", "id": id}));
        ids.push(Value::from(id));
    }
    scope.names.insert("crowd".to_owned(), Value::from(ids));
    Ok(())
}

/// The ids of the crowd.
pub fn ids(scope: &Scope<'_>) -> Result<Vec<String>, Stop> {
    let crowd = scope.names.get("crowd").and_then(Value::as_array);
    let crowd = crowd.ok_or_else(|| Stop::skip("the users for it could not be made"))?;
    Ok(crowd.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
