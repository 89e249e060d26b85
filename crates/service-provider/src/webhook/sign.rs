//! Secrets of webhooks, and what they sign.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::Form;
use crate::{Error, Result};

/// What Standard Webhooks secrets begin with.
const PREFIX: &str = "whsec_";
/// Standard Webhooks wants 24 to 64 bytes.
const SECRET_BYTES: usize = 32;

/// A new secret, as its form writes it.
pub(super) fn new_secret(form: Form) -> Result<String> {
    let mut bytes = [0_u8; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Io {
        doing: "The system gave no random numbers, so no secret was made.".into(),
        source: std::sync::Arc::new(std::io::Error::other("the random generator failed")),
    })?;
    Ok(match form {
        Form::Zoom => URL_SAFE_NO_PAD.encode(bytes),
        _ => format!("{PREFIX}{}", STANDARD.encode(bytes)),
    })
}

/// The value of `webhook-signature`: one signature for each secret, the newest first.
pub(super) fn standard(secrets: &[String], id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let one = |secret: &String| {
        let key = STANDARD.decode(secret.trim_start_matches(PREFIX)).unwrap_or_default();
        format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed)))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// The value of `x-zm-signature`.
pub(super) fn zoom(secret: &str, timestamp: i64, body: &str) -> String {
    format!("v0={}", zoom_digest(secret, &format!("v0:{timestamp}:{body}")))
}

/// The hexadecimal HMAC that Zoom signs and validates addresses with.
pub(super) fn zoom_digest(secret: &str, text: &str) -> String {
    hmac_sha256(secret.as_bytes(), text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_signature_is_that_of_the_specification() {
        // The example of the Standard Webhooks specification and its reference libraries.
        let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()];
        let signature = standard(
            &secrets,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_is_rotated_messages_carry_both_signatures() {
        let secrets = [new_secret(Form::Standard).unwrap(), new_secret(Form::Standard).unwrap()];
        let signatures = standard(&secrets, "id", 1, "{}");
        let each: Vec<_> =
            secrets.iter().map(|s| standard(std::slice::from_ref(s), "id", 1, "{}")).collect();
        assert_eq!(signatures, each.join(" "));
        assert_ne!(each[0], each[1]);
        assert!(!new_secret(Form::Zoom).unwrap().starts_with(PREFIX));
    }
}
