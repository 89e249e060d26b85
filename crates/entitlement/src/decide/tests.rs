//! Tables: the grants of one user on the left, the entitlement as text on the right.

use jiff::Timestamp;

use super::*;
use crate::{GroupId, Preset};

/// An active user with nothing.
fn facts(catalogue: &Catalogue) -> Facts<'_> {
    Facts {
        catalogue,
        state: AccountState::Active,
        grants: &[],
        direct: &[],
        user_type: None,
        default_license: None,
        holds: &[],
        reclaimed: &[],
        free_when_inactive: true,
    }
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// `Name: license product product policy=value`; a word that is a license type of the guide's
/// catalogue (or starts with `?l`) is the license, others are products.
fn grant(text: &str) -> Grant {
    let catalogue = Preset::guide().catalogue();
    let (name, words) = text.split_once(": ").unwrap_or((text, ""));
    let mut grant = Grant {
        group: GroupId(format!("id of {name}")),
        group_name: name.to_owned(),
        path: vec![],
        order: None,
        priority: 0,
        license_type: None,
        products: vec![],
        policies: BTreeMap::new(),
    };
    for word in words.split_whitespace() {
        if let Some((policy, value)) = word.split_once('=') {
            grant.policies.insert(policy.into(), value.into());
        } else if word.starts_with("no-such-license")
            || catalogue.license_type(&key(word)).is_some()
        {
            grant.license_type = Some(key(word));
        } else {
            grant.products.push(key(word));
        }
    }
    grant
}

/// Decides over the guide's catalogue with the default `unassigned` and prints what comes out.
fn check(grants: &[&str], change: impl FnOnce(&mut Facts<'_>), expected: &str) {
    let catalogue = Preset::guide().catalogue();
    let grants: Vec<_> = grants.iter().map(|text| grant(text)).collect();
    let default = key("unassigned");
    let mut facts = Facts { grants: &grants, default_license: Some(&default), ..facts(&catalogue) };
    change(&mut facts);
    let entitlement = decide(&facts);
    let mut lines = Vec::new();
    for claim in entitlement.licenses.iter().chain(&entitlement.products) {
        let also: String = claim.also.iter().map(|reason| format!("; also {reason}")).collect();
        lines.push(format!("{}: {}{also}", claim.pool.key(), claim.reason));
    }
    for policy in &entitlement.policies {
        let PolicyClaim { name, value, reason, .. } = policy;
        lines.push(format!("{name} = {value}: {reason}"));
    }
    if entitlement.keeps_held {
        lines.push("keeps what is held".into());
    }
    lines.extend(entitlement.findings.iter().map(|finding| finding.sentence("Ana")));
    assert_eq!(lines.join("\n"), expected.replace("\n            ", "\n").trim());
}

#[test]
fn without_a_granting_group_the_tenants_default_applies() {
    check(&[], |_| {}, "unassigned: the tenant's default license");
    check(&["Everybody"], |_| {}, "unassigned: the tenant's default license");
    check(
        &[],
        |facts| facts.default_license = None,
        "Ana has no license: no group of theirs grants one and the tenant has no default. Set one with `muster license default TYPE`, or add them to a granting group.",
    );
}

#[test]
fn the_highest_rank_wins_and_the_lower_ones_stand_behind_it() {
    check(
        &["M: workplace-licensed", "P: workplace-business"],
        |_| {},
        r#"workplace-business: granted by group "P"
            workplace-licensed: granted by group "M"
            unassigned: the tenant's default license, while waiting for Workplace Business"#,
    );
}

#[test]
fn several_groups_with_one_license_are_all_reasons_by_name() {
    check(
        &["Z: workplace-licensed", "A: workplace-licensed"],
        |facts| facts.default_license = None,
        r#"workplace-licensed: granted by group "A"; also granted by group "Z""#,
    );
}

#[test]
fn products_are_the_union() {
    check(
        &["P: phone", "C: contact-center phone", "W: webinars"],
        |_| {},
        r#"unassigned: the tenant's default license
            contact-center: granted by group "C"
            phone: granted by group "C"; also granted by group "P"
            webinars: granted by group "W""#,
    );
}

#[test]
fn a_direct_grant_counts_like_a_group() {
    let at: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
    let direct = |pool| DirectGrant { pool, by: "admin@acme.test".into(), at, until: None };
    let grants =
        [direct(Pool::License(key("workplace-enterprise"))), direct(Pool::Product(key("phone")))];
    let catalogue = Preset::guide().catalogue();
    let granted = [grant("M: workplace-licensed phone")];
    let entitlement = decide(&Facts { grants: &granted, direct: &grants, ..facts(&catalogue) });
    assert_eq!(
        entitlement.license().unwrap().reason.to_string(),
        "granted directly by admin@acme.test on 2026-11-24"
    );
    let phone = entitlement.claim(&Pool::Product(key("phone"))).unwrap();
    assert_eq!(phone.reason.to_string(), "granted by group \"M\"");
    assert_eq!(phone.also.len(), 1);
}

#[test]
fn user_type_is_a_claim_only_where_it_names_a_live_license() {
    check(
        &[],
        |facts| facts.user_type = Some("Licensed"),
        r#"workplace-licensed: named by userType "Licensed"
            unassigned: the tenant's default license, while waiting for Workplace Licensed"#,
    );
    check(
        &[],
        |facts| facts.user_type = Some("Employee"),
        "unassigned: the tenant's default license",
    );
    check(
        &[],
        |facts| facts.user_type = Some("Basic"),
        r#"unassigned: the tenant's default license
            Ana does not get Basic: it is retired, though named by userType "Basic". Drop the constant userType mapping at the identity provider and assign licenses by group."#,
    );
}

#[test]
fn a_retired_license_is_not_granted_but_kept_by_who_holds_it() {
    check(
        &["Old: basic"],
        |_| {},
        r#"unassigned: the tenant's default license
            Ana does not get Basic: it is retired, though granted by group "Old". Change what the group grants to a live license type."#,
    );
    let holds = [Pool::License(key("basic"))];
    let catalogue = Preset::guide().catalogue();
    let granted = [grant("Old: basic"), grant("Older: basic")];
    let entitlement = decide(&Facts { grants: &granted, holds: &holds, ..facts(&catalogue) });
    assert_eq!(entitlement.license().unwrap().pool.key().as_str(), "basic");
    let sentences: Vec<_> = entitlement.findings.iter().map(|f| f.sentence("Ana")).collect();
    assert_eq!(
        sentences,
        [
            "Ana still holds Basic, which is retired. Move the remaining holders: `muster license move-holders basic --to TYPE`."
        ]
    );
}

#[test]
fn a_retired_default_gives_nothing_and_says_so() {
    let basic = key("basic");
    let catalogue = Preset::guide().catalogue();
    let entitlement = decide(&Facts { default_license: Some(&basic), ..facts(&catalogue) });
    assert_eq!(entitlement.license(), None);
    assert!(entitlement.findings[0].sentence("Ana").contains("`muster license default TYPE`"));
}

#[test]
fn a_default_above_what_is_granted_does_not_raise_it() {
    let business = key("workplace-business");
    let catalogue = Preset::guide().catalogue();
    let granted = [grant("M: workplace-licensed")];
    let entitlement =
        decide(&Facts { grants: &granted, default_license: Some(&business), ..facts(&catalogue) });
    let keys: Vec<_> = entitlement.licenses.iter().map(|c| c.pool.key().as_str()).collect();
    assert_eq!(keys, ["workplace-licensed"]);
}

#[test]
fn what_the_catalogue_lacks_is_found_not_given() {
    check(
        &["G: no-such-license fax phone"],
        |_| {},
        r#"unassigned: the tenant's default license
            phone: granted by group "G"
            Ana does not get license type `no-such-license`, granted by group "G": the catalogue has no such type. Correct the grant or add the type.
            Ana does not get product `fax`, granted by group "G": the catalogue has no such product. Correct the grant or add the product."#,
    );
}

#[test]
fn policies_follow_the_highest_license_then_the_name() {
    check(
        &[
            "A: recording=off",
            "B: workplace-licensed recording=local",
            "C: recording=cloud chat=on",
        ],
        |facts| facts.default_license = None,
        r#"workplace-licensed: granted by group "B"
            chat = on: granted by group "C"
            recording = local: granted by group "B"
            Ana has recording = local (granted by group "B"), not off (granted by group "A"): the group with the higher license wins, then the name. Give the groups one value to end the conflict.
            Ana has recording = local (granted by group "B"), not cloud (granted by group "C"): the group with the higher license wins, then the name. Give the groups one value to end the conflict."#,
    );
    check(
        &["B: recording=cloud", "A: recording=cloud"],
        |_| {},
        r#"unassigned: the tenant's default license
            recording = cloud: granted by group "A""#,
    );
}

#[test]
fn who_is_not_active_has_nothing() {
    check(
        &["P: workplace-business phone recording=cloud"],
        |facts| facts.state = AccountState::Inactive,
        "Ana has no license and no products: the account is inactive. Reactivate it to give back what the groups grant.",
    );
    check(
        &["P: workplace-business phone"],
        |facts| facts.state = AccountState::Pending,
        "Ana has no license and no products: the account is pending. Licenses follow when the invitation is accepted.",
    );
    check(
        &["P: workplace-business phone"],
        |facts| {
            facts.state = AccountState::Inactive;
            facts.free_when_inactive = false;
        },
        r#"keeps what is held
            Ana is inactive and keeps the seats held before, because the policy "free the license on deactivation" is off. Switch it on to free them."#,
    );
}

#[test]
fn an_entitlement_survives_json() {
    let catalogue = Preset::guide().catalogue();
    let granted =
        [grant("P: workplace-business phone basic recording=cloud"), grant("Q: recording=off")];
    let entitlement = decide(&Facts { grants: &granted, ..facts(&catalogue) });
    let json = serde_json::to_string(&entitlement).unwrap();
    assert_eq!(serde_json::from_str::<Entitlement>(&json).unwrap(), entitlement);
}

/// Two license types of one rank, `left` and `right`, and `top` above both.
fn equals() -> Catalogue {
    let row = |name: &str, rank| crate::LicenseType::new(key(name), name, rank);
    Catalogue::new(vec![row("left", 5), row("right", 5), row("top", 9)], vec![])
}

/// `name license order`, a dash for no order; says who wins and why the others stand behind.
fn check_order(grants: &[&str], expected: &str) {
    let grants: Vec<Grant> = grants
        .iter()
        .map(|text| {
            let words: Vec<_> = text.split_whitespace().collect();
            let license_type = Some(key(words[1]));
            Grant { license_type, order: words[2].parse().ok(), ..grant(words[0]) }
        })
        .collect();
    let catalogue = equals();
    let entitlement = decide(&Facts { grants: &grants, ..facts(&catalogue) });
    let mut lines = vec![entitlement.license().unwrap().pool.key().to_string()];
    lines.extend(entitlement.outvoted.iter().map(OutvotedLicense::sentence));
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn of_equal_ranks_the_order_of_the_grants_decides_and_the_loser_is_told_why() {
    check_order(
        &["A left -", "B right 1"],
        "right\nleft (granted by group \"A\") stands behind right (granted by group \"B\"): of equal rank, order 1 goes before a grant without an order",
    );
    check_order(
        &["A left 7", "B right 3"],
        "right\nleft (granted by group \"A\") stands behind right (granted by group \"B\"): of equal rank, order 3 goes before order 7",
    );
    check_order(
        &["A left -", "B right -"],
        "left\nright (granted by group \"B\") stands behind left (granted by group \"A\"): rank and order are equal, so the key decides; give the grants an order to decide otherwise",
    );
    check_order(
        &["A left 1", "B top -"],
        "top\nleft (granted by group \"A\") stands behind top (granted by group \"B\"): rank 9 goes before rank 5",
    );
}

#[test]
fn a_license_is_as_high_in_the_order_as_the_best_of_its_grants() {
    check_order(
        &["A right 9", "B right 1", "C left 5"],
        "right\nleft (granted by group \"C\") stands behind right (granted by group \"B\"): of equal rank, order 1 goes before order 5",
    );
}

#[test]
fn a_reclaimed_product_is_not_claimed_and_a_reclaimed_license_leaves_the_default() {
    let reclaimed = |pool| Reclaimed { pool, idle_since: "2026-06-01".parse().unwrap() };
    let taken: &'static [Reclaimed] = Vec::leak(vec![
        reclaimed(Pool::License(key("workplace-business"))),
        reclaimed(Pool::Product(key("phone"))),
    ]);
    check(
        &["P: workplace-business phone webinars", "M: workplace-licensed"],
        |facts| facts.reclaimed = taken,
        r#"unassigned: the tenant's default license
            webinars: granted by group "P"
            Ana does not hold Workplace Business: reclaimed, idle since 2026-06-01. Signing in claims it again.
            Ana does not hold Workplace Licensed: reclaimed, idle since 2026-06-01. Signing in claims it again.
            Ana does not hold Zoom Phone: reclaimed, idle since 2026-06-01. Signing in claims it again."#,
    );
}

#[test]
fn a_grant_that_comes_through_nested_groups_names_the_path() {
    let path = vec!["Berlin".to_owned(), "Germany".to_owned()];
    let granted = [Grant { path, ..grant("P: workplace-licensed") }];
    let catalogue = Preset::guide().catalogue();
    let entitlement = decide(&Facts { grants: &granted, ..facts(&catalogue) });
    assert_eq!(
        entitlement.license().unwrap().reason.to_string(),
        "granted by group \"P\", through group \"Berlin\" in group \"Germany\""
    );
}
