//! Every kind of event there is, with what its payload holds. `docs/events.md` has the same table.

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind {
    /// Its name, with the widest word first.
    pub name: &'static str,
    /// What happened.
    pub meaning: &'static str,
    /// What the payload holds.
    pub payload: &'static str,
}

const fn kind(name: &'static str, meaning: &'static str, payload: &'static str) -> EventKind {
    EventKind { name, meaning, payload }
}

/// The kinds of events. A kind that is appended and does not stand here fails a test.
pub const EVENT_KINDS: &[EventKind] = &[
    kind(
        "user.created",
        "A user was brought in.",
        "`userName`, `externalId`, `name`, `origin`, `state`, `resource`: the SCIM document",
    ),
    kind(
        "user.updated",
        "Attributes of a user changed.",
        "`userName`, `externalId`, `name`, `attributes`: their names, `changed`: what they are now (null: gone), `formerly`: what they were",
    ),
    kind(
        "user.deactivated",
        "A user was shut out.",
        "`userName`, `externalId`, `name`, `active`, `state`",
    ),
    kind(
        "user.reactivated",
        "A user was let in, again or for the first time.",
        "`userName`, `externalId`, `name`, `active`, `state`",
    ),
    kind(
        "user.adopted",
        "A directory took over a user who was there before.",
        "`userName`, `origin`: the former one",
    ),
    kind("user.restored", "What a reactivation brought back.", "the restoration"),
    kind("user.deleted", "A user was removed.", "`userName`, `externalId`, `name`"),
    kind(
        "group.created",
        "A group was made.",
        "`displayName`, `externalId`, `resource`: the SCIM document without members",
    ),
    kind(
        "group.updated",
        "Attributes of a group changed.",
        "`displayName`, `externalId`, `attributes`, `changed`, `formerly`",
    ),
    kind(
        "group.member.added",
        "Users or groups became members.",
        "`members`: their ids, up to 1,000 in one event",
    ),
    kind(
        "group.member.removed",
        "Users or groups are members no more.",
        "`members`: their ids, up to 1,000 in one event",
    ),
    kind(
        "group.deleted",
        "A group was removed, with all its memberships.",
        "`displayName`, `externalId`, `memberCount`",
    ),
    kind("license.held", "A user holds a seat.", "`pool`, `change`, `reason`"),
    kind("license.waiting", "A user waits for a seat.", "`pool`, `change`, `reason`"),
    kind(
        "license.freed",
        "A user gave up a seat.",
        "`pool`, `change`: why, and who got it, `reason`",
    ),
    kind("license.withdrawn", "A user waits no more.", "`pool`, `change`, `reason`"),
    kind(
        "license.restated",
        "A seat is held, or waited for, for another reason.",
        "`pool`, `change`, `reason`",
    ),
    kind("license.granted-directly", "A user was given a license or product by hand.", "`pool`"),
    kind("license.revoked-directly", "What was given by hand was taken back.", "`pool`"),
    kind("license.grant-set", "What a group grants was set.", "the grant"),
    kind("license.grant-removed", "A group grants nothing more.", "the grant"),
    kind("license.type-set", "A license type was added or changed.", "the license type"),
    kind("license.product-set", "A product was added or changed.", "the product"),
    kind("license.type-retired", "A license type can be granted no more.", "the retirement"),
    kind(
        "license.holders-moved",
        "Holders of a retired license type were moved.",
        "`to` and how many",
    ),
    kind("license.price-set", "A seat of a pool has another price.", "`pool`, `before`, `after`"),
    kind(
        "license.pool-removed",
        "A license type or product was taken out of the catalogue.",
        "`pool`, `name`",
    ),
    kind(
        "license.direct-grant-ended",
        "What was given by hand for a time ended.",
        "`pool`, `until`",
    ),
    kind(
        "license.settled",
        "A change of many users' licenses was worked off.",
        "`reason`, `users`",
    ),
    kind("seats.limit-set", "A pool has another limit.", "the limit"),
    kind(
        "seats.demand-put",
        "Somebody told how many seats will be needed.",
        "`entries`, `joiners`, `leavers`",
    ),
    kind(
        "seat.reclaim-noticed",
        "A user was told that an idle seat will be taken back.",
        "`pool`, `name`, `idle_since`, `due_at`, `notice`",
    ),
    kind("seat.reclaim-ended", "A user is active again: nothing is taken back.", "nothing"),
    kind("seat.reclaimed", "An idle seat was taken back.", "`pool`, `name`, `idle_since`"),
    kind(
        "calling-plan.subscribed",
        "The account has so many calling plans of a type.",
        "`name`, `subscribed`; the subject is the type",
    ),
    kind("calling-plan.assigned", "A user was given a calling plan.", "`plan`"),
    kind("calling-plan.released", "A user gave up a calling plan.", "`plan`"),
    kind("number.added", "A phone number was added.", "the number"),
    kind("number.assigned", "A user was given a phone number.", "the number"),
    kind("number.released", "A user gave up a phone number.", "the number"),
    kind("number.removed", "A phone number was removed.", "the number"),
    kind("queue.created", "A contact-center queue was made.", "`name`"),
    kind("queue.deleted", "A contact-center queue was removed.", "`name`"),
    kind("queue.agent-added", "A user became an agent of a queue.", "the queue"),
    kind("queue.agent-removed", "A user is an agent of a queue no more.", "the queue"),
    kind("meeting.scheduled", "A meeting was scheduled.", "the meeting"),
    kind("meeting.cancelled", "A meeting was cancelled.", "the meeting"),
    kind("recording.added", "A recording was kept.", "the recording"),
    kind("recording.trashed", "A recording was put in the trash.", "the recording"),
    kind("recording.recovered", "A recording was taken out of the trash.", "the recording"),
    kind("session.begun", "A user signed in.", "the session"),
    kind("session.ended", "Sessions of a user ended.", "`count`"),
    kind(
        "receipt.opened",
        "A deactivation or deletion set effects in motion.",
        "`user`, `kind`, `effects`",
    ),
    kind("receipt.closed", "Every effect of a receipt is done or given up.", "`user`"),
    kind("effect.done", "An effect was carried out.", "`effect`, `receipt`, `outcome`"),
    kind(
        "resource.created",
        "A resource of the tenant's own type was made.",
        "`resourceType`, `resource`: the SCIM document",
    ),
    kind(
        "resource.updated",
        "Attributes of a resource of the tenant's own type changed.",
        "`resourceType`, `attributes`, `changed`, `formerly`",
    ),
    kind("resource.deleted", "A resource of the tenant's own type was removed.", "`resourceType`"),
    kind("schema.added", "The tenant has a new extension schema.", "the schema"),
    kind("schema.changed", "A schema of the tenant was changed.", "the schema"),
    kind("schema.removed", "A schema of the tenant was removed.", "the schema"),
    kind("resource-type.added", "The tenant has a new resource type.", "the resource type"),
    kind(
        "resource-type.changed",
        "A resource type of the tenant was changed.",
        "the resource type",
    ),
    kind(
        "resource-type.removed",
        "A resource type of the tenant was removed.",
        "the resource type",
    ),
    kind("tenant.created", "The tenant was made.", "`name`"),
    kind("tenant.settings-changed", "What the tenant decides was changed.", "the settings"),
    kind("token.created", "A token was made.", "`name`, `dialect`, `scopes`"),
    kind("token.rotated", "A token has a successor.", "`name`, `from`, `oldExpiresAt`"),
    kind("token.revoked", "A token opens nothing any more.", "`name`"),
    kind(
        "webhook.added",
        "A webhook, or a stream of security event tokens, was set up.",
        "`url`, `form`, `kinds`",
    ),
    kind("webhook.confirmed", "The receiver answered the handshake.", "`url`"),
    kind("webhook.paused", "Nothing is sent until it is resumed.", "`url`"),
    kind(
        "webhook.resumed",
        "Deliveries go on.",
        "`url`, `missed`: how many events had been cut off meanwhile",
    ),
    kind("webhook.replayed", "Events are delivered again.", "`url`, `from` or `event`"),
    kind("webhook.secret-rotated", "It has a new secret.", "`url`, `previousUntil`"),
    kind(
        "webhook.disabled",
        "It was given up, after days of failure or because its receiver is gone.",
        "`url`, `because`",
    ),
    kind("webhook.removed", "It was removed.", "`url`"),
    kind("signing-key.created", "Security event tokens are signed with a new key.", "`kid`"),
    kind(
        "log.truncated",
        "The beginning of the log was cut off behind a checkpoint.",
        "`place`, `before`",
    ),
];

/// Whether a kind fits a pattern: a kind, the beginning of kinds (`user.*`), or `*`.
pub(crate) fn fits(kind: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => kind == pattern,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// String literals that stand where a kind is appended.
    fn appended(text: &str) -> Vec<String> {
        let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
        // What stands between two quotes, whichever of them open and close.
        let literals: Vec<&str> = shipped.split('"').collect();
        let is_kind = |text: &&&str| {
            let words: Vec<&str> = text.split('.').collect();
            let known =
                EVENT_KINDS.iter().any(|kind| kind.name.split('.').next() == Some(words[0]));
            let word = |word: &&str| {
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            };
            known && words.len() > 1 && words.iter().all(word)
        };
        literals.iter().filter(is_kind).map(|text| (*text).to_owned()).collect()
    }

    fn sources(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if !path.ends_with("event_kind.rs") && !path.ends_with("webhook/message.rs") {
                // The latter has another service's names for the same.
                found.extend(appended(&std::fs::read_to_string(path).unwrap()));
            }
        }
    }

    #[test]
    fn every_kind_that_is_appended_stands_in_the_list_and_no_other() {
        let mut found = BTreeSet::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        sources(&root.join("src"), &mut found);
        sources(&root.join("../db/src"), &mut found);
        let listed: BTreeSet<String> = EVENT_KINDS.iter().map(|k| k.name.to_owned()).collect();
        assert_eq!(listed.len(), EVENT_KINDS.len(), "a kind stands twice");
        let missing: Vec<_> = found.difference(&listed).collect();
        assert!(missing.is_empty(), "add to EVENT_KINDS and docs/events.md: {missing:?}");
        let stale: Vec<_> = listed.difference(&found).collect();
        assert!(stale.is_empty(), "nobody appends {stale:?}");
    }

    #[test]
    fn the_guide_for_consumers_has_the_same_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
        let guide = std::fs::read_to_string(path).unwrap();
        for EventKind { name, meaning, payload } in EVENT_KINDS {
            let row = format!("| `{name}` | {meaning} | {payload} |");
            assert!(guide.contains(&row), "docs/events.md lacks the row:\n{row}");
        }
        let rows = guide.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, EVENT_KINDS.len(), "docs/events.md has other rows");
    }

    #[test]
    fn a_pattern_names_a_kind_or_where_kinds_begin() {
        for (kind, pattern, expected) in [
            ("user.created", "*", true),
            ("user.created", "user.*", true),
            ("user.created", "user.created", true),
            ("user.created", "user", false),
            ("group.created", "user.*", false),
        ] {
            assert_eq!(fits(kind, pattern), expected, "{kind} {pattern}");
        }
    }
}
