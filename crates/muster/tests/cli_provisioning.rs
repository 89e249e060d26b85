//! From an application to accounts on the command line: both halves run, and meet over HTTP.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use more of it")]
mod office;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use insta::assert_snapshot;
use office::Office;

const SOURCE: &str = r#"name = "hr"

[columns]
employeeNumber = "id"
"name.givenName" = "first"
"name.familyName" = "last"
department = "dept"
hireDate = "start"
terminationDate = "end"

[[generated]]
attribute = "userName"
value = 'row.first + "." + row.last + "@acme.example"'

[[generated]]
attribute = "displayName"
value = 'row.first + " " + row.last'
"#;

const FILE: &str = "id,first,last,dept,start,end
1,Ana,Ruiz,Sales,2020-01-01,
2,Bo,Lind,Support,2021-06-01,2026-11-24
3,Eva,Novak,Legal,2022-02-02,
";

/// An office with a running server and an application that is not set up yet.
struct Running {
    office: Office,
    server: Child,
    address: String,
}

impl Running {
    fn new() -> Self {
        let office = Office::new();
        let file = office.path().join("muster.toml");
        let config = std::fs::read_to_string(&file).unwrap();
        let listen = |port: u16| format!("listen = \"127.0.0.1:{port}\"");
        let config = config.replace(&listen(8080), &listen(0)).replace(&listen(8081), &listen(0));
        std::fs::write(file, config).unwrap();
        office.done("tenant create acme");
        office.done("license preset guide");
        let mut server =
            office.command("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // The first line says where the service provider listens; then it does.
        let mut said = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        let address = said.split_once("http://").unwrap().1.split(',').next().unwrap().to_string();
        let running = Self { office, server, address };
        running.fill();
        running
    }

    fn fill(&self) {
        let Self { office, address, .. } = self;
        office.write("hr.toml", SOURCE);
        office.write("hr.csv", FILE);
        office.done("source add hr.toml");
        office.done("source import hr hr.csv --as-of 2026-11-24");
        office.done("group create 'Zoom - Meetings' --grants-licenses");
        office.done("group create 'Zoom - Phone' --grants-licenses");
        office.done("rule put all --group 'Zoom - Meetings' --condition 'has(user.userName)'");
        office.done(
            "rule put sales --group 'Zoom - Phone' --condition 'user.department == \"Sales\"'",
        );
        office.write("token", &token(office));
        office.done(&format!(
            "app add zoom --profile muster --base-url http://{address}/scim2 --token-file token"
        ));
    }

    /// Runs a command line; the address is told alike.
    fn run(&self, line: &str) -> String {
        self.office.run(line).replace(&self.address, "[ADDRESS]")
    }

    /// What a command line prints for programs.
    fn json(&self, line: &str) -> serde_json::Value {
        let printed = self.office.command(line).arg("--json").output().unwrap();
        serde_json::from_slice(&printed.stdout).unwrap()
    }
}

/// A token of the tenant, made now.
fn token(office: &Office) -> String {
    let printed = office.command("token create --tenant acme").output().unwrap();
    String::from_utf8(printed.stdout).unwrap()
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Assigns the application and keeps both groups there.
fn set_up(running: &Running) {
    running.office.done("app assign zoom --everyone");
    running.office.done("app push-group zoom 'Zoom - Meetings'");
    running.office.done("app push-group zoom 'zoom - phone'");
}

#[test]
fn an_application_is_set_up_step_by_step() {
    let running = Running::new();
    assert_snapshot!(running.run("app test zoom"), @r"
    exit 0
    zoom accepts the token; 0 users are there.
    ");
    assert_snapshot!(running.run("app assign zoom --group 'zoom - meetings'"), @r"
    exit 0
    zoom is assigned to group Zoom - Meetings.
    Next: muster plan zoom
    ");
    assert_snapshot!(running.run("app assign zoom --person 1"), @r"
    exit 0
    zoom is assigned to Ana Ruiz (1).
    Next: muster plan zoom
    ");
    assert_snapshot!(running.run("app unassign zoom --person ana.ruiz@acme.example"), @r"
    exit 0
    zoom is no longer assigned to Ana Ruiz (1).
    Next: muster plan zoom
    ");
    assert_snapshot!(running.run("app unassign zoom --everyone"), @r"
    exit 2
    error: zoom is not assigned to everyone
      -> It is assigned to group Zoom - Meetings.
    ");
    assert_snapshot!(running.run("app assign zoom"), @r"
    exit 2
    error: the following required arguments were not provided:
      <--everyone|--group <GROUP>|--person <WHO>>

    Usage: muster app assign <--everyone|--group <GROUP>|--person <WHO>> <APP>

    For more information, try '--help'.
    ");
    assert_snapshot!(running.run("app push-group zoom 'zoom - phone' --name Phone --link-only"), @r"
    exit 0
    Group Zoom - Phone is kept in zoom as Phone.
    Next: muster plan zoom
    ");
    assert_snapshot!(running.run("app push-group zoom 'Zoom - Phone' --remove"), @r"
    exit 0
    Group Zoom - Phone is no longer kept in zoom; what is there stays there.
    Next: muster plan zoom
    ");
    assert_snapshot!(running.run("app push-group zoom 'Zoom - Phone' --remove"), @r"
    exit 2
    error: group Zoom - Phone is not pushed to zoom
    ");
    assert_snapshot!(running.run("app actions zoom --create off --deactivate off"), @r"
    exit 0
    zoom may: update.
    Next: muster plan zoom
    ");
    assert_snapshot!(running.run("app actions zoom"), @r"
    exit 0
    zoom may: update.
    ");
    assert_snapshot!(running.run("app list"), @r"
    exit 0
     Name   Profile   Base URL                       Assigned to             Push groups   Actions
    ───────────────────────────────────────────────────────────────────────────────────────────────
     zoom   muster    http://[ADDRESS]/scim2   group Zoom - Meetings   0             update
    ");
    assert_snapshot!(running.run("app add ZOOM --base-url http://127.0.0.1:9/scim"), @r"
    exit 2
    error: there is already an application `ZOOM`
      -> Nothing was changed. `muster app show` tells what it is; `app token`, `app assign`, `app push-group` and `app actions` change it.
    ");
    assert_snapshot!(running.run("app add other --base-url http://10.0.0.1/scim"), @r#"
    exit 2
    error: application `other`: 10.0.0.1 lies in a private network (10.0.0.1), where requests are refused; if it is meant, add "10.0.0.1" to private_hosts under [directory]
    "#);
    assert_snapshot!(running.run("app add other --profile nothing --base-url https://x.example"), @r"
    exit 2
    error: application `other`: the profile `nothing` is not known; there are scim, zoom, muster
    ");
    assert_snapshot!(running.run("app show zoom"), @r#"
    exit 0
    name = "zoom"
    profile = "muster"
    base_url = "http://[ADDRESS]/scim2"
    match_by = [
        "externalId",
        "userName",
    ]
    drift = "report"
    auto = false

    [actions]
    create_users = false
    update_attributes = true
    deactivate_users = false

    [[assign]]
    group = "Zoom - Meetings"
    "#);
}

#[test]
fn a_token_that_is_not_one_is_diagnosed() {
    let running = Running::new();
    running.office.write("token", "not a token\n");
    running.office.done("app token zoom --token-file token");
    assert_snapshot!(running.run("app test zoom"), @r#"
    exit 1
    error: zoom refused the token, which it does not know (401): "The bearer token is not one of this server's: it is mistyped, cut short, or meant for another. Paste it again, or make one with `muster token create`"
      -> Make a new token in the application, then `muster app token zoom --token-file F`.
    "#);
    set_up(&running);
    assert_snapshot!(running.run("plan zoom --as-of 2026-11-24"), @r"
    exit 1
    error: application `zoom`: the application refused the token (401): The bearer token is not one of this server's: it is mistyped, cut short, or meant for another. Paste it again, or make one with `muster token create`.
      -> Make a new token in the application, then `muster app token NAME --token-file F`.
    ");
    assert_snapshot!(running.run("provision 1 --app zoom --as-of 2026-11-24"), @r#"
    exit 1
    1. credentials: failed
       zoom refused the token, which it does not know (401): "The bearer token is not one of this server's: it is mistyped, cut short, or meant for another. Paste it again, or make one with `muster token create`".
       GET /Users?startIndex=1&count=1: 401
    error: 1 was not provisioned in zoom; 1 request
      -> Make a new token in the application, then `muster app token zoom --token-file F`.
    "#);
    running.office.write("token", "");
    assert_snapshot!(running.run("app token zoom --token-file token"), @r"
    exit 2
    error: the token file token is empty
      -> `muster token create --tenant NAME > FILE` writes one.
    ");
}

#[test]
fn a_plan_is_shown_applied_and_then_empty() {
    let running = Running::new();
    set_up(&running);
    assert_snapshot!(running.run("plan zoom --as-of 2026-11-24"), @r#"
    exit 0
    Plan for zoom on 2026-11-24
    4 changes, 4 requests: 2 created, 2 groups created or linked, 3 members added

    Joiners (2)
      create        Ana Ruiz (1): 1 request
          as ana.ruiz@acme.example
          Employed since 2020-01-01.
          Group Everyone is assigned to the application.
      create        Eva Novak (3): 1 request
          as eva.novak@acme.example
          Employed since 2022-02-02.
          Group Everyone is assigned to the application.

    Groups (2)
      create group  Zoom - Meetings: 1 request
          + Ana Ruiz (1): Rule "all" matches: has(user.userName) (user.userName is "ana.ruiz@acme.example").
          + Eva Novak (3): Rule "all" matches: has(user.userName) (user.userName is "eva.novak@acme.example").
      create group  Zoom - Phone: 1 request
          + Ana Ruiz (1): Rule "sales" matches: user.department == "Sales" (user.department is "Sales").

    The application was listed for this: 2 pages.

    Seats are the application's to give: `muster explain EMAIL` asks it.
    Nothing is held. `muster apply zoom` does exactly this.
    Plan [DIGEST]
    "#);
    assert!(
        running
            .run("apply zoom --as-of 2026-11-24")
            .starts_with("exit 0\nzoom: 4 of 4 changes made, 4 requests (4 planned) in ")
    );
    assert_snapshot!(running.run("plan zoom --as-of 2026-11-24"), @r"
    exit 0
    Plan for zoom on 2026-11-24
    Nothing to do.
    ");
    assert_snapshot!(running.run("apply zoom --as-of 2026-11-24"), @r"
    exit 0
    zoom is as it should be; there was nothing to do.
    ");
}

#[test]
fn one_person_is_provisioned_step_by_step() {
    let running = Running::new();
    set_up(&running);
    assert_snapshot!(running.run("provision ana.ruiz@acme.example --app zoom --as-of 2026-11-24"), @r#"
    exit 0
    1. credentials: done
       zoom accepts the token; 0 users are there.
       GET /Users?startIndex=1&count=1: 200
    2. person: done
       Ana Ruiz (1) is in hr.csv, line 2, of source hr, imported [TIME].
    3. scope: done
       Employed since 2020-01-01. Group Everyone is assigned to the application.
    4. match: done
       No account there is the person's.
       GET /Users?filter=userName eq "ana.ruiz@acme.example": 200
    5. decide: done
       To do: create. Employed since 2020-01-01. Group Everyone is assigned to the application.
    6. act: done
       The application acknowledged it.
       POST /Users: 201
    7. groups: nothing to do
       Zoom - Meetings is not there yet; it comes with the next apply. Zoom - Phone is not there yet; it comes with the next apply.
    The account is as it should be; 3 requests.
    "#);
    assert_snapshot!(running.run("provision 2 --app zoom --as-of 2026-11-24"), @r#"
    exit 0
    1. credentials: done
       zoom accepts the token; one user is there.
       GET /Users?startIndex=1&count=1: 200
    2. person: done
       Bo Lind (2) is in hr.csv, line 3, of source hr, imported [TIME].
    3. scope: nothing to do
       Left on 2026-11-24. Group Everyone is assigned to the application.
    4. match: done
       No account there is the person's.
       GET /Users?filter=userName eq "bo.lind@acme.example": 200
    5. decide: nothing to do
       Nothing to do: the account is absent.
    6. groups: nothing to do
       Without an active account there are no memberships to push.
    The account is as it should be; 2 requests.
    "#);
}

#[test]
fn a_license_is_explained_from_the_hr_row_to_the_seat() {
    let running = Running::new();
    set_up(&running);
    running.office.done("apply zoom --as-of 2026-11-24");
    assert_snapshot!(running.run("explain ana.ruiz@acme.example --app zoom --as-of 2026-11-24"), @r#"
    exit 0
    Ana Ruiz (1, ana.ruiz@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 2, imported [TIME].
      + Employed since 2020-01-01.
      + Member of group Zoom - Meetings
          Rule "all" matches: has(user.userName) (user.userName is "ana.ruiz@acme.example").
      + Member of group Zoom - Phone
          Rule "sales" matches: user.department == "Sales" (user.department is "Sales").
    Application zoom (http://[ADDRESS]/scim2)
      + Assigned
          Group Everyone is assigned to the application.
      + Account [ID], active
          Created by us [TIME], last written [TIME].
      + Pushed to group Zoom - Meetings since [TIME]
      + Pushed to group Zoom - Phone since [TIME]
      [asked of zoom at [TIME]]
        + Workplace Business: held since [TIME]
            Member of group "Zoom - Phone" since [TIME].
            Group "Zoom - Phone" grants Workplace Business.
            Seat of Workplace Business held since [TIME]; 1 seats are held, without a limit.
        + Zoom Phone: held since [TIME]
            Member of group "Zoom - Phone" since [TIME].
            Group "Zoom - Phone" grants Zoom Phone.
            Seat of Zoom Phone held since [TIME]; 1 seats are held, without a limit.
        - Workplace Enterprise: not given
            No group of zoom grants it.
        - Workplace Licensed: not given
            Group Zoom - Meetings grants it, but Workplace Business is held instead.
            Group Zoom - Webinars grants it, which is not kept from here.
        - Unassigned (no meetings license): not given
            It is for whoever is granted no other license.
        - Zoom Contact Center: not given
            Group Zoom - Contact Center grants it, which is not kept from here.
        - Zoom Webinars: not given
            Group Zoom - Webinars grants it, which is not kept from here.
        recording = cloud, imposed by group Zoom - Phone
        voicemail-transcription = on, imposed by group Zoom - Phone
        ana.ruiz@acme.example has recording = cloud (granted by group "Zoom - Phone"), not local (granted by group "Zoom - Meetings"): the group with the higher license wins, then the name. Give the groups one value to end the conflict.
    "#);
    assert_snapshot!(running.run("explain 3 --app zoom --as-of 2026-11-24"), @r#"
    exit 0
    Eva Novak (3, eva.novak@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 4, imported [TIME].
      + Employed since 2022-02-02.
      + Member of group Zoom - Meetings
          Rule "all" matches: has(user.userName) (user.userName is "eva.novak@acme.example").
      - Not in group Zoom - Phone
          Rule "sales" does not match: user.department == "Sales" (user.department is "Legal", not "Sales").
    Application zoom (http://[ADDRESS]/scim2)
      + Assigned
          Group Everyone is assigned to the application.
      + Account [ID], active
          Created by us [TIME], last written [TIME].
      + Pushed to group Zoom - Meetings since [TIME]
      [asked of zoom at [TIME]]
        + Workplace Licensed: held since [TIME]
            Member of group "Zoom - Meetings" since [TIME].
            Group "Zoom - Meetings" grants Workplace Licensed.
            Seat of Workplace Licensed held since [TIME]; 1 seats are held, without a limit.
        - Workplace Enterprise: not given
            No group of zoom grants it.
        - Workplace Business: not given
            Group Zoom - Contact Center grants it, which is not kept from here.
            Group Zoom - Phone grants it, and the person is not in it. Rule "sales" does not match: user.department == "Sales" (user.department is "Legal", not "Sales").
        - Unassigned (no meetings license): not given
            It is for whoever is granted no other license.
        - Zoom Contact Center: not given
            Group Zoom - Contact Center grants it, which is not kept from here.
        - Zoom Phone: not given
            Group Zoom - Contact Center grants it, which is not kept from here.
            Group Zoom - Phone grants it, and the person is not in it. Rule "sales" does not match: user.department == "Sales" (user.department is "Legal", not "Sales").
        - Zoom Webinars: not given
            Group Zoom - Webinars grants it, which is not kept from here.
        recording = local, imposed by group Zoom - Meetings
    "#);
}

#[test]
fn a_plan_that_takes_too_much_is_held_until_it_is_approved() {
    let running = Running::new();
    set_up(&running);
    let file = |end: &str| {
        let row = |at| format!("{at},First{at},Last{at},Legal,2020-01-01,{end}\n");
        let rows: String = (10..30).map(row).collect();
        format!("{FILE}{rows}")
    };
    running.office.write("hr.csv", &file(""));
    running.office.done("source import hr hr.csv --as-of 2026-11-24");
    running.office.done("apply zoom --as-of 2026-11-24");
    running.office.write("hr.csv", &file("2026-11-24"));
    running.office.done("source import hr hr.csv --as-of 2026-11-24");
    assert_snapshot!(running.run("apply zoom --as-of 2026-11-24"), @r"
    exit 3
    error: zoom is held for approval. 20 of 22 active accounts would be deactivated; without approval it may be 100 or 5 %, whichever is less.
      -> Look at `muster plan zoom`. If it is meant: `muster apply zoom --approve [DIGEST]`. If not, correct the HR file, the rules or the groups.
    ");
    let plan = running.json("plan zoom --as-of 2026-11-24");
    let digest = plan["plan"]["digest"].as_str().unwrap();
    assert_snapshot!(running.run("apply zoom --approve 0123456789 --as-of 2026-11-24"), @r"
    exit 2
    error: application `zoom`: no plan 0123456789 was made lately; run `muster plan zoom` and approve what it shows
    ");
    running.office.done(&format!("apply zoom --approve {digest} --as-of 2026-11-24"));
    assert_eq!(
        running.json("plan zoom --as-of 2026-11-24")["plan"]["changes"],
        serde_json::json!([])
    );
}
