//! Signals of the system.

use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM or SIGINT: end gracefully.
    Stop,
    /// SIGHUP: read all files again.
    Reload,
}

/// Waits for signals on a thread of its own as long as `tell` returns true. The second SIGTERM or SIGINT ends the process at once.
pub(crate) fn spawn(tell: impl Fn(Signal) -> bool + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut terminate, mut interrupt, mut hangup) = {
        let _guard = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?)
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async move {
            let mut stopping = false;
            loop {
                let asked = tokio::select! {
                    _ = terminate.recv() => Signal::Stop,
                    _ = interrupt.recv() => Signal::Stop,
                    _ = hangup.recv() => Signal::Reload,
                };
                if asked == Signal::Stop && std::mem::replace(&mut stopping, true) {
                    tracing::warn!("second signal: ending at once");
                    std::process::exit(1);
                }
                if !tell(asked) && !stopping {
                    return;
                }
            }
        });
    })?;
    Ok(())
}
