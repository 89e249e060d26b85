//! Which endpoint of RFC 7644 3.2 a path names, and which methods it has.

use std::sync::Arc;

use axum::http::Method;
use scim::{Error, ResourceType, ScimType};

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
    /// `/`, the resources of all types.
    Root,
    /// `/.search`
    RootSearch,
    /// `/Bulk`
    Bulk,
    /// `/Me`
    Me,
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
        let trimmed = without_version(trimmed, types)?;
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
            (None, "", None) => Ok(Self::Root),
            (None, "Me", None) => Ok(Self::Me),
            (None, "Bulk", None) => Ok(Self::Bulk),
            (None, ".search", None) => Ok(Self::RootSearch),
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
            | Self::Schema(_)
            | Self::Root => "GET, HEAD, OPTIONS",
            Self::Collection(_) => "GET, HEAD, POST, OPTIONS",
            Self::Search(_) | Self::RootSearch | Self::Bulk => "POST, OPTIONS",
            // What `/Me` stands for is there already: nothing is created by it.
            Self::Resource(..) | Self::Me => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        }
    }

    /// Whether the endpoint has this method.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }

    /// 405: the endpoint does not have this method.
    pub(crate) fn method_error(&self, path: &str, method: &Method) -> Error {
        let allow = self.allow();
        Error::new(405, format!("`{path}` does not have the method {method}. It has: {allow}."))
    }
}

/// The path without the version of the protocol. RFC 7644 3.13: "service providers MUST perform the
/// operation using the desired version or reject the request".
fn without_version<'a>(path: &'a str, types: &[Arc<ResourceType>]) -> Result<&'a str, Error> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(number) = first.strip_prefix('v') else { return Ok(path) };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || types.iter().any(|rt| rt.endpoint.strip_prefix('/') == Some(first)) {
        return Ok(path);
    }
    if number == "2" {
        return Ok(rest);
    }
    Err(Error::bad_request(
        ScimType::InvalidVers,
        format!("This server speaks version 2 of the protocol and not `{first}`. Ask at `/v2`."),
    ))
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
        check("/Me", "Me");
        check("/Bulk", "Bulk");
        check("/.search", "RootSearch");
        check("/", "Root");
        check("", "Root");
    }

    #[test]
    fn the_version_of_the_protocol_may_stand_in_front() {
        check("/v2/Users", "collection User");
        check("/v2/Users/1", "User 1");
        check("/v2", "Root");
        check("/v1/Users", "400");
        check("/v20", "400");
        check("/v/Users", "404");
        check("/v2/v2/Users", "404");
    }

    #[test]
    fn paths_that_lead_nowhere_are_not_found() {
        for path in ["/users", "/Users//", "/Users/1/2", "/ServiceProviderConfig/1", "/Nope"] {
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
