//! Answers: every one is JSON, `application/scim+json` without a charset unless the client likes
//! another name better, or empty.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use scim::{Error, ResourceType, Version, urn};
use serde_json::Value;

use crate::decode::encode_segment;
use crate::limits::RETRY_AFTER_SECS;
use crate::store::{Page, Shown, Stored};
use crate::view::View;

const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// A JSON document.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response<Body> {
    json_text(status, body.to_string())
}

/// The error message of RFC 7644 3.12, with the headers its status calls for.
pub(crate) fn error(error: &Error, allow: Option<&str>, bearer_was_sent: bool) -> Response<Body> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &error.to_json());
    let headers = response.headers_mut();
    match status {
        // RFC 6750 3.1: no error code where no token was presented.
        StatusCode::UNAUTHORIZED if bearer_was_sent => insert(
            headers,
            header::WWW_AUTHENTICATE,
            "Bearer realm=\"scim\", error=\"invalid_token\"",
        ),
        StatusCode::UNAUTHORIZED => {
            insert(headers, header::WWW_AUTHENTICATE, "Bearer realm=\"scim\"")
        }
        // Clients in the field read whole seconds and no other form.
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECS));
        }
        _ => {}
    }
    if let Some(allow) = allow {
        insert(headers, header::ALLOW, allow);
    }
    response
}

/// A resource, with its version and its place (RFC 7644 3.3, 3.4.1, 3.14).
pub(crate) fn resource(
    status: StatusCode,
    base_url: &str,
    rt: &ResourceType,
    stored: Stored,
    view: &View,
) -> Response<Body> {
    let (id, version) = (stored.id.clone(), stored.version);
    let mut response = json_text(status, shown(rt, stored, view));
    let headers = response.headers_mut();
    insert(headers, header::ETAG, &Version(version).etag());
    let place = location(base_url, rt, &id);
    insert(headers, header::LOCATION, &place);
    // RFC 7643 3.1, `meta.location`: "This value MUST be the same as the "Content-Location" HTTP
    // response header".
    insert(headers, header::CONTENT_LOCATION, &place);
    response
}

/// 204, with the version if there is still something to have one.
pub(crate) fn no_content(version: Option<u64>) -> Response<Body> {
    empty(StatusCode::NO_CONTENT, version)
}

/// 304 (RFC 7644 3.14).
pub(crate) fn not_modified(version: u64) -> Response<Body> {
    empty(StatusCode::NOT_MODIFIED, Some(version))
}

/// A ListResponse (RFC 7644 3.4.2), written straight into text: a page of a hundred resources
/// is not worth a second tree.
pub(crate) fn list(rt: &ResourceType, start_index: u64, page: Page, view: &View) -> Response<Body> {
    let head = format!(
        "{{\"schemas\":[\"{}\"],\"totalResults\":{},\"startIndex\":{start_index},\"itemsPerPage\":{},\"Resources\":[",
        urn::LIST_RESPONSE,
        page.total,
        page.resources.len(),
    );
    let lengths = page.resources.iter().map(|stored| match &stored.shown {
        Shown::Json(text) => text.len() + 1,
        Shown::Resource(_) => 0,
    });
    let mut body = String::with_capacity(head.len() + lengths.sum::<usize>() + 2);
    body.push_str(&head);
    for (index, stored) in page.resources.into_iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str(&shown(rt, stored, view));
    }
    body.push_str("]}");
    json_text(StatusCode::OK, body)
}

/// A ListResponse of resources of several types, each written by itself.
pub(crate) fn list_text(total: u64, start_index: u64, resources: &[String]) -> String {
    format!(
        "{{\"schemas\":[\"{}\"],\"totalResults\":{total},\"startIndex\":{start_index},\"itemsPerPage\":{},\"Resources\":[{}]}}",
        urn::LIST_RESPONSE,
        resources.len(),
        resources.join(","),
    )
}

/// What OPTIONS answers (RFC 9110 9.3.7).
pub(crate) fn options(allow: &str) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT, None);
    insert(response.headers_mut(), header::ALLOW, allow);
    response
}

/// RFC 7644 3.11: "In any response, the HTTP "Location" header MUST be the permanent location of
/// the aliased resource".
pub(crate) fn aliased(response: &mut Response<Body>, location: &str) {
    insert(response.headers_mut(), header::LOCATION, location);
}

/// Calls what is in an answer by the name the client asked for.
pub(crate) fn call(response: &mut Response<Body>, content_type: HeaderValue) {
    if response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
}

/// Where a resource is read: the base URL, its endpoint and its id as one path segment.
pub fn location(base_url: &str, rt: &ResourceType, id: &str) -> String {
    format!("{base_url}{}/{}", rt.endpoint, encode_segment(id))
}

/// A resource as JSON text.
pub(crate) fn shown(rt: &ResourceType, stored: Stored, view: &View) -> String {
    match stored.shown {
        Shown::Json(text) => text,
        Shown::Resource(resource) => {
            Value::Object(view.projection().apply(rt, resource)).to_string()
        }
    }
}

/// JSON that is written already.
pub(crate) fn json_text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, SCIM_JSON);
    response
}

fn empty(status: StatusCode, version: Option<u64>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Some(version) = version {
        insert(response.headers_mut(), header::ETAG, &Version(version).etag());
    }
    response
}

/// A value no header can hold is left out: an answer without it is still an answer.
fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
