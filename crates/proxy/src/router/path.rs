//! The paths under one hostname: exact by hash, prefixes by one hash per segment, regular expressions one by one.

use super::{
    Map, Request,
    call::Calls,
    rules::{Match, Path, Query},
};
use std::{cell::OnceCell, sync::Arc};

/// A match and what it leads to.
#[derive(Debug)]
pub(crate) struct Candidate<T> {
    pub(crate) condition: Arc<Match>,
    pub(crate) target: T,
}

/// All matches under one hostname.
#[derive(Debug)]
pub(crate) struct Paths<T> {
    exact: Map<Box<str>, Vec<Candidate<T>>>,
    prefixes: Map<Box<str>, Vec<Candidate<T>>>,
    /// Bit n: there is a prefix of n bytes. Longer ones than the last bit there are none, so a hostile path costs no more
    /// than the longest prefix.
    prefix_lengths: Vec<u64>,
    regexes: Vec<Candidate<T>>,
    /// Of gRPC calls.
    calls: Calls<T>,
}

impl<T> Paths<T> {
    /// From matches in any order.
    pub(crate) fn build(candidates: impl IntoIterator<Item = Candidate<T>>) -> Self {
        let mut paths = Self {
            exact: Map::default(),
            prefixes: Map::default(),
            prefix_lengths: Vec::new(),
            regexes: Vec::new(),
            calls: Calls::default(),
        };
        for candidate in candidates {
            match &candidate.condition.path {
                Path::Exact(path) => paths.exact.entry(path.clone()).or_default().push(candidate),
                Path::Prefix(prefix) => {
                    let (word, bit) = (prefix.len() / 64, prefix.len() % 64);
                    if paths.prefix_lengths.len() <= word {
                        paths.prefix_lengths.resize(word + 1, 0);
                    }
                    paths.prefix_lengths[word] |= 1 << bit;
                    paths.prefixes.entry(prefix.clone()).or_default().push(candidate);
                }
                Path::Regex(_) => paths.regexes.push(candidate),
                Path::Method(_) => paths.calls.push(candidate),
            }
        }
        let lists = paths.exact.values_mut().chain(paths.prefixes.values_mut()).chain([&mut paths.regexes]);
        let lists = lists.chain(paths.calls.lists());
        for list in lists {
            list.sort_by(|a, b| a.condition.precedence.cmp(&b.condition.precedence));
            list.shrink_to_fit();
        }
        paths
    }

    /// The match that comes first in the Gateway API's order among all that hold.
    pub(super) fn find<'a>(&self, request: &Request<'a>, query: &OnceCell<Query<'a>>) -> Option<&Candidate<T>> {
        let holds = |candidate: &&Candidate<T>| candidate.condition.conditions_hold(request, query);
        if request.call && !self.calls.is_empty() {
            return self.calls.find(request.path, holds);
        }
        if let Some(list) = self.exact.get(request.path)
            && let Some(found) = list.iter().find(holds)
        {
            return Some(found);
        }
        // An expression costs more than the other conditions, so it comes last.
        let by_regex = self.regexes.iter().filter(holds).find(|candidate| match &candidate.condition.path {
            Path::Regex(regex) => regex.is_match(request.path),
            Path::Exact(_) | Path::Prefix(_) | Path::Method(_) => false,
        });
        by_regex.or_else(|| self.prefixes_of(request.path).find_map(|list| list.iter().find(holds)))
    }

    /// Matches of the prefixes of `path` that end with a segment, longest first.
    fn prefixes_of<'a, 'p>(&'a self, path: &'p str) -> impl Iterator<Item = &'a [Candidate<T>]> + use<'a, 'p, T> {
        let longest = path.len().min((self.prefix_lengths.len() * 64).saturating_sub(1));
        let used =
            |length: usize| self.prefix_lengths.get(length / 64).is_some_and(|word| word >> (length % 64) & 1 == 1);
        let border = |length: usize| path.as_bytes().get(length).is_none_or(|byte| *byte == b'/');
        (0..=longest)
            .rev()
            .filter(move |length| border(*length) && used(*length))
            .filter_map(|length| self.prefixes.get(&path[..length]).map(Vec::as_slice))
    }
}
