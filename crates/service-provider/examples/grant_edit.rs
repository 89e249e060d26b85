//! Measures a grant edit that touches many: how long the edit itself takes, and how long until
//! everybody is settled. `cargo run --release -p service-provider --example grant_edit -- 20000`

use std::time::Instant;

use db::Clock;
use entitlement::{Key, Preset};
use serde_json::json;
use service_provider::{Config, GrantSpec, NewToken, ServiceProvider, UserState};

/// Members that one request adds.
const MEMBERS_PER_REQUEST: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(20_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let provider = ServiceProvider::open(Config {
        database: format!("sqlite:{}", folder.path().join("service-provider.db").display()),
        public_url: format!("http://{}", listener.local_addr()?),
        key_file: None,
        clock: Clock::system(),
    })?;
    let ctx = provider.ctx("measure", "measure");
    let tenant = provider.create_tenant(&ctx, "Acme")?.id;
    let token = provider.create_token(&ctx, &tenant, &NewToken::named("directory"))?.secret;
    provider.apply_preset(&ctx, &tenant, &Preset::guide())?;
    let app = provider.router();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let mut users = Vec::with_capacity(count);
    for n in 0..count {
        let document = json!({
            "schemas": [scim::urn::USER], "userName": format!("user{n}@acme.test"),
        });
        users.push(provider.create_user(&ctx, &tenant, &document, UserState::Active)?.id);
    }
    let client = reqwest::Client::new();
    let groups = format!("{}/scim2/Groups", provider.public_url());
    let body = json!({"schemas": [scim::urn::GROUP], "displayName": "Zoom - Phone"});
    let group = client.post(&groups).bearer_auth(&token).json(&body).send().await?;
    let group: serde_json::Value = serde_json::from_str(&group.text().await?)?;
    let url = format!("{groups}/{}", group["id"].as_str().unwrap_or_default());
    for part in users.chunks(MEMBERS_PER_REQUEST) {
        let members: Vec<_> = part.iter().map(|id| json!({"value": id})).collect();
        let body = json!({
            "schemas": [scim::urn::PATCH_OP],
            "Operations": [{"op": "add", "path": "members", "value": members}],
        });
        let answer = client.patch(&url).bearer_auth(&token).json(&body).send().await?;
        answer.error_for_status()?;
    }
    provider.work_off()?;

    let spec =
        GrantSpec { license_type: Some(Key::parse("workplace-licensed")?), ..GrantSpec::default() };
    let began = Instant::now();
    let set = provider.set_group_grant(&ctx, &tenant, "Zoom - Phone", &spec)?;
    println!("the edit of {} members returned after {:?}", set.members, began.elapsed());
    for open in provider.settlements(&tenant)? {
        println!("pending: {}, {} of {} done", open.reason, open.done, open.total);
    }
    let began = Instant::now();
    let done = provider.work_off()?;
    println!("worked off in {} batches after {:?}", done.settlements, began.elapsed());
    println!("pending now: {}", provider.stale_count(&tenant)?);
    Ok(())
}
