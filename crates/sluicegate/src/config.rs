//! From files to what the proxy runs: reads what changed, keeps the last good versions of what broke, translates.

use crate::files::Source;
use crate::report::{self, NOTHING, Problem, Severity, UNREADABLE};
use resources::{AnyObject, FileObjects, Key, Loaded, Resources};
use snapshot::{Ack, Delta, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use translate::{Finding, LastGood, Settings, Statuses, Translator};

/// What is configured now, and what was before.
#[derive(Debug)]
pub struct Config {
    translator: Translator,
    files: BTreeMap<PathBuf, File>,
    last_good: LastGood,
    unreadable: BTreeMap<PathBuf, String>,
    /// Shared with those who read the statuses.
    loaded: Arc<Loaded>,
    statuses: Arc<Statuses>,
    findings: Vec<Finding>,
}

/// One file.
#[derive(Debug)]
struct File {
    bytes: Vec<u8>,
    objects: FileObjects,
    /// While the file cannot be parsed, the last valid objects of those that it may still define. One that is there and not valid is
    /// not among them: its error is plain, and what it was before is not what is asked for.
    stale: BTreeMap<Key, AnyObject>,
}

impl File {
    fn read(source: Source, before: Option<File>) -> Self {
        let before = match before {
            // The same objects are the same allocations, which makes all that follows cheap.
            Some(before) if before.bytes == source.bytes => return before,
            before => before,
        };
        let objects = resources::read_file(source.path.display().to_string(), &source.bytes);
        let mut stale = BTreeMap::new();
        if let Some(before) = before.filter(|_| objects.is_broken()) {
            let defined: BTreeSet<&Key> = objects.keys().collect();
            stale = before.good();
            stale.retain(|key, _| !defined.contains(key));
        }
        Self { bytes: source.bytes, objects, stale }
    }

    /// The objects to go on with if the file can no longer be read.
    fn good(&self) -> BTreeMap<Key, AnyObject> {
        let mut good = self.stale.clone();
        for object in self.objects.valid() {
            // Of an object that stands twice the first counts.
            good.entry(object.key()).or_insert_with(|| object.clone());
        }
        good
    }
}

impl Config {
    /// Nothing is configured.
    pub fn new(settings: Settings) -> Self {
        Self {
            translator: Translator::new(settings),
            files: BTreeMap::new(),
            last_good: LastGood::default(),
            unreadable: BTreeMap::new(),
            loaded: Arc::default(),
            statuses: Arc::default(),
            findings: Vec::new(),
        }
    }

    /// Takes all files as they are now, and what could not be read. Returns what the proxy must change.
    pub fn update(&mut self, sources: Vec<Source>, unreadable: BTreeMap<PathBuf, String>) -> Delta {
        let mut before = std::mem::take(&mut self.files);
        for source in sources {
            let known = before.remove(&source.path);
            self.files.insert(source.path.clone(), File::read(source, known));
        }
        // What is there and cannot be read says nothing about its objects; what is gone is gone.
        let lost = before.into_iter().filter(|(path, _)| path.ancestors().any(|above| unreadable.contains_key(above)));
        let mut good: Vec<AnyObject> = Vec::new();
        for (path, file) in lost {
            let stale = file.good();
            good.extend(stale.values().cloned());
            let nothing = resources::read_file(path.display().to_string(), b"");
            self.files.insert(path, File { bytes: Vec::new(), objects: nothing, stale });
        }
        self.unreadable = unreadable;
        self.loaded = Arc::new(resources::assemble(self.files.values().map(|file| &file.objects)));
        let mut objects = Resources::default();
        let of_files = self.files.values().flat_map(|file| file.objects.valid().chain(file.stale.values()));
        for object in good.iter().chain(of_files) {
            // The first in the order of paths, as for objects that are defined twice.
            let key = object.key();
            if self.loaded.resources.get_any(&key).is_none() && objects.get_any(&key).is_none() {
                objects.upsert(object.clone());
            }
        }
        self.last_good.objects = objects;
        let output = self.translator.update(self.loaded.resources.clone(), &self.last_good);
        self.last_good.secrets = output.loaded_secrets;
        self.statuses = Arc::new(output.statuses);
        self.findings = output.findings;
        output.delta
    }

    /// Takes the proxy's answer.
    pub fn acknowledge(&mut self, ack: &Ack) {
        let (statuses, findings) = self.translator.apply_ack(ack);
        (self.statuses, self.findings) = (Arc::new(statuses), findings);
    }

    /// Whether a file that parsed before does not now, or holds nothing now: somebody may be in the middle of writing it.
    pub fn may_be_half_written(&self, source: &Source) -> bool {
        let Some(known) = self.files.get(&source.path) else {
            return source.bytes.is_empty() || resources::read_file("", &source.bytes).is_broken();
        };
        known.bytes != source.bytes
            && (!known.stale.is_empty() || known.objects.valid().next().is_some())
            && (source.bytes.trim_ascii().is_empty() || resources::read_file("", &source.bytes).is_broken())
    }

    /// Every problem, by file and place.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self
            .unreadable
            .iter()
            .map(|(path, why)| Problem::of_file(path, Severity::Error, UNREADABLE, why.clone(), ""))
            .collect();
        problems.extend(self.loaded.problems.iter().map(Problem::from));
        let refused = self.refused();
        problems.extend(self.findings.iter().map(|finding| {
            let mut problem = report::place(finding, &self.loaded.resources);
            if problem.file.is_empty() {
                // It stands in for what cannot be read, so that its old place means nothing.
                let object = self.last_good.objects.get_any(&finding.key);
                problem.file = object.map(|object| object.source().file.to_string()).unwrap_or_default();
            }
            if let Some((_, place)) = refused.iter().find(|(name, _)| says_missing(&finding.message, name)) {
                problem.help = format!("it is there, but not taken because of the error at {place}: mend that one");
            }
            problem
        }));
        if let Some(problem) = self.nothing() {
            problems.push(problem);
        }
        problems.sort();
        problems.dedup();
        problems
    }

    /// Every object that is written down and not valid, with the place of its first error: to those that refer to it, it is missing.
    fn refused(&self) -> Vec<(String, String)> {
        let errors = self.loaded.problems.iter().filter(|problem| problem.severity == Severity::Error);
        errors
            .filter_map(|problem| Some((problem.object.as_ref()?, problem)))
            .filter(|(key, _)| self.loaded.resources.get_any(key).is_none())
            .map(|(key, problem)| {
                let place = format!("{}:{}:{}", problem.file, problem.line, problem.column);
                (report::Object::from(key).to_string(), place)
            })
            .collect()
    }

    /// Says why no port is opened, if no object is to blame.
    fn nothing(&self) -> Option<Problem> {
        let objects = &self.loaded.resources;
        let nothing =
            |message: &str, help: &str| Some(Problem::of_file(Path::new(""), Severity::Error, NOTHING, message, help));
        if self.files.is_empty() && self.unreadable.is_empty() {
            nothing(
                "no file that ends in .yaml, .yml or .json was found",
                "name another path, or let `sluicegate expose http localhost:3000 --no-run` write a folder to begin with",
            )
        } else if objects.gateways.is_empty() && self.last_good.objects.gateways.is_empty() {
            // Whoever checks a lone route has the Gateway elsewhere; with errors around, it may be among them.
            let broken = self.loaded.has_errors() || !self.unreadable.is_empty();
            (!broken).then(|| {
                Problem::of_file(
                    Path::new(""),
                    Severity::Warning,
                    NOTHING,
                    "there is no Gateway, so that no port is opened",
                    "add a GatewayClass and a Gateway, or name the folder that holds them as well",
                )
            })
        } else {
            None
        }
    }

    /// The text of every file, to show lines of.
    pub fn sources(&self) -> report::Sources {
        self.files
            .iter()
            .map(|(path, file)| (path.display().to_string(), String::from_utf8_lossy(&file.bytes).into_owned()))
            .collect()
    }

    /// The objects that are valid.
    pub fn objects(&self) -> &Resources {
        &self.loaded.resources
    }

    /// Number of files.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// The status of every object that has one.
    pub fn statuses(&self) -> &Statuses {
        &self.statuses
    }

    /// What [`Config::objects`] and [`Config::statuses`] are now, to be kept.
    pub fn shared(&self) -> (Arc<Loaded>, Arc<Statuses>) {
        (Arc::clone(&self.loaded), Arc::clone(&self.statuses))
    }

    /// All that the proxy should run.
    pub fn snapshot(&self) -> &Snapshot {
        self.translator.snapshot()
    }
}

/// Whether a message says that the object of this kind and name does not exist.
fn says_missing(message: &str, name: &str) -> bool {
    let missing = message.contains("does not exist") || message.starts_with("there is no ");
    missing
        && message.split_once(name).is_some_and(|(_, after)| {
            !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-' || next == '.')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: c}\nspec: {controllerName: a.b/c}\n---\n\
        apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  gatewayClassName: c\n  listeners: [{name: http, port: 8080, protocol: HTTP}]\n";

    fn route(name: &str, path: &str) -> String {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  parentRefs: [{{name: g}}]\n  \
             rules:\n  - matches: [{{path: {{value: {path}}}}}]\n    filters: [{{type: RequestRedirect, requestRedirect: {{hostname: a.example.com}}}}]\n"
        )
    }

    fn source(path: &str, text: impl Into<Vec<u8>>) -> Source {
        Source { path: path.into(), bytes: text.into() }
    }

    fn routes(config: &Config) -> Vec<String> {
        config.snapshot().entities.keys().map(ToString::to_string).filter(|key| key.starts_with("HTTPRoute")).collect()
    }

    fn errors(config: &Config) -> Vec<String> {
        let problems = config.problems();
        problems.iter().filter(|p| p.severity != Severity::Note).map(Problem::line).collect()
    }

    fn update(config: &mut Config, sources: Vec<Source>) -> Delta {
        let delta = config.update(sources, BTreeMap::new());
        config.acknowledge(&Ack { revision: config.snapshot().revision, refusals: vec![] });
        delta
    }

    #[test]
    fn a_broken_document_among_good_ones_keeps_the_others_and_its_last_good_version() {
        let mut config = Config::new(Settings::default());
        let gateway = || source("a.yaml", GATEWAY);
        update(
            &mut config,
            vec![gateway(), source("b.yaml", format!("{}---\n{}", route("x", "/x"), route("y", "/y")))],
        );
        assert_eq!(errors(&config), [""; 0]);
        assert_eq!(routes(&config), ["HTTPRoute/default/x", "HTTPRoute/default/y"]);

        let broken = format!("{}---\nmetadata: [\n---\n{}", route("x", "/changed"), route("z", "/z"));
        let delta = update(&mut config, vec![gateway(), source("b.yaml", broken)]);
        assert_eq!(routes(&config), ["HTTPRoute/default/x", "HTTPRoute/default/y", "HTTPRoute/default/z"]);
        assert_eq!(delta.upserts.len(), 2, "{delta:?}");
        let found = errors(&config);
        assert!(found.iter().any(|line| line.starts_with("b.yaml:") && line.contains("SG0101")), "{found:?}");
        assert!(
            found.iter().any(|line| line.contains("HTTPRoute default/y") && line.contains("last good")),
            "{found:?}"
        );

        update(&mut config, vec![gateway(), source("b.yaml", route("x", "/x"))]);
        assert_eq!(errors(&config), [""; 0]);
        assert_eq!(routes(&config), ["HTTPRoute/default/x"]);

        // A restart knows of no last good version.
        let mut restarted = Config::new(Settings::default());
        update(&mut restarted, vec![gateway(), source("b.yaml", "metadata: [")]);
        assert_eq!(routes(&restarted), [""; 0]);
    }

    #[test]
    fn an_object_with_an_error_is_not_served_and_disturbs_no_other() {
        let mut config = Config::new(Settings::default());
        let gateway = || source("a.yaml", GATEWAY);
        let both = |x: String| source("b.yaml", format!("{x}---\n{}", route("y", "/y")));
        update(&mut config, vec![gateway(), both(route("x", "/x"))]);
        let delta = update(&mut config, vec![gateway(), both(route("x", "/x").replace("rules:", "rulez:"))]);
        assert_eq!((delta.upserts.len(), delta.removes.len()), (0, 1), "{delta:?}");
        assert!(errors(&config).iter().any(|line| line.contains("SG0301")), "{:?}", errors(&config));
        assert_eq!(routes(&config), ["HTTPRoute/default/y"]);
    }

    #[test]
    fn a_file_that_becomes_unreadable_keeps_its_objects_and_one_that_is_gone_does_not() {
        let mut config = Config::new(Settings::default());
        let both = || vec![source("d/a.yaml", GATEWAY), source("d/b.yaml", route("x", "/x"))];
        update(&mut config, both());
        for _ in 0..2 {
            config.update(both()[..1].to_vec(), BTreeMap::from([("d/b.yaml".into(), "permission denied".into())]));
            assert_eq!(routes(&config), ["HTTPRoute/default/x"]);
        }
        assert!(errors(&config).iter().any(|line| line == "d/b.yaml: error[SG0001] permission denied"));
        update(&mut config, both()[..1].to_vec());
        assert_eq!(routes(&config), [""; 0]);
    }

    #[test]
    fn what_refers_to_an_object_with_an_error_points_to_that_error() {
        let mut config = Config::new(Settings::default());
        let gateway = GATEWAY.replace("port: 8080", "port: \"8080\"");
        update(&mut config, vec![source("a.yaml", gateway), source("b.yaml", route("x", "/x"))]);
        let problems = config.problems();
        let parent = problems.iter().find(|problem| problem.message.starts_with("there is no Gateway")).unwrap();
        assert!(parent.help.contains("not taken because of the error at a.yaml:11:"), "{parent:?}");
        assert!(says_missing("Backend default/b of group x does not exist", "Backend default/b"));
        assert!(!says_missing("Backend default/b-2 does not exist", "Backend default/b"));
    }

    #[test]
    fn half_written_files_are_told_from_whole_ones() {
        let mut config = Config::new(Settings::default());
        update(&mut config, vec![source("a.yaml", GATEWAY)]);
        assert!(config.may_be_half_written(&source("a.yaml", "")));
        assert!(config.may_be_half_written(&source("a.yaml", "spec: [")));
        assert!(!config.may_be_half_written(&source("a.yaml", GATEWAY)));
        assert!(!config.may_be_half_written(&source("a.yaml", route("x", "/x"))));
        assert!(config.may_be_half_written(&source("new.yaml", "spec: [")));
    }

    #[test]
    fn nothing_to_serve_is_said() {
        let mut config = Config::new(Settings::default());
        config.update(Vec::new(), BTreeMap::new());
        assert!(errors(&config)[0].contains("no file that ends in .yaml"), "{:?}", errors(&config));
        config.update(vec![source("a.yaml", "")], BTreeMap::new());
        assert!(config.problems()[0].line().contains("there is no Gateway"), "{:?}", config.problems());
    }
}
