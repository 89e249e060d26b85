//! What differs between two configurations of a tenant, in words.

use entitlement::{EffectPolicies, Key, Price, ReclaimMode, ReclaimPolicy};

use super::{GrantConfig, LicenseTypeConfig, ProductConfig, TenantConfig};

/// What differs, a line each, in the order in which it is written.
pub(super) fn differences(before: &TenantConfig, after: &TenantConfig) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &after.license_types {
        let old = before.license_type(&row.key).map(license_type_words);
        lines.extend(difference(
            &format!("license type {}", row.key),
            old,
            license_type_words(row),
        ));
    }
    for row in &after.products {
        let old = before.product(&row.key).map(product_words);
        lines.extend(difference(&format!("product {}", row.key), old, product_words(row)));
    }
    let none = "none";
    let words = |config: &TenantConfig| {
        [
            ("default license", config.default_license.as_ref().map_or(none, Key::as_str).into()),
            ("self-signup", config.self_signup.as_str().to_owned()),
            ("adopt", config.adopt.as_str().to_owned()),
            ("effects", effect_words(&config.effects)),
            ("reclaim", reclaim_words(&config.reclaim)),
        ]
    };
    for ((what, old), (_, new)) in words(before).into_iter().zip(words(after)) {
        lines.extend(difference(what, Some(old), new));
    }
    for row in &before.grants {
        if after.grant(&row.group).is_none() {
            lines.push(format!("grant of \"{}\": {} -> removed", row.group, grant_words(row)));
        }
    }
    for row in &after.grants {
        let old = before.grant(&row.group).map(grant_words);
        lines.extend(difference(&format!("grant of \"{}\"", row.group), old, grant_words(row)));
    }
    lines
}

fn difference(what: &str, before: Option<String>, after: String) -> Option<String> {
    match before {
        Some(before) if before == after => None,
        Some(before) => Some(format!("{what}: {before} -> {after}")),
        None => Some(format!("{what}: new, {after}")),
    }
}

fn license_type_words(row: &LicenseTypeConfig) -> String {
    let mut words = format!("\"{}\", rank {}, {}", row.name, row.rank, seat_words(row.seats));
    if !row.user_types.is_empty() {
        words.push_str(&format!(", userType {}", row.user_types.join(" or ")));
    }
    words.push_str(&price_words(row.price));
    if row.retired {
        words.push_str(", retired");
    }
    words
}

fn product_words(row: &ProductConfig) -> String {
    format!("\"{}\", {}{}", row.name, seat_words(row.seats), price_words(row.price))
}

fn price_words(price: Option<Price>) -> String {
    price.map(|price| format!(", {price} a month")).unwrap_or_default()
}

fn reclaim_words(policy: &ReclaimPolicy) -> String {
    if policy.mode == ReclaimMode::Off {
        return "off".into();
    }
    let mut words = format!(
        "{} after {} idle days and {} of grace, at most {} % of a pool at once",
        policy.mode.as_str(),
        policy.idle_days,
        policy.grace_days,
        policy.share_percent_max
    );
    let exempt = policy.exempt.iter().map(Key::as_str);
    let exempt = exempt.chain(policy.exempt_groups.iter().map(String::as_str));
    let exempt: Vec<&str> = exempt.chain(policy.exempt_users.iter().map(String::as_str)).collect();
    if !exempt.is_empty() {
        words.push_str(&format!(", but not {}", exempt.join(", ")));
    }
    if let Some(notice) = &policy.notice {
        words.push_str(&format!(", notice \"{notice}\""));
    }
    words
}

fn seat_words(seats: Option<u32>) -> String {
    seats.map_or_else(|| "no seat limit".to_owned(), |seats| format!("{seats} seats"))
}

fn effect_words(effects: &EffectPolicies) -> String {
    let switches = [
        ("cancel meetings", effects.cancel_meetings),
        ("release numbers", effects.release_numbers),
        ("leave queues", effects.leave_queues),
        ("end sessions", effects.end_sessions),
        ("keep recordings", effects.keep_recordings),
        ("free license", effects.free_license),
    ];
    let off: Vec<_> = switches.iter().filter(|(_, on)| !on).map(|(name, _)| *name).collect();
    if off.is_empty() { "all on".to_owned() } else { format!("all on but {}", off.join(", ")) }
}

fn grant_words(row: &GrantConfig) -> String {
    let license = row.license.iter().map(ToString::to_string);
    let products = row.products.iter().map(ToString::to_string);
    let policies = row.policies.iter().map(|(name, value)| format!("{name}={value}"));
    let mut words: Vec<String> = license.chain(products).chain(policies).collect();
    words.extend(row.order.map(|order| format!("order {order}")));
    if row.priority > 0 {
        words.push(format!("priority {}", row.priority));
    }
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
