//! Errors in Zoom's shape: `{"code": …, "message": …}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::Error;

/// Why a request is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    status: StatusCode,
    /// The code that clients look at: 124 token, 300 validation, 1001 no such user, 1005 user exists,
    /// 3001 no such meeting; else the status.
    code: u32,
    message: String,
}

const INVALID_TOKEN: u32 = 124;
const VALIDATION: u32 = 300;
const NO_SUCH_USER: u32 = 1001;
const USER_EXISTS: u32 = 1005;
const NO_SUCH_MEETING: u32 = 3001;
const SCOPE_MISSING: u32 = 4711;

impl Failure {
    fn new(status: StatusCode, code: u32, message: &str) -> Self {
        Self { status, code, message: message.to_owned() }
    }

    /// The sentence.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// 401: the token.
    pub(crate) fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, INVALID_TOKEN, message)
    }

    /// 400: the request.
    pub(crate) fn invalid(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, VALIDATION, message)
    }

    /// 404: what is asked for.
    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, 404, message)
    }

    /// 405: the method.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "This path does not have that method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, 405, message)
    }

    /// 408: the body did not come.
    pub(crate) fn too_slow(wait_max: std::time::Duration) -> Self {
        let message = format!("The body did not arrive within {} seconds.", wait_max.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, 408, &message)
    }

    /// 500: the server.
    pub(crate) fn fault() -> Self {
        let message =
            "The server has a fault and could not carry out the request. It has been logged.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 500, message)
    }

    /// 413: the body.
    pub(crate) fn too_large(bytes_max: usize) -> Self {
        let message = format!("The body is larger than {bytes_max} bytes. Send less at once.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, 413, &message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound { noun, .. } => {
                let code = match *noun {
                    "user" => NO_SUCH_USER,
                    "meeting" => NO_SUCH_MEETING,
                    _ => 404,
                };
                Self::new(StatusCode::NOT_FOUND, code, &error.to_string())
            }
            Error::Refused { sentence } => Self::invalid(sentence),
            _ => Self::from(error.to_scim()),
        }
    }
}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<scim::Error> for Failure {
    fn from(error: scim::Error) -> Self {
        let status =
            StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = match status {
            StatusCode::BAD_REQUEST => VALIDATION,
            StatusCode::UNAUTHORIZED => INVALID_TOKEN,
            StatusCode::FORBIDDEN => SCOPE_MISSING,
            StatusCode::CONFLICT => USER_EXISTS,
            _ => u32::from(error.status),
        };
        Self::new(status, code, &error.detail)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(json!({"code": self.code, "message": self.message}));
        let mut response = (self.status, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 6750 3: a 401 names the scheme.
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For the request log.
        response.extensions_mut().insert(self);
        response
    }
}
