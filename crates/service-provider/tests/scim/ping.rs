//! Ping's conversation: filters of the administrator's choice, users created disabled, members merged or
//! overwritten.

use service_provider::Dialect;

use super::conversation::{Turn, hold};

#[tokio::test]
async fn users_are_matched_by_any_filter_and_groups_merged_or_overwritten() {
    let turns = [
        Turn(
            r#"GET /Users?filter=userName%20eq%20%22ana%40acme.example%22%20or%20emails.value%20eq%20%22ana%40acme.example%22"#,
            200,
            r#"{"totalResults":0}"#,
            &[],
        ),
        Turn(
            r#"ana = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"p-1","userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz"},"emails":[{"value":"ana@acme.example","type":"work","primary":true}],"active":false}"#,
            201,
            r#"{"active":false}"#,
            &[],
        ),
        Turn(
            r#"GET /Users?filter=emails%5Btype%20eq%20%22work%22%20and%20value%20eq%20%22ana%40acme.example%22%5D"#,
            200,
            r#"{"totalResults":1,"Resources":[{"id":"{ana}"}]}"#,
            &[],
        ),
        Turn(r#"GET /Users?filter=externalId%20eq%20%22p-1%22"#, 200, r#"{"totalResults":1}"#, &[]),
        Turn(
            r#"GET /Users?filter=emails.value%20eq%20%22ANA%40acme.example%22"#,
            200,
            r#"{"totalResults":1}"#,
            &[],
        ),
        Turn(
            r#"bea = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea@acme.example"}"#,
            201,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"sales = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[{"value":"{ana}"}]}"#,
            201,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{bea}"},{"value":"gone"}]}]}"#,
            200,
            r#"{"displayName":"Sales"}"#,
            &["unknownMember"],
        ),
        Turn(
            r#"PUT /Groups/{sales} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[{"value":"{bea}"}]}"#,
            200,
            r#"{"members":[{"value":"{bea}"}]}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":true}]}"#,
            200,
            r#"{"active":true}"#,
            &[],
        ),
        Turn(r#"DELETE /Users/{ana}"#, 204, r#""#, &[]),
    ];
    for dialect in [Dialect::Ping, Dialect::Any] {
        hold(dialect, &turns).await;
    }
}
