//! h2spec: HTTP/2 and HPACK, case by case of their RFCs.

use super::{Lab, local};
use anyhow::Result;
use testkit::origin::Origin;
use testkit::suites::{self, H2spec};

#[test]
fn h2spec_finds_no_fault_with_prior_knowledge_and_over_tls() -> Result<()> {
    let origin = Origin::start("h2spec", local(0))?;
    let mut lab = Lab::start("h2spec", origin.address(), "", &[])?;
    for (address, tls) in [(lab.http, false), (lab.https, true)] {
        let H2spec { tests, passed, failures } = suites::h2spec(address, tls)?;
        assert_eq!((tests, passed), (146, 146), "TLS: {tls}\n{failures}");
    }
    assert!(origin.requests() > 50, "the cases reached the backend {} times", origin.requests());
    lab.gate.expect_alive()
}
