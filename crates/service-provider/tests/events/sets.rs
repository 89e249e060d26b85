//! Security event tokens of RFC 9967, pushed (RFC 8935) and polled (RFC 8936).

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use service_provider::{Form, NewWebhook, Webhook};

use super::receiver::Receiver;
use super::*;

impl Server {
    fn stream(&self, url: Option<&str>, form: Form) -> Webhook {
        self.provider.seal_events().unwrap();
        let new = NewWebhook {
            url: url.map(str::to_owned),
            form,
            audience: Some("https://receiver.example".into()),
            authorization: Some("Bearer swordfish".into()),
            ..NewWebhook::to("")
        };
        let added = self.provider.add_webhook(&self.ctx(), &self.tenant, &new).unwrap();
        assert_eq!(added.secret, None, "tokens are signed with a key that everybody can check");
        added.webhook
    }

    /// The claims of a token, once its signature has been checked with a key of the key set.
    async fn checked(&self, token: &str) -> Value {
        let parts: Vec<&str> = token.split('.').collect();
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let header: Value = serde_json::from_slice(&decoded(parts[0])).unwrap();
        assert_eq!((&header["typ"], &header["alg"]), (&json!("secevent+jwt"), &json!("RS256")));
        let url = format!("{}/.well-known/jwks.json", self.provider.public_url());
        let keys = send(self.client.get(url)).await.with(200);
        let keys = keys["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
        let number = |name: &str| decoded(key[name].as_str().unwrap());
        let public = public_key(&number("n"), &number("e"));
        let signed = format!("{}.{}", parts[0], parts[1]);
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(signed.as_bytes(), &decoded(parts[2]))
            .unwrap();
        let claims: Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
        assert_eq!(claims["iss"], self.provider.public_url());
        assert_eq!(claims["aud"], "https://receiver.example");
        assert_eq!(claims["exp"], Value::Null, "RFC 8417 2.2: what has happened stays so");
        claims
    }

    async fn poll(&self, body: Value) -> Value {
        self.provider.seal_events().unwrap();
        self.write(Method::POST, "/v2/events/poll", &body).await.with(200)
    }
}

/// RFC 8017 A.1.1: a sequence of two integers.
fn public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let element = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    };
    let short =
        |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let positive = [&[0], modulus].concat();
    element(0x30, &[element(0x02, &positive), short(0x02, exponent)].concat())
}

const PREFIX: &str = "urn:ietf:params:scim:event:";

#[tokio::test]
async fn what_happens_to_users_and_groups_is_pushed_in_tokens() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    receiver.answer_status(202);
    server.stream(Some(&receiver.url), Form::Set);
    let ana = server.user("ana").await;
    server.rename(&ana, "Ana").await;
    let group = server.group("Sales", &[&ana]).await;
    server.set_active(&ana, false).await;
    server.set_active(&ana, true).await;
    server.delete(&format!("/scim2/Users/{ana}")).await.with(204);
    server.provider.work_off_events().await.unwrap();
    let mut tokens = Vec::new();
    for message in receiver.take() {
        assert_eq!(message.header("content-type"), "application/secevent+jwt");
        assert_eq!(message.header("authorization"), "Bearer swordfish");
        tokens.push(server.checked(&message.body).await);
    }
    let of = |subject: &str| -> Vec<&Value> {
        tokens.iter().filter(|t| t["sub_id"]["uri"] == subject).map(|t| &t["events"]).collect()
    };
    let user = of(&format!("/Users/{ana}"));
    let created = &user[0][format!("{PREFIX}prov:create:full")];
    assert_eq!(created["data"]["userName"], "ana@acme.test");
    assert_eq!(created["data"]["id"], ana.as_str(), "a replica can take the same id");
    assert_eq!(
        user[1],
        &json!({format!("{PREFIX}prov:patch:full"): {"data": {
            "schemas": [urn::PATCH_OP],
            "Operations": [{"op": "replace", "path": "displayName", "value": "Ana"}],
        }}})
    );
    assert_eq!(user[2], &json!({format!("{PREFIX}prov:deactivate"): {}}));
    assert_eq!(user[3], &json!({format!("{PREFIX}prov:activate"): {}}));
    assert_eq!(
        user[4],
        &json!({format!("{PREFIX}prov:delete"): {}}),
        "and no feed:remove beside it"
    );
    let members = of(&format!("/Groups/{group}"));
    let operation =
        |events: &Value| events[format!("{PREFIX}prov:patch:full")]["data"]["Operations"].clone();
    let added = json!([{"op": "add", "path": "members", "value": [{"value": ana}]}]);
    assert_eq!(operation(members[1]), added);
    let removed = json!([{"op": "remove", "path": format!("members[value eq \"{ana}\"]")}]);
    assert_eq!(operation(members[2]), removed);
    let token = tokens.iter().find(|t| t["sub_id"]["uri"] == format!("/Users/{ana}")).unwrap();
    let subject = json!({"format": "scim", "uri": format!("/Users/{ana}"), "externalId": "hr-ana"});
    assert_eq!(token["sub_id"], subject);
    // Group and membership were one write.
    let group = |events: &Value| tokens.iter().find(|t| &t["events"] == events).unwrap();
    assert_eq!(group(members[0])["txn"], group(members[1])["txn"]);
    assert_ne!(group(members[0])["txn"], token["txn"]);
}

#[tokio::test]
async fn a_notice_says_that_something_changed_and_not_what() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    server.stream(Some(&receiver.url), Form::SetNotice);
    let ana = server.user("ana").await;
    server.rename(&ana, "Secret Name").await;
    server.provider.work_off_events().await.unwrap();
    let got = receiver.take();
    let claims = server.checked(&got[1].body).await;
    let told = json!({format!("{PREFIX}prov:patch:notice"): {"attributes": ["displayName"]}});
    assert_eq!(claims["events"], told);
    assert!(!claims.to_string().contains("Secret Name"));
}

#[tokio::test]
async fn a_token_the_receiver_cannot_use_is_given_up_at_once() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let stream = server.stream(Some(&receiver.url), Form::Set);
    receiver.answer(|_| Some((400, r#"{"err":"invalid_audience","description":"whose?"}"#.into())));
    server.user("ana").await;
    server.provider.work_off_events().await.unwrap();
    let dead = server.provider.dead_deliveries(&server.tenant, &stream.id).unwrap();
    assert!(dead[0].error.contains("invalid_audience") && dead[0].attempts == 1, "{dead:?}");
}

#[tokio::test]
async fn a_receiver_polls_and_says_what_it_has() {
    let server = Server::start().await;
    let stream = server.stream(None, Form::Set);
    for name in ["ana", "bo", "cy"] {
        server.user(name).await;
    }
    let answer = server.poll(json!({"maxEvents": 2, "returnImmediately": true})).await;
    assert_eq!(answer["moreAvailable"], true);
    let sets = answer["sets"].as_object().unwrap().clone();
    assert_eq!(sets.len(), 2);
    let ids: Vec<&String> = sets.keys().collect();
    for (jti, token) in &sets {
        let claims = server.checked(token.as_str().unwrap()).await;
        assert_eq!(&claims["jti"], jti);
    }
    // What it has not acknowledged it is given again.
    let again = server.poll(json!({"maxEvents": 2, "returnImmediately": true})).await;
    assert_eq!(again["sets"], answer["sets"]);
    let body = json!({"ack": [ids[0]], "maxEvents": 0});
    assert_eq!(server.poll(body).await, json!({"sets": {}, "moreAvailable": false}));
    let error = json!({ids[1]: {"err": "jwtAud", "description": "not for me"}});
    let rest = server.poll(json!({"setErrs": error, "returnImmediately": true})).await;
    assert_eq!(
        (rest["sets"].as_object().unwrap().len(), &rest["moreAvailable"]),
        (1, &json!(false))
    );
    let dead = server.provider.dead_deliveries(&server.tenant, &stream.id).unwrap();
    assert_eq!((dead.len(), dead[0].error.as_str()), (1, "jwtAud: not for me"));
    assert_eq!(&dead[0].event, ids[1]);
    let last: Vec<&String> = rest["sets"].as_object().unwrap().keys().collect();
    let done = server.poll(json!({"ack": last, "returnImmediately": true})).await;
    assert_eq!(done["sets"], json!({}));

    let waiting = server.request(Method::POST, "/v2/events/poll").json(&json!({}));
    let waiting = tokio::spawn(send(waiting));
    server.user("di").await;
    server.provider.seal_events().unwrap();
    let answer = waiting.await.unwrap().with(200);
    assert_eq!(answer["sets"].as_object().unwrap().len(), 1, "it waited until there was one");
}

#[tokio::test]
async fn a_key_is_rotated_and_what_it_signed_can_still_be_checked() {
    let server = Server::start().await;
    server.stream(None, Form::Set);
    server.user("ana").await;
    let before = server.poll(json!({"returnImmediately": true})).await;
    let kid = server.provider.rotate_signing_key(&server.ctx()).unwrap();
    let after = server.poll(json!({"returnImmediately": true})).await;
    assert_ne!(before["sets"], after["sets"], "the same token, signed anew");
    for answer in [before, after] {
        for token in answer["sets"].as_object().unwrap().values() {
            server.checked(token.as_str().unwrap()).await;
        }
    }
    let url = format!("{}/.well-known/jwks.json", server.provider.public_url());
    let keys = send(server.client.get(url)).await.with(200);
    assert_eq!(keys["keys"][0]["kid"], kid.as_str());
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    assert!(!keys.to_string().contains("\"d\""), "the private half stays where it is");
}

#[tokio::test]
async fn a_client_finds_out_which_events_there_are() {
    let server = Server::start().await;
    let config = server.get("/scim2/ServiceProviderConfig").await.with(200);
    let events = &config["securityEvents"];
    assert_eq!(events["asyncRequest"], "none");
    let uris: Vec<&str> =
        events["eventUris"].as_array().unwrap().iter().map(|uri| uri.as_str().unwrap()).collect();
    assert!(uris.contains(&"urn:ietf:params:scim:event:prov:create:notice"), "{uris:?}");
    assert!(!uris.contains(&"urn:ietf:params:scim:event:misc:asyncresp"));
}
