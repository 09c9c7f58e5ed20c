//! Load generators, and what they say.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{measure, tools};

/// What a load generator has counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// Requests answered with 2xx.
    pub(crate) requests: f64,
    /// Requests per second of wall time.
    pub(crate) rate: f64,
    /// 99th percentile of the latency in milliseconds; NaN if not told.
    pub(crate) p99: f64,
}

/// `wrk` with one thread: HTTP/1.1 over `connections` keep-alive connections.
///
/// # Errors
/// When a request is answered with anything but 2xx or 3xx, or not at all.
pub(crate) fn wrk(url: &str, host: Option<&str>, connections: usize, seconds: u64) -> Result<Load> {
    let mut command = tools::program("wrk");
    command.args(["-t1", "--latency", "--timeout", "20s", &format!("-c{connections}"), &format!("-d{seconds}s")]);
    if let Some(host) = host {
        command.args(["-H", &format!("Host: {host}")]);
    }
    parse_wrk(&measure::output(command.arg(url), Duration::from_secs(seconds + 60))?)
}

/// `h2load` with one thread: HTTP/2, `clients` connections of `streams` streams each.
///
/// # Errors
/// When a request fails.
pub(crate) fn h2load(url: &str, clients: usize, streams: usize, seconds: u64) -> Result<Load> {
    let mut command = tools::program("h2load");
    command.args(["-t1", &format!("-c{clients}"), &format!("-m{streams}"), &format!("-D{seconds}"), url]);
    parse_h2load(&measure::output(&command, Duration::from_secs(seconds + 60))?)
}

/// `h2load --h1`: an exact number of HTTP/1.1 requests to a port of 127.0.0.1.
///
/// # Errors
/// When a request fails.
pub(crate) fn count(port: u16, host: &str, path: &str, connections: usize, requests: usize) -> Result<Load> {
    let mut command = tools::program("h2load");
    command.args(["--h1", "-t1", &format!("-c{connections}"), &format!("-n{requests}")]);
    command.args([format!("--connect-to=127.0.0.1:{port}"), format!("http://{host}:{port}{path}")]);
    parse_h2load(&measure::output(&command, Duration::from_secs(300))?)
}

fn parse_wrk(text: &str) -> Result<Load> {
    for bad in ["Non-2xx or 3xx responses:", "Socket errors:"] {
        if let Some(line) = text.lines().find(|line| line.contains(bad)) {
            bail!("wrk: {}", line.trim());
        }
    }
    let word = |line_with: &str, at: usize| {
        text.lines().find(|line| line.contains(line_with)).and_then(|line| line.split_whitespace().nth(at))
    };
    let number = |line_with: &str, at: usize| word(line_with, at).and_then(|word| word.parse::<f64>().ok());
    Ok(Load {
        requests: number("requests in", 0).with_context(|| format!("no count of requests: {text}"))?,
        rate: number("Requests/sec:", 1).unwrap_or(f64::NAN),
        p99: word(" 99% ", 1).and_then(milliseconds).unwrap_or(f64::NAN),
    })
}

fn parse_h2load(text: &str) -> Result<Load> {
    let line = text.lines().find(|line| line.starts_with("requests:")).with_context(|| format!("h2load: {text}"))?;
    let figure = |line: &str, name: &str| {
        let part = line.split([',', ':']).find(|part| part.trim_end().ends_with(name))?;
        part.split_whitespace().next()?.parse::<f64>().ok()
    };
    let failed: f64 = ["failed", "errored", "timeout"].iter().filter_map(|name| figure(line, name)).sum();
    let codes = text.lines().find(|line| line.starts_with("status codes:")).unwrap_or_default();
    let good = figure(codes, "2xx").unwrap_or(0.0);
    let done = figure(line, "done").unwrap_or(0.0);
    if failed > 0.0 || good <= 0.0 || good < done {
        bail!("h2load: {line}; {codes}");
    }
    let rate = text.lines().find_map(|line| {
        let (_, rest) = line.strip_prefix("finished in ")?.split_once(", ")?;
        rest.split_whitespace().next()?.parse().ok()
    });
    Ok(Load { requests: good, rate: rate.unwrap_or(f64::NAN), p99: f64::NAN })
}

/// `18.39ms` and its like, in milliseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let factor = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrk_is_read() -> Result<()> {
        let text = "Running 3s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n  Latency Distribution\n     50%    2.09ms\n     \
                    99%   16.82ms\n  79000 requests in 3.00s, 20.00MB read\nRequests/sec:  26333.00\n";
        assert_eq!(parse_wrk(text)?, Load { requests: 79000.0, rate: 26333.0, p99: 16.82 });
        assert!(parse_wrk(&format!("{text}  Non-2xx or 3xx responses: 4\n")).is_err());
        assert!(parse_wrk("").is_err());
        Ok(())
    }

    #[test]
    fn h2load_is_read() -> Result<()> {
        let text = "finished in 3.00s, 25478.33 req/s, 4.00MB/s\n\
                    requests: 76435 total, 76563 started, 76435 done, 76435 succeeded, 0 failed, 0 errored, 0 timeout\n\
                    status codes: 76435 2xx, 0 3xx, 0 4xx, 0 5xx\n";
        let load = parse_h2load(text)?;
        assert!((load.requests - 76435.0).abs() < 0.5 && (load.rate - 25478.33).abs() < 0.01);
        assert!(parse_h2load(&text.replace("0 failed", "3 failed")).is_err());
        assert!(
            parse_h2load(&text.replace("76435 2xx, 0 3xx, 0 4xx, 0 5xx", "70000 2xx, 0 3xx, 0 4xx, 6435 5xx")).is_err()
        );
        Ok(())
    }

    #[test]
    fn durations_are_read() {
        let near = |text: &str, want: f64| milliseconds(text).is_some_and(|got| (got - want).abs() < 1e-9);
        assert!(near("950.00us", 0.95) && near("1.20s", 1200.0) && near("16.82ms", 16.82));
        assert_eq!(milliseconds("12"), None);
    }
}
