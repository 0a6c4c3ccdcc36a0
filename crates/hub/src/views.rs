//! How messages and credentials look from outside.

use model::Message;

use crate::access::Credential;
use crate::api::types::{CredentialView, PayloadEncoding, TopicMessage};
use crate::demo::USER_PREFIX;
use crate::hex;

/// Payload bytes shown; the rest is in the journal.
pub const PAYLOAD_SHOWN_BYTES: usize = 16 * 1024;

/// A message, its payload cut to what a person looks at.
pub fn topic_message(message: &Message) -> TopicMessage {
    let (payload, encoding) = payload(&message.payload);
    TopicMessage {
        id: message.id,
        time_ms: message.time_ms,
        topic: message.topic.to_string(),
        payload,
        encoding,
        bytes: message.payload.len() as u64,
        qos: message.qos,
        retain: message.retain,
        publisher: message.publisher.as_ref().clone(),
        cause: message.cause.clone(),
    }
}

/// Text if it is text, digits if it is not.
fn payload(bytes: &[u8]) -> (String, PayloadEncoding) {
    let cut = &bytes[..bytes.len().min(PAYLOAD_SHOWN_BYTES)];
    match std::str::from_utf8(cut) {
        Ok(text) => (text.to_owned(), PayloadEncoding::Text),
        // The cut went through a character.
        Err(why) if cut.len() < bytes.len() && why.error_len().is_none() => {
            (String::from_utf8_lossy(&cut[..why.valid_up_to()]).into_owned(), PayloadEncoding::Text)
        }
        Err(_) => (hex::encode(cut), PayloadEncoding::Hex),
    }
}

/// A credential without its secret.
pub fn credential(credential: &Credential, connected: bool) -> CredentialView {
    CredentialView {
        name: credential.name.to_string(),
        permissions: credential.permissions.clone(),
        created_ms: credential.created_ms,
        last_login_ms: credential.last_login_ms,
        demo: credential.name.starts_with(USER_PREFIX),
        connected,
        learning: credential.learning,
        revoked: credential.revoked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_shown_as_what_they_are() {
        fn check(bytes: &[u8], shown: &str, encoding: PayloadEncoding) {
            assert_eq!(payload(bytes), (shown.to_owned(), encoding));
        }
        check("21.5 °C".as_bytes(), "21.5 °C", PayloadEncoding::Text);
        check(&[0xff, 0x00], "ff00", PayloadEncoding::Hex);
        check(b"", "", PayloadEncoding::Text);
        let long = "ü".repeat(PAYLOAD_SHOWN_BYTES);
        let (shown, encoding) = payload(format!("x{long}").as_bytes());
        assert_eq!((shown.len(), encoding), (PAYLOAD_SHOWN_BYTES - 1, PayloadEncoding::Text));
    }
}
