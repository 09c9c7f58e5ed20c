//! HTTP/2 floods, written on PyPI's `h2`.

use crate::rig::{Rig, alone};
use anyhow::{Context, Result, ensure};

const SECONDS: f64 = 2.0;

/// How a flood's connections have to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The gateway ends them.
    Ended,
    /// As they like: what they do is allowed.
    Any,
}

use End::{Any, Ended};

/// Floods side by side, each on so many connections.
fn flood(name: &str, connections: usize, floods: &[(&str, End)]) -> Result<()> {
    let _alone = alone();
    let mut rig = Rig::start(name)?;
    let port = rig.http.port();
    let names: Vec<&str> = floods.iter().map(|(name, _)| *name).collect();
    let (told, _) = rig.attack(name, || testkit::floods::http2(&names, port, SECONDS, connections))?;
    for (name, end) in floods {
        let told = &told[name];
        ensure!(told["units"].as_u64() > Some(0), "{name}: nothing was sent: {told}");
        let ended = told["ended"].as_object().context("ended")?;
        let ended: u64 = ended.iter().filter(|(how, _)| *how != "open").filter_map(|(_, count)| count.as_u64()).sum();
        ensure!(*end == Any || ended > 0, "{name}: no connection was ended: {told}");
    }
    eprintln!("{told:#}");
    Ok(())
}

#[test]
fn rapid_reset() -> Result<()> {
    flood("rapid reset", 3, &[("rapid-reset", Ended), ("rapid-reset-late", Ended)])
}

#[test]
fn made_you_reset() -> Result<()> {
    let ways = ["window-zero", "window-overflow", "half-closed-data", "half-closed-headers", "priority-self", "length"];
    let ways = ways.map(|way| format!("made-you-reset-{way}"));
    flood("MadeYouReset", 1, &ways.each_ref().map(|way| (way.as_str(), Ended)))
}

#[test]
fn continuation() -> Result<()> {
    flood("CONTINUATION", 3, &[("continuation", Ended), ("continuation-empty", Ended)])
}

#[test]
fn hpack_bomb() -> Result<()> {
    flood("HPACK bomb", 3, &[("hpack-bomb", Ended), ("header-crumbs", Ended)])
}

#[test]
fn odd_headers() -> Result<()> {
    flood("empty names, table resizes", 3, &[("empty-header-names", Ended), ("hpack-table-resize", Any)])
}

#[test]
fn settings() -> Result<()> {
    flood("SETTINGS", 3, &[("settings", Ended), ("settings-unread", Ended)])
}

#[test]
fn ping() -> Result<()> {
    flood("PING", 3, &[("ping", Ended), ("ping-unread", Ended)])
}

#[test]
fn other_frames() -> Result<()> {
    flood(
        "WINDOW_UPDATE, PRIORITY, unknown",
        2,
        &[("window-update", Ended), ("priority", Ended), ("unknown-frames", Ended)],
    )
}

#[test]
fn data_without_data() -> Result<()> {
    flood("empty and padded DATA", 3, &[("empty-data", Ended), ("padded-data", Ended)])
}

#[test]
fn zero_window() -> Result<()> {
    flood("zero window", 10, &[("zero-window", Any)])
}

#[test]
fn dribble() -> Result<()> {
    flood("window of a byte", 10, &[("dribble", Any)])
}

#[test]
fn window_changes() -> Result<()> {
    flood("window changes", 5, &[("window-changes", Ended)])
}

#[test]
fn tcp_stall() -> Result<()> {
    flood("TCP window shut", 10, &[("tcp-stall", Any)])
}

#[test]
fn endless_bodies() -> Result<()> {
    flood("endless bodies", 10, &[("endless-bodies", Any)])
}
