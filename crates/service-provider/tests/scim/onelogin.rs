//! OneLogin's conversation: an administrator's template, also one of SCIM 1.1 (section on templates of
//! its SCIM provisioning guide), updated by PUT, suspended or deleted as the administrator chose.

use service_provider::Dialect;

use super::conversation::{Turn, hold};

#[tokio::test]
async fn a_template_is_created_updated_suspended_and_deleted() {
    let turns = [
        Turn(r#"GET /Users?count=1"#, 200, r#"{"totalResults":0}"#, &[]),
        Turn(
            r#"GET /Users?filter=userName%20eq%20%22ana%40acme.example%22"#,
            200,
            r#"{"totalResults":0,"Resources":[]}"#,
            &[],
        ),
        Turn(
            r#"ana = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz","formatted":"Ana Ruiz"},"emails":[{"value":"ana@acme.example","type":"work","primary":true}],"displayName":"Ana Ruiz","active":true}"#,
            201,
            r#"{"userName":"ana@acme.example","active":true}"#,
            &[],
        ),
        Turn(
            r#"GET /Users?filter=userName%20eq%20%22ana%40acme.example%22"#,
            200,
            r#"{"totalResults":1,"Resources":[{"id":"{ana}"}]}"#,
            &[],
        ),
        Turn(
            r#"PUT /Users/{ana} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{ana}","userName":"ana@acme.example","name":{"givenName":"Anna","familyName":"Ruiz"},"emails":[{"value":"ana@acme.example","type":"work","primary":true}],"title":"","active":true}"#,
            200,
            r#"{"name":{"givenName":"Anna"},"displayName":null}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#,
            200,
            r#"{"active":false}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":"true"}]}"#,
            200,
            r#"{"active":true}"#,
            &["booleanAsString"],
        ),
        Turn(
            r#"sales = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales"}"#,
            201,
            r#"{"displayName":"Sales"}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{ana}"}]}]}"#,
            200,
            r#"{"members":[{"value":"{ana}"}]}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"{ana}\"]"}]}"#,
            200,
            r#"{"members":null}"#,
            &[],
        ),
        Turn(r#"DELETE /Users/{ana}"#, 204, r#""#, &[]),
        Turn(r#"GET /Users/{ana}"#, 404, r#"{"status":"404"}"#, &[]),
    ];
    for dialect in [Dialect::OneLogin, Dialect::Any] {
        hold(dialect, &turns).await;
    }
}

#[tokio::test]
async fn a_template_of_scim_1_1_is_understood() {
    let turns = [
        Turn(
            r#"ana = POST /Users {"schemas":["urn:scim:schemas:core:1.0"],"userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz"},"emails":[{"value":"ana@acme.example","type":"work","primary":true}],"active":true}"#,
            201,
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@acme.example","active":true}"#,
            &["missingSchemas", "unknownSchema"],
        ),
        Turn(
            r#"PUT /Users/{ana} {"schemas":["urn:scim:schemas:core:1.0"],"userName":"ana@acme.example","name":{"givenName":"Anna","familyName":"Ruiz"},"active":false}"#,
            200,
            r#"{"name":{"givenName":"Anna"},"active":false}"#,
            &["missingSchemas", "unknownSchema"],
        ),
        Turn(
            r#"PUT /Users/{ana} {"userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz"},"active":"True","shoeSize":"43"}"#,
            200,
            r#"{"name":{"givenName":"Ana"},"active":true}"#,
            &["booleanAsString", "missingSchemas", "unknownAttribute"],
        ),
        Turn(
            r#"PUT /Users/{ana} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@acme.example","emails":{"value":"ana@acme.example"},"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":"{ana}"}}"#,
            200,
            r#"{"emails":[{"value":"ana@acme.example"}]}"#,
            &["bareValueForComplex", "missingSchemas", "singleForMultiple"],
        ),
    ];
    for dialect in [Dialect::OneLogin, Dialect::Any] {
        hold(dialect, &turns).await;
    }
}
