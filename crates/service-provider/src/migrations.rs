//! The service provider's tables: one train, forward only. A new migration goes at the end.

use db::Migration;

/// The name of the train in the database.
pub(crate) const TRAIN: &str = "service-provider";

/// The train.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { name: "core", sql: include_str!("../migrations/0001-core.sql") },
    Migration { name: "licensing", sql: include_str!("../migrations/0002-licensing.sql") },
    Migration { name: "clients", sql: include_str!("../migrations/0003-clients.sql") },
    Migration { name: "resources", sql: include_str!("../migrations/0004-resources.sql") },
    Migration { name: "telephony", sql: include_str!("../migrations/0006-telephony.sql") },
    Migration { name: "licenses", sql: include_str!("../migrations/0005-licenses.sql") },
    Migration { name: "events", sql: include_str!("../migrations/0007-events.sql") },
];

/// The name of the request log's train: it is another database.
pub(crate) const REQUEST_LOG_TRAIN: &str = "service-provider-requests";

/// The request log's train.
pub(crate) const REQUEST_LOG_MIGRATIONS: &[Migration] =
    &[Migration { name: "requests", sql: include_str!("../migrations/requests-0001.sql") }];
