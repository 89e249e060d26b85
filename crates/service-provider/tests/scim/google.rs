//! Google Workspace's conversation: a probe, users by PATCH or PUT, suspended and after the delay deleted.

use service_provider::Dialect;

use super::conversation::{Turn, hold};

#[tokio::test]
async fn users_are_probed_created_suspended_and_deleted() {
    let turns = [
        Turn(r#"GET /Users?count=1"#, 200, r#"{"totalResults":0,"Resources":[]}"#, &[]),
        Turn(
            r#"GET /Users?startIndex=1&count=1&filter=userName%20eq%20%22ana%40acme.example%22"#,
            200,
            r#"{"totalResults":0}"#,
            &[],
        ),
        Turn(
            r#"ana = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz"},"emails":[{"value":"ana@acme.example","type":"work","primary":true}],"active":true,"orgUnitPath":"/Sales"}"#,
            201,
            r#"{"active":true}"#,
            &["unknownAttribute"],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}"#,
            200,
            r#"{"active":false}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":true}}]}"#,
            200,
            r#"{"active":true}"#,
            &[],
        ),
        Turn(
            r#"PUT /Users/{ana} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{ana}","userName":"ana@acme.example","name":{"givenName":"Anna","familyName":"Ruiz"},"active":true}"#,
            200,
            r#"{"name":{"givenName":"Anna"}}"#,
            &[],
        ),
        Turn(r#"DELETE /Users/{ana}"#, 204, r#""#, &[]),
    ];
    for dialect in [Dialect::Google, Dialect::Any] {
        hold(dialect, &turns).await;
    }
}
