//! Where a connection stands with SASL, which passes through to the broker (KIP-152, KIP-368).

use super::{
    close::Close,
    sasl::{Exchange, Progress},
};
use std::sync::Arc;

/// Kafka's name of a client that has not authenticated.
const ANONYMOUS: &str = "User:ANONYMOUS";

/// What of SASL has gone by on a connection.
#[derive(Debug, Default)]
pub(super) struct Auth {
    exchange: Option<Exchange>,
    /// Tokens come without Kafka's header, as the handshake was of version 0.
    raw: bool,
    seen: bool,
    done: bool,
    unclear: bool,
    principal: Option<Arc<str>>,
    /// Principal of the client's TLS certificate.
    certificate: Option<Arc<str>>,
}

impl Auth {
    /// `subject`: of the client's verified certificate.
    pub(super) fn new(subject: Option<&str>) -> Self {
        Self { certificate: subject.map(|subject| format!("User:{subject}").into()), ..Self::default() }
    }

    /// Who the client is; `None`: unknown.
    pub(super) fn principal(&self) -> Option<Arc<str>> {
        match (self.done, self.seen) {
            (true, _) => self.principal.clone(),
            (false, true) => None,
            (false, false) => Some(self.certificate.clone().unwrap_or_else(|| ANONYMOUS.into())),
        }
    }

    /// Whether the client has begun with SASL and the broker has not accepted it yet.
    pub(super) fn is_open(&self) -> bool {
        self.seen && !self.done
    }

    /// Whether SASL was used at all.
    pub(super) fn is_used(&self) -> bool {
        self.seen
    }

    /// Whether the client's next frame is a token without a header.
    pub(super) fn is_raw(&self) -> bool {
        self.raw && self.exchange.is_some()
    }

    /// Whether that is not certain, as the mechanism is one whose end cannot be seen.
    pub(super) fn is_unclear(&self) -> bool {
        self.unclear
    }

    /// The broker has accepted a mechanism.
    pub(super) fn begin(&mut self, mechanism: &str, raw: bool) {
        self.exchange = Some(Exchange::new(mechanism));
        self.raw = raw;
        self.seen = true;
        self.unclear = false;
    }

    pub(super) fn client_token(&mut self, token: &[u8]) {
        self.seen = true;
        if let Some(exchange) = &mut self.exchange {
            exchange.client_token(token);
        }
    }

    /// The broker has answered a token without an error. Whether the client is authenticated now.
    pub(super) fn broker_token(&mut self, token: &[u8]) -> Result<bool, Close> {
        let Some(exchange) = &mut self.exchange else { return Ok(false) };
        match exchange.broker_token(token) {
            Progress::Continues => Ok(false),
            Progress::Unclear => {
                self.unclear = true;
                Ok(false)
            }
            Progress::Done(principal) => self.finish(principal).map(|()| true),
        }
    }

    /// The broker has refused a token.
    pub(super) fn failed(&mut self) {
        self.exchange = None;
    }

    /// A request that is not part of SASL, with no answer outstanding: where the end of the exchange could not be seen,
    /// the client thinks that it is over, and the broker will say whether it is.
    pub(super) fn end_of_unclear(&mut self) -> Result<(), Close> {
        if self.unclear {
            self.unclear = false;
            return self.finish(None);
        }
        if self.is_open() { Err(Close::SaslState) } else { Ok(()) }
    }

    fn finish(&mut self, principal: Option<Arc<str>>) -> Result<(), Close> {
        self.exchange = None;
        self.raw = false;
        // As the broker: a session keeps its principal.
        if self.done && self.principal != principal {
            return Err(Close::PrincipalChanged);
        }
        self.done = true;
        self.principal = principal;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_believed_when_the_broker_has_accepted_it() {
        let mut auth = Auth::new(None);
        assert_eq!(auth.principal().as_deref(), Some("User:ANONYMOUS"));
        auth.begin("SCRAM-SHA-512", false);
        auth.client_token(b"n,,n=alice,r=x");
        assert_eq!(auth.principal(), None);
        assert!(!auth.broker_token(b"r=x,s=y,i=1").unwrap());
        auth.client_token(b"c=biws,r=x,p=z");
        assert!(auth.is_open() && auth.end_of_unclear().is_err());
        assert!(auth.broker_token(b"v=x").unwrap());
        assert_eq!(auth.principal().as_deref(), Some("User:alice"));
        // KIP-368
        auth.begin("SCRAM-SHA-512", false);
        assert_eq!(auth.principal().as_deref(), Some("User:alice"));
        auth.client_token(b"n,,n=bob,r=x");
        assert!(matches!(auth.broker_token(b"v=x"), Err(Close::PrincipalChanged)));
    }

    #[test]
    fn a_certificate_names_the_client_until_sasl_does() {
        let mut auth = Auth::new(Some("CN=a"));
        assert_eq!(auth.principal().as_deref(), Some("User:CN=a"));
        auth.begin("PLAIN", true);
        assert!(auth.is_raw());
        auth.client_token(b"\0bob\0x");
        auth.broker_token(b"").unwrap();
        assert!(!auth.is_raw());
        assert_eq!(auth.principal().as_deref(), Some("User:bob"));
    }
}
