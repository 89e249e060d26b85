//! The application side: tenants, SCIM endpoints, licenses, effects
