//! Okta's two ways word for word: wizard apps, which PUT everything, and catalogue apps, whose
//! departures are told in the request log.

use service_provider::Dialect;

use super::conversation::{Turn, hold};

#[tokio::test]
async fn a_wizard_app_puts_everything() {
    let turns = [
        Turn(
            r#"GET /Users?startIndex=1&count=100&filter=userName%20eq%20%22ana%40acme.example%22"#,
            200,
            r#"{"totalResults":0}"#,
            &[],
        ),
        Turn(
            r#"ana = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz"},"emails":[{"primary":true,"value":"ana@acme.example","type":"work"}],"displayName":"Ana Ruiz","locale":"en-US","externalId":"00u1","groups":[],"password":"1mz050nq","active":true}"#,
            201,
            r#"{"active":true,"externalId":"00u1","password":null}"#,
            &[],
        ),
        Turn(
            r#"PUT /Users/{ana} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{ana}","userName":"ana@acme.example","name":{"givenName":"Anna","familyName":"Ruiz"},"emails":[{"primary":true,"value":"ana@acme.example","type":"work"}],"externalId":"00u1","groups":[],"active":true,"meta":{"resourceType":"User"}}"#,
            200,
            r#"{"name":{"givenName":"Anna"},"externalId":"00u1"}"#,
            &[],
        ),
        Turn(
            r#"PUT /Users/{ana} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{ana}","userName":"ana@acme.example","name":{"givenName":"Anna","familyName":"Ruiz"},"active":false,"customAttribute":"x"}"#,
            200,
            r#"{"active":false}"#,
            &["unknownAttribute"],
        ),
        Turn(
            r#"PUT /Users/{ana} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:okta:custom:1.0:user"],"userName":"ana@acme.example","active":true}"#,
            200,
            r#"{"active":true}"#,
            &["unknownSchema"],
        ),
        Turn(
            r#"sales = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[]}"#,
            201,
            r#"{"members":null}"#,
            &[],
        ),
        Turn(
            r#"PUT /Groups/{sales} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"{sales}","displayName":"Sales EMEA","members":[{"value":"{ana}","display":"ana@acme.example"}]}"#,
            200,
            r#"{"displayName":"Sales EMEA","members":[{"value":"{ana}"}]}"#,
            &[],
        ),
        Turn(
            r#"PUT /Groups/{sales} {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales EMEA","members":[]}"#,
            200,
            r#"{"members":null}"#,
            &[],
        ),
        Turn(r#"DELETE /Groups/{sales}"#, 204, r#""#, &[]),
        Turn(r#"DELETE /Users/{ana}"#, 204, r#""#, &[]),
    ];
    for dialect in [Dialect::Okta, Dialect::Any] {
        hold(dialect, &turns).await;
    }
}

#[tokio::test]
async fn a_catalogue_app_s_departures_are_told() {
    let turns = [
        Turn(
            r#"GET /Users?startIndex=1&count=2"#,
            200,
            r#"{"totalResults":0,"startIndex":1,"itemsPerPage":0}"#,
            &[],
        ),
        Turn(r#"GET /Groups?startIndex=1&count=100"#, 200, r#"{"totalResults":0}"#, &[]),
        Turn(
            r#"ana = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz"},"groups":[],"active":true}"#,
            201,
            r#"{"active":true}"#,
            &[],
        ),
        Turn(
            r#"sales = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[]}"#,
            201,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"id":"{sales}","displayName":"Sales EMEA"}}]}"#,
            200,
            r#"{"displayName":"Sales EMEA"}"#,
            &["readOnlyInValue"],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{ana}","display":"ana"},{"value":"gone","display":"g"}]}]}"#,
            200,
            r#"{"members":[{"value":"{ana}"}]}"#,
            &["unknownMember"],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}"#,
            200,
            r#"{"active":false}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"password":"N3w"}}]}"#,
            200,
            r#"{"password":null}"#,
            &[],
        ),
        Turn(r#"DELETE /Users/{ana}"#, 204, r#""#, &[]),
    ];
    for dialect in [Dialect::Okta, Dialect::Any] {
        hold(dialect, &turns).await;
    }
}
