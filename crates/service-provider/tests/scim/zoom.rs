//! What clients of Zoom's own SCIM API send: filters without quotes, `userType`, the older extension with
//! its booleans as text, PATCH for `active` with and without a path.

use service_provider::Dialect;

use super::conversation::{Turn, hold};

#[tokio::test]
async fn what_is_written_for_zoom_s_api_is_understood() {
    let turns = [
        Turn(
            r#"GET /Users?startIndex=1&count=10&filter=userName%20eq%20ana%40acme.example"#,
            200,
            r#"{"totalResults":0}"#,
            &["unquotedLiteral"],
        ),
        Turn(
            r#"ana = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:us:zoom:scim:schemas:extension:1.0:ZoomUser"],"userName":"ana@acme.example","name":{"givenName":"Ana","familyName":"Ruiz"},"emails":[{"type":"work","value":"ana@acme.example","primary":true}],"userType":"Licensed","active":true,"urn:us:zoom:scim:schemas:extension:1.0:ZoomUser":{"loginType":{"sso":"true","workEmail":"false"}}}"#,
            201,
            r#"{"userType":"Licensed","active":true}"#,
            &["booleanAsString"],
        ),
        Turn(
            r#"GET /Users?filter=userName%20eq%20%22ANA%40acme.example%22"#,
            200,
            r#"{"totalResults":1,"Resources":[{"id":"{ana}"}]}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#,
            200,
            r#"{"active":false,"userType":"Licensed"}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":true}}]}"#,
            200,
            r#"{"active":true}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"userType","value":"Basic"}]}"#,
            200,
            r#"{"userType":"Basic"}"#,
            &[],
        ),
        Turn(
            r#"sales = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales"}"#,
            201,
            r#"{"displayName":"Sales"}"#,
            &[],
        ),
        Turn(
            r#"GET /Groups?filter=displayName%20eq%20Sales"#,
            200,
            r#"{"totalResults":1}"#,
            &["unquotedLiteral"],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{ana}"}]}]}"#,
            200,
            r#"{}"#,
            &[],
        ),
        Turn(r#"DELETE /Groups/{sales}"#, 204, r#""#, &[]),
        Turn(r#"DELETE /Users/{ana}"#, 204, r#""#, &[]),
    ];
    for dialect in [Dialect::Any] {
        hold(dialect, &turns).await;
    }
}
