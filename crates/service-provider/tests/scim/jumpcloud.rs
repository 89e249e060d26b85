//! JumpCloud's conversation: a test user and a test group on activation, members by a list of values.

use service_provider::Dialect;

use super::conversation::{Turn, hold};

#[tokio::test]
async fn a_test_user_then_people_and_groups() {
    let turns = [
        Turn(
            r#"probe = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jumpcloud.test@acme.example","name":{"givenName":"Test","familyName":"User"},"emails":[{"value":"jumpcloud.test@acme.example","type":"work","primary":true}],"active":true}"#,
            201,
            r#"{"active":true}"#,
            &[],
        ),
        Turn(
            r#"PUT /Users/{probe} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jumpcloud.test@acme.example","name":{"givenName":"Test2","familyName":"User"},"active":true}"#,
            200,
            r#"{"name":{"givenName":"Test2"}}"#,
            &[],
        ),
        Turn(
            r#"group = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"JumpCloud test"}"#,
            201,
            r#"{"displayName":"JumpCloud test"}"#,
            &[],
        ),
        Turn(r#"DELETE /Groups/{group}"#, 204, r#""#, &[]),
        Turn(r#"DELETE /Users/{probe}"#, 204, r#""#, &[]),
        Turn(
            r#"ana = POST /Users {"userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz"}}"#,
            201,
            r#"{"userName":"ana@acme.example"}"#,
            &["missingSchemas"],
        ),
        Turn(
            r#"bea = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea@acme.example"}"#,
            201,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"GET /Users?filter=userName%20eq%20%22ana%40acme.example%22"#,
            200,
            r#"{"totalResults":1}"#,
            &[],
        ),
        Turn(
            r#"sales = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[{"value":"{ana}"},{"value":"{bea}"}]}"#,
            201,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members","value":[{"value":"{ana}"}]}]}"#,
            200,
            r#"{"members":[{"value":"{bea}"}]}"#,
            &["removalByValueList"],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{ana}"}]}]}"#,
            200,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#,
            200,
            r#"{"active":false}"#,
            &[],
        ),
        Turn(r#"DELETE /Groups/{sales}"#, 204, r#""#, &[]),
    ];
    for dialect in [Dialect::JumpCloud, Dialect::Any] {
        hold(dialect, &turns).await;
    }
}
