//! Compares what the differential script reads one way and another.

use anyhow::{Result, bail};
use serde_json::Value;

use super::Outcome;

/// The steps that read differently along two ways, each as it read in the last round; empty when there are none.
///
/// A cluster tells its brokers of a change one after another, so that two runs of the script differ now and then on the
/// same way. Such a step is given a second round and a third: what a gateway does to it, it does in all.
///
/// # Errors
/// When a run fails, or when the ways differ in how many steps they have.
pub fn differing_steps(mut both_ways: impl FnMut(&str) -> Result<(Outcome, Outcome)>) -> Result<Vec<String>> {
    let mut suspects: Option<Vec<String>> = None;
    let mut report = Vec::new();
    for round in ["first", "second", "third"] {
        let (one, other) = both_ways(round)?;
        let (one, other) = (steps(&one), steps(&other));
        if one.len() != other.len() || one.is_empty() {
            bail!("{} steps one way, {} the other", one.len(), other.len());
        }
        let differing: Vec<_> = one.iter().zip(&other).filter(|(a, b)| a != b).collect();
        let in_both = |op: &str| suspects.as_ref().is_none_or(|before| before.iter().any(|name| name == op));
        let differing: Vec<_> = differing.into_iter().filter(|(step, _)| in_both(&op(step))).collect();
        report = differing.iter().map(|(a, b)| format!("{a}\n{b}")).collect();
        if report.is_empty() {
            break;
        }
        eprintln!("steps that differ in the {round} round:\n{}", report.join("\n"));
        suspects = Some(differing.iter().map(|(step, _)| op(step)).collect());
    }
    Ok(report)
}

fn steps(outcome: &Outcome) -> Vec<Value> {
    outcome.json["steps"].as_array().cloned().unwrap_or_default()
}

fn op(step: &Value) -> String {
    step["op"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Client;

    fn outcome(results: &[&str]) -> Outcome {
        let steps: Vec<Value> =
            results.iter().enumerate().map(|(i, result)| json!({"op": format!("op {i}"), "result": result})).collect();
        Outcome { client: Client::Java, verb: "differential", json: json!({"steps": steps}), stderr: String::new() }
    }

    #[test]
    fn a_difference_counts_when_it_comes_again() {
        let always = differing_steps(|_| Ok((outcome(&["a", "b"]), outcome(&["a", "c"])))).unwrap();
        assert_eq!(always.len(), 1, "{always:?}");
        let once = |round: &str| Ok((outcome(&["a", "b"]), outcome(&["a", if round == "first" { "c" } else { "b" }])));
        assert!(differing_steps(once).unwrap().is_empty());
        let elsewhere = |round: &str| {
            Ok((outcome(&["a", "b"]), if round == "first" { outcome(&["a", "c"]) } else { outcome(&["c", "b"]) }))
        };
        assert!(differing_steps(elsewhere).unwrap().is_empty());
        assert!(differing_steps(|_| Ok((outcome(&["a"]), outcome(&["a", "b"])))).is_err());
        assert!(differing_steps(|_| Ok((outcome(&[]), outcome(&[])))).is_err());
    }
}
