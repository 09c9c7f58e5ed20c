//! What the gateway learns from SASL exchanges that pass through it: who the client is, once the broker believes it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::sync::Arc;

/// Larger tokens or claims are not read for a name.
const MAX_NAME: usize = 1024;

/// One exchange, from the accepted handshake to its end.
#[derive(Debug)]
pub(crate) struct Exchange {
    mechanism: Mechanism,
    /// Who the client says it is.
    claimed: Option<Arc<str>>,
    first: bool,
    replies: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Scram,
    OauthBearer,
    Other,
}

/// Where an exchange stands after a reply of the broker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More tokens follow.
    Continues,
    /// The broker has accepted the client; the principal as Kafka writes it, if the gateway can tell.
    Done(Option<Arc<str>>),
    /// A mechanism that the gateway does not know: whether it has ended shows in what comes next.
    Unclear,
}

impl Exchange {
    pub(crate) fn new(mechanism: &str) -> Self {
        let mechanism = match mechanism {
            "PLAIN" => Mechanism::Plain,
            "SCRAM-SHA-256" | "SCRAM-SHA-512" => Mechanism::Scram,
            "OAUTHBEARER" => Mechanism::OauthBearer,
            _ => Mechanism::Other,
        };
        Self { mechanism, claimed: None, first: true, replies: 0 }
    }

    /// A token from the client.
    pub(crate) fn client_token(&mut self, token: &[u8]) {
        if std::mem::replace(&mut self.first, false) {
            let name = match self.mechanism {
                Mechanism::Plain => plain(token),
                Mechanism::Scram => scram(token),
                Mechanism::OauthBearer => bearer(token),
                Mechanism::Other => None,
            };
            self.claimed = name
                .filter(|name| !name.is_empty() && name.len() <= MAX_NAME)
                .map(|name| format!("User:{name}").into());
        }
    }

    /// A reply of the broker without an error.
    pub(crate) fn broker_token(&mut self, token: &[u8]) -> Progress {
        self.replies = self.replies.saturating_add(1);
        let done = match self.mechanism {
            Mechanism::Plain => true,
            Mechanism::Scram => token.starts_with(b"v="),
            // A refusal comes as a JSON token without an error code, and is confirmed by the client.
            Mechanism::OauthBearer => token.is_empty(),
            Mechanism::Other => return Progress::Unclear,
        };
        if done { Progress::Done(self.claimed.clone()) } else { Progress::Continues }
    }
}

/// RFC 4616: `[authzid] NUL authcid NUL passwd`.
fn plain(token: &[u8]) -> Option<String> {
    let authcid = token.split(|&byte| byte == 0).nth(1)?;
    String::from_utf8(authcid.to_vec()).ok()
}

/// RFC 5802: `gs2-header n=user,r=nonce[,extensions]`. With a delegation token (KIP-48) the name is the token's id, and
/// whose token it is only the broker knows.
fn scram(token: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(token).ok()?;
    let bare = text.splitn(3, ',').nth(2)?;
    let mut parts = bare.split(',');
    let name = parts.next()?.strip_prefix("n=")?;
    if parts.any(|part| part.eq_ignore_ascii_case("tokenauth=true")) {
        return None;
    }
    Some(name.replace("=2C", ",").replace("=3D", "="))
}

/// RFC 7628: `gs2-header ^A auth=Bearer <token> ^A ^A`; the subject is the `sub` claim of a JWT.
fn bearer(token: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(token).ok()?;
    let auth = text.split('\u{1}').find_map(|part| part.strip_prefix("auth="))?;
    let (scheme, jwt) = auth.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let payload = jwt.trim().split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mechanism: &str, token: &[u8], replies: &[&[u8]]) -> Progress {
        let mut exchange = Exchange::new(mechanism);
        exchange.client_token(token);
        let mut progress = Progress::Continues;
        for reply in replies {
            exchange.client_token(b"n=forged,r=later");
            progress = exchange.broker_token(reply);
        }
        progress
    }

    fn done(name: &str) -> Progress {
        Progress::Done(Some(name.into()))
    }

    #[test]
    fn the_principal_is_the_name_that_the_broker_accepted() {
        assert_eq!(run("PLAIN", b"\0alice\0secret", &[b""]), done("User:alice"));
        assert_eq!(run("PLAIN", b"other\0alice\0secret", &[b""]), done("User:alice"));
        let first = b"n,,n=a=2Cb=3Dc,r=nonce";
        assert_eq!(run("SCRAM-SHA-512", first, &[b"r=n,s=x,i=4096"]), Progress::Continues);
        assert_eq!(run("SCRAM-SHA-512", first, &[b"r=n,s=x,i=4096", b"v=sig"]), done("User:a,b=c"));
        let jwt = format!("n,,\u{1}auth=Bearer e30.{}.sig\u{1}\u{1}", URL_SAFE_NO_PAD.encode(r#"{"sub":"carol"}"#));
        assert_eq!(run("OAUTHBEARER", jwt.as_bytes(), &[b""]), done("User:carol"));
        assert_eq!(run("OAUTHBEARER", jwt.as_bytes(), &[b"{\"status\":\"invalid_token\"}"]), Progress::Continues);
    }

    #[test]
    fn what_cannot_be_told_stays_unknown() {
        assert_eq!(run("SCRAM-SHA-256", b"n,,n=tokenid,r=x,tokenauth=true", &[b"r=", b"v="]), Progress::Done(None));
        assert_eq!(run("PLAIN", b"garbage", &[b""]), Progress::Done(None));
        assert_eq!(run("OAUTHBEARER", b"n,,\x01auth=Bearer opaque\x01\x01", &[b""]), Progress::Done(None));
        assert_eq!(run("GSSAPI", b"\x60\x82", &[b"x"]), Progress::Unclear);
    }
}
