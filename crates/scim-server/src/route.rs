//! Which endpoint of RFC 7644 3.2 a path names, and which methods it has.

use std::sync::Arc;

use axum::http::Method;
use scim::{Error, ResourceType};

use crate::decode;
use crate::limits::ID_BYTES_MAX;

/// An endpoint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Route {
    /// `/ServiceProviderConfig`
    ServiceProviderConfig,
    /// `/ResourceTypes`
    ResourceTypes,
    /// `/ResourceTypes/{name}`
    ResourceType(String),
    /// `/Schemas`
    Schemas,
    /// `/Schemas/{urn}`
    Schema(String),
    /// `/Users`
    Collection(Arc<ResourceType>),
    /// `/Users/.search`
    Search(Arc<ResourceType>),
    /// `/Users/{id}`
    Resource(Arc<ResourceType>, String),
    /// An endpoint of the standard that this server does not have: `/Me`, `/Bulk`, `/.search`.
    Unsupported(&'static str),
}

impl Route {
    /// The endpoint of a path, relative to the base URL. One trailing slash is overlooked.
    pub(crate) fn of(path: &str, types: &[Arc<ResourceType>]) -> Result<Self, Error> {
        let trimmed = path.strip_prefix('/').unwrap_or(path);
        let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
        let unknown = || {
            Error::new(
                404,
                format!(
                    "`{path}` is no endpoint of this server. See /ResourceTypes for those it has."
                ),
            )
        };
        let (first, rest) = match trimmed.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (trimmed, None),
        };
        if rest.is_some_and(|rest| rest.is_empty() || rest.contains('/')) {
            return Err(unknown());
        }
        let found = types.iter().find(|rt| rt.endpoint.strip_prefix('/') == Some(first));
        match (found, first, rest) {
            (Some(rt), _, None) => Ok(Self::Collection(rt.clone())),
            (Some(rt), _, Some(".search")) => Ok(Self::Search(rt.clone())),
            (Some(rt), _, Some(id)) => {
                let id = decode::segment(id)?;
                if id.len() > ID_BYTES_MAX {
                    return Err(Error::new(
                        404,
                        format!("No {} has an id of {} bytes.", rt.name, id.len()),
                    ));
                }
                Ok(Self::Resource(rt.clone(), id))
            }
            (None, "ServiceProviderConfig" | "ServiceProviderConfigs", None) => {
                Ok(Self::ServiceProviderConfig)
            }
            (None, "ResourceTypes", None) => Ok(Self::ResourceTypes),
            (None, "ResourceTypes", Some(name)) => Ok(Self::ResourceType(decode::segment(name)?)),
            (None, "Schemas", None) => Ok(Self::Schemas),
            (None, "Schemas", Some(urn)) => Ok(Self::Schema(decode::segment(urn)?)),
            (None, "Me", None) => Ok(Self::Unsupported("/Me")),
            (None, "Bulk", None) => Ok(Self::Unsupported("/Bulk")),
            (None, ".search", None) => Ok(Self::Unsupported("/.search across resource types")),
            _ => Err(unknown()),
        }
    }

    /// The methods of the endpoint, as the `Allow` header names them.
    pub(crate) fn allow(&self) -> &'static str {
        match self {
            // RFC 7644 4: discovery endpoints are read, never written.
            Self::ServiceProviderConfig
            | Self::ResourceTypes
            | Self::ResourceType(_)
            | Self::Schemas
            | Self::Schema(_) => "GET, HEAD",
            Self::Collection(_) => "GET, HEAD, POST",
            Self::Search(_) => "POST",
            Self::Resource(..) => "GET, HEAD, PUT, PATCH, DELETE",
            Self::Unsupported(_) => "",
        }
    }

    /// Whether the endpoint has this method.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        matches!(self, Self::Unsupported(_))
            || self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Vec<Arc<ResourceType>> {
        vec![Arc::new(ResourceType::user(vec![])), Arc::new(ResourceType::group(vec![]))]
    }

    fn check(path: &str, expected: &str) {
        let found = match Route::of(path, &types()) {
            Ok(Route::Collection(rt)) => format!("collection {}", rt.name),
            Ok(Route::Search(rt)) => format!("search {}", rt.name),
            Ok(Route::Resource(rt, id)) => format!("{} {id}", rt.name),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.status.to_string(),
        };
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn paths_lead_to_endpoints() {
        check("/Users", "collection User");
        check("/Users/", "collection User");
        check("/Users/.search", "search User");
        check("/Groups/k%26K", "Group k&K");
        check("/Users/a%2Fb", "User a/b");
        check("/Schemas", "Schemas");
        check("/Schemas/urn:a", "Schema(\"urn:a\")");
        check("/ResourceTypes/User", "ResourceType(\"User\")");
        check("/Me", "Unsupported(\"/Me\")");
    }

    #[test]
    fn paths_that_lead_nowhere_are_not_found() {
        for path in
            ["/", "", "/users", "/Users//", "/Users/1/2", "/ServiceProviderConfig/1", "/Nope"]
        {
            check(path, "404");
        }
        check("/Users/%ff", "400");
        check(&format!("/Users/{}", "a".repeat(ID_BYTES_MAX + 1)), "404");
    }

    #[test]
    fn discovery_is_read_only() {
        assert!(Route::Schemas.allows(&Method::HEAD));
        assert!(!Route::Schemas.allows(&Method::POST));
        assert!(!Route::ServiceProviderConfig.allows(&Method::DELETE));
    }
}
