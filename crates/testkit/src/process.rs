//! Child processes that never outlive this one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

type Job = Box<dyn FnOnce() + Send>;

/// Runs `job` on a thread that lives as long as the process. The kernel's parent-death signal follows the *thread* that
/// forked, and test threads end long before the brokers they share.
fn on_keeper<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    static KEEPER: OnceLock<Mutex<mpsc::SyncSender<Job>>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (sender, jobs) = mpsc::sync_channel::<Job>(16);
        std::thread::spawn(move || jobs.into_iter().for_each(|job| job()));
        Mutex::new(sender)
    });
    let (answer, result) = mpsc::sync_channel(1);
    let job: Job = Box::new(move || drop(answer.send(job())));
    keeper
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .send(job)
        .ok()
        .context("the keeper thread is gone")?;
    result.recv().context("the keeper thread is gone")
}

/// The same command, killed by the kernel when this process ends.
fn guarded(command: &Command) -> Command {
    let mut guarded = Command::new("setpriv");
    guarded.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => guarded.env(key, value),
            None => guarded.env_remove(key),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        guarded.current_dir(dir);
    }
    guarded.process_group(0);
    guarded
}

/// Starts a guarded child in a process group of its own. Of `command` the program, arguments, environment and folder
/// are taken; the streams are given here, because a [`Command`] does not tell its own.
pub fn spawn(command: &Command, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Result<Child> {
    let what = format!("{:?}", command.get_program());
    let mut command = guarded(command);
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    on_keeper(move || command.spawn())?.with_context(|| format!("start {what}"))
}

/// Runs a command to its end, within `limit`; its output is returned whatever its exit status.
///
/// # Errors
/// When it cannot be started or does not end in time; it is then killed.
pub fn output(command: &Command, limit: Duration) -> Result<Output> {
    let child = spawn(command, Stdio::null(), Stdio::piped(), Stdio::piped())?;
    let pid = child.id();
    let (done, result) = mpsc::sync_channel(1);
    std::thread::spawn(move || done.send(child.wait_with_output()));
    match result.recv_timeout(limit) {
        Ok(output) => Ok(output?),
        Err(_) => {
            signal_group(pid, Signal::KILL);
            bail!("{:?} did not end within {limit:?}", command.get_program())
        }
    }
}

/// [`output`], with a status other than zero as an error that carries the last lines of its output.
pub fn check(command: &Command, limit: Duration) -> Result<String> {
    let output = output(command, limit)?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?}: {}\n{}", output.status, tail_of(&format!("{stdout}{stderr}"), 40));
    }
    Ok(stdout)
}

fn signal_group(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

fn tail_of(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A server started for a test: its output goes to a log file, and it is killed on drop.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    log_start: u64,
}

impl Process {
    /// Starts `command`, both its streams appended to `log`.
    pub fn start(name: &str, command: &Command, log: &Path) -> Result<Self> {
        let file =
            OpenOptions::new().create(true).append(true).open(log).with_context(|| format!("{}", log.display()))?;
        let log_start = file.metadata()?.len();
        let child = spawn(command, Stdio::null(), Stdio::from(file.try_clone()?), Stdio::from(file))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), log_start })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote since it was started.
    pub fn log(&self) -> String {
        read_from(&self.log, self.log_start).unwrap_or_default()
    }

    /// The last lines it wrote.
    pub fn log_tail(&self, lines: usize) -> String {
        tail_of(&self.log(), lines)
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// When the process ends first or `limit` passes, with the last lines of its log.
    pub fn wait_until(&mut self, limit: Duration, mut ready: impl FnMut(&Self) -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            if ready(self) {
                return Ok(());
            }
            if let Some(status) = self.ended() {
                bail!("{} ended ({status}):\n{}", self.name, self.log_tail(40));
            }
            if start.elapsed() > limit {
                bail!("{} is not ready after {limit:?}:\n{}", self.name, self.log_tail(40));
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Sends a signal to the process alone.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// SIGTERM, then SIGKILL to its group once `grace` has passed.
    ///
    /// # Errors
    /// When it had to be killed.
    pub fn terminate(&mut self, grace: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < grace {
            if let Some(status) = self.ended() {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        bail!("{} did not stop within {grace:?}", self.name)
    }

    /// SIGKILL to its group, and waits for its end.
    pub fn kill(&mut self) {
        signal_group(self.id(), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
        }
    }
}

fn read_from(path: &Path, start: u64) -> io::Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last lines of a file; empty when there is none.
pub fn file_tail(path: &Path, lines: usize) -> String {
    tail_of(&fs::read_to_string(path).unwrap_or_default(), lines)
}
