//! Entra ID's two forms word for word (its documents on SCIM and on aadOptscim062020): from the test of
//! the connection to the hard delete, with what the request log tells.

use service_provider::Dialect;

use super::conversation::{Turn, hold};

#[tokio::test]
async fn the_default_form_from_test_connection_to_hard_delete() {
    let turns = [
        Turn(
            r#"GET /Users?filter=userName%20eq%20%225f3a%22"#,
            200,
            r#"{"totalResults":0,"Resources":[]}"#,
            &[],
        ),
        Turn(
            r#"GET /Groups?excludedAttributes=members&filter=displayName%20eq%20%225f3a%22"#,
            200,
            r#"{"totalResults":0,"Resources":[]}"#,
            &[],
        ),
        Turn(
            r#"GET /Users?filter=externalId%20eq%20jyoung"#,
            200,
            r#"{"totalResults":0}"#,
            &["unquotedLiteral"],
        ),
        Turn(
            r#"ana = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"jyoung","userName":"ana@acme.example","active":true,"emails":[{"primary":true,"type":"work","value":"ana@acme.example"}],"meta":{"resourceType":"User"},"name":{"formatted":"Ana Ruiz","familyName":"Ruiz","givenName":"Ana"},"roles":[]}"#,
            201,
            r#"{"active":true,"roles":null}"#,
            &[],
        ),
        Turn(
            r#"GET /Users?filter=externalId%20eq%20jyoung"#,
            200,
            r#"{"totalResults":1}"#,
            &["unquotedLiteral"],
        ),
        Turn(
            r#"boss = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"boss@acme.example","active":true,"roles":[]}"#,
            201,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"{boss}"}]}"#,
            200,
            r#"{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"{boss}"}}}"#,
            &["bareValueForComplex", "capitalisedOp"],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":[{"$ref":null,"value":"{boss}"}]}]}"#,
            200,
            r#"{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"{boss}"}}}"#,
            &["capitalisedOp", "multipleForSingle"],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}]}"#,
            200,
            r#"{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":null}"#,
            &["capitalisedOp"],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"emails[type eq \"other\"].value","value":"o@acme.example"}]}"#,
            200,
            r#"{"emails":[{"type":"work"},{"type":"other","value":"o@acme.example"}]}"#,
            &["capitalisedOp", "replaceCreates"],
        ),
        Turn(
            r#"sales = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"g-1","displayName":"Sales","meta":{"resourceType":"Group"}}"#,
            201,
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales"}"#,
            &["unknownSchema"],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[{"$ref":null,"value":"{ana}"},{"$ref":null,"value":"{boss}"}]}]}"#,
            204,
            r#""#,
            &["capitalisedOp"],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"{boss}"}]}]}"#,
            204,
            r#""#,
            &["capitalisedOp", "removalByValueList"],
        ),
        Turn(r#"GET /Groups/{sales}"#, 200, r#"{"members":[{"value":"{ana}"}]}"#, &[]),
        Turn(
            r#"GET /Groups/{sales}?excludedAttributes=members"#,
            200,
            r#"{"members":null,"displayName":"Sales"}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#,
            200,
            r#"{"active":false}"#,
            &["booleanAsString", "capitalisedOp"],
        ),
        Turn(r#"GET /Users/{ana}"#, 200, r#"{"active":false,"groups":[{"value":"{sales}"}]}"#, &[]),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"True"}]}"#,
            200,
            r#"{"active":true,"groups":[{"value":"{sales}"}]}"#,
            &["booleanAsString", "capitalisedOp"],
        ),
        Turn(r#"GET /Groups/{sales}"#, 200, r#"{"members":[{"value":"{ana}"}]}"#, &[]),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#,
            200,
            r#"{"active":false}"#,
            &["booleanAsString", "capitalisedOp"],
        ),
        Turn(r#"DELETE /Users/{ana}"#, 204, r#""#, &[]),
        Turn(r#"GET /Users/{ana}"#, 404, r#"{"status":"404"}"#, &[]),
        Turn(r#"GET /Groups/{sales}"#, 200, r#"{"members":null}"#, &[]),
    ];
    for dialect in [Dialect::Entra] {
        hold(dialect, &turns).await;
    }
}

#[tokio::test]
async fn the_form_of_aad_optscim_062020() {
    let turns = [
        Turn(
            r#"ana = POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"a","userName":"ana@acme.example","active":true,"name":{"familyName":"Ruiz","givenName":"Ana"},"roles":[]}"#,
            201,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Users/{ana} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"displayName":"Ana R","name.givenName":"Anna","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"7","emails[type eq \"work\"].value":"ana@acme.example","active":false}}]}"#,
            200,
            r#"{"displayName":"Ana R","name":{"givenName":"Anna","familyName":"Ruiz"},"active":false,"emails":[{"type":"work","value":"ana@acme.example"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"7"}}"#,
            &["dottedKey", "filterKey", "replaceCreates", "urnKey"],
        ),
        Turn(
            r#"sales = POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[{"value":"{ana}"}]}"#,
            201,
            r#"{}"#,
            &[],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"displayName":"Sales EMEA"}}]}"#,
            204,
            r#""#,
            &[],
        ),
        Turn(
            r#"PATCH /Groups/{sales} {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"{ana}\"]"}]}"#,
            204,
            r#""#,
            &[],
        ),
        Turn(r#"GET /Groups/{sales}"#, 200, r#"{"displayName":"Sales EMEA","members":null}"#, &[]),
    ];
    for dialect in [Dialect::Entra] {
        hold(dialect, &turns).await;
    }
}
