//! Clients that stay with an endpoint (GEP-1619).
use crate::support::*;
use snapshot::{AppProtocol, SessionCarrier};
use std::{collections::BTreeSet, time::Duration};

fn cookie(permanent: bool) -> SessionCarrier {
    SessionCarrier::Cookie { name: "stay".into(), path: "/".into(), permanent }
}

fn names() -> [std::net::SocketAddr; 3] {
    [echo("one"), echo("two"), echo("three")]
}

/// `name=value` of a `Set-Cookie`.
fn pair(answer: &Answer) -> &str {
    answer.header("set-cookie").unwrap().split(';').next().unwrap()
}

#[test]
fn a_cookie_keeps_a_client_on_one_endpoint_until_that_is_gone() {
    let origins = names();
    let rules = vec![Rule::prefix("/").to("b").session(cookie(false), None)];
    let mut world =
        World::start(&[""], vec![backend("b", AppProtocol::Default, &origins), route("r", &[(0, &[""])], rules)]);
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let first = world.get("h", "/");
        let at = first.header("x-origin").unwrap().to_owned();
        let set = first.header("set-cookie").unwrap();
        assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
        for _ in 0..6 {
            let again = world.ask("GET", "h", "/", &[("cookie", &format!("a=b; {}; c", pair(&first)))]);
            assert_eq!((again.header("x-origin"), again.header("set-cookie")), (Some(&*at), None));
            again.saw(&format!("cookie: a=b; {}; c", pair(&first)));
        }
        seen.insert(at);
    }
    assert_eq!(seen.len(), 3, "clients without a session are spread");

    // What was made up or changed is as if there were none.
    let first = world.get("h", "/");
    let made_up = pair(&first).replace("stay=", "stay=A");
    let others: BTreeSet<_> = (0..6)
        .map(|_| world.ask("GET", "h", "/", &[("cookie", &made_up)]))
        .map(|answer| answer.header("set-cookie").map(|_| answer.header("x-origin").unwrap().to_owned()).unwrap())
        .collect();
    assert_eq!(others.len(), 3);

    let gone = first.header("x-origin").unwrap();
    let left: Vec<_> = ["one", "two", "three"].iter().zip(origins).filter(|(name, _)| **name != gone).collect();
    world.apply(vec![backend("b", AppProtocol::Default, &left.iter().map(|(_, at)| *at).collect::<Vec<_>>())]);
    let moved = world.ask("GET", "h", "/", &[("cookie", pair(&first))]);
    assert_ne!(moved.header("x-origin"), Some(gone));
    let stays = world.ask("GET", "h", "/", &[("cookie", pair(&moved))]);
    assert_eq!((stays.header("x-origin"), stays.header("set-cookie")), (moved.header("x-origin"), None));
}

#[test]
fn sessions_end_and_permanent_cookies_say_when() {
    let rules = vec![Rule::prefix("/").to("b").session(cookie(true), Some(Duration::from_secs(2)))];
    let world =
        World::start(&[""], vec![backend("b", AppProtocol::Default, &names()), route("r", &[(0, &[""])], rules)]);
    let first = world.get("h", "/");
    assert!(first.header("set-cookie").unwrap().ends_with("; Max-Age=2"), "{first:?}");
    assert_eq!(world.ask("GET", "h", "/", &[("cookie", pair(&first))]).header("set-cookie"), None);
    std::thread::sleep(Duration::from_millis(3100));
    assert!(world.ask("GET", "h", "/", &[("cookie", pair(&first))]).header("set-cookie").is_some());
}

#[test]
fn weights_choose_first_and_each_backend_has_its_endpoint() {
    let rules = vec![
        Rule::prefix("/")
            .weighted("a", 1, vec![])
            .weighted("b", 1, vec![])
            .session(SessionCarrier::Header("x-stay".into()), None),
    ];
    let entities = vec![
        backend("a", AppProtocol::Default, &names()),
        backend("b", AppProtocol::Default, &[echo("four"), echo("five"), echo("six")]),
        route("r", &[(0, &[""])], rules),
    ];
    let world = World::start(&[""], entities);
    let mut kept = world.get("h", "/").header("x-stay").unwrap().to_owned();
    let (mut seen, mut renewed) = (BTreeSet::new(), 0);
    for _ in 0..20 {
        let answer = world.ask("GET", "h", "/", &[("x-stay", &kept)]);
        answer.saw(&format!("x-stay: {kept}"));
        seen.insert(answer.header("x-origin").unwrap().to_owned());
        if let Some(new) = answer.header("x-stay") {
            kept = new.to_owned();
            renewed += 1;
        }
    }
    assert_eq!((seen.len(), renewed), (2, 1), "one endpoint of each backend: {seen:?}");
}

#[test]
fn a_retry_may_leave_the_endpoint_and_takes_the_session_along() {
    let nobody: std::net::SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let rules = vec![Rule::prefix("/").to("b").retry(&[], 1).session(cookie(false), None)];
    let entities = vec![backend("b", AppProtocol::Default, &[nobody, echo("one")]), route("r", &[(0, &[""])], rules)];
    let world = World::start(&[""], entities);
    for _ in 0..4 {
        let answer = world.get("h", "/");
        assert_eq!((answer.status, answer.header("x-origin")), (200, Some("one")));
        assert!(answer.header("set-cookie").is_some());
    }
}
