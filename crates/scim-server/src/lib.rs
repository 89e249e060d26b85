//! SCIM over HTTP for whoever has a store
