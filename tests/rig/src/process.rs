//! Processes that never outlive the one that started them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// How much of a log is shown when something went wrong.
const TAIL_LINES: usize = 30;

/// What ends a process when the one that started it is gone without having stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphan {
    /// It watches its standard input and ends with it.
    EndsWithStdin,
    /// It doesn't, so a watchdog beside it sends SIGTERM, then SIGKILL.
    NeedsWatchdog,
}

/// A running process, with its output in a log file. Dropping it stops it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    watchdog: Option<Child>,
    log: PathBuf,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`, with standard output and error appended to `<directory>/<name>.log`.
    pub fn start(name: &str, command: &mut Command, directory: &Path, orphan: Orphan) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot open the log {}", log.display()))?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name} ({:?})", command.get_program()))?;
        let mut process = Self {
            name: name.to_owned(),
            child,
            watchdog: None,
            log,
            status: None,
        };
        if orphan == Orphan::NeedsWatchdog {
            process.watchdog = Some(watchdog(process.id())?);
        }
        Ok(process)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file with everything the process wrote.
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// Everything the process wrote so far.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// One of the kernel's figures of the process's memory, such as `VmRSS`, in MiB.
    pub fn memory_mib(&self, figure: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find(|line| line.split(':').next() == Some(figure));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        Ok(kib.with_context(|| format!("the kernel does not tell {figure} of {}", self.name))? / 1024)
    }

    /// Sends a signal. A process that has ended already is no error.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.exited()?.is_none()
            && let Some(pid) = pid(self.id())
        {
            kill_process(pid, signal).with_context(|| format!("cannot signal {}", self.name))?;
        }
        Ok(())
    }

    /// Stops the process where it stands, with all its connections, until [`Process::thaw`].
    pub fn freeze(&mut self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen process go on.
    pub fn thaw(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Kills the process where it stands, as a node failure would, and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.reap()
    }

    /// Asks the process to end; kills it when it takes too long.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let asked = Instant::now();
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if asked.elapsed() > GRACE {
                self.kill()?;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How the process ended, or nothing while it runs.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
            if self.status.is_some() {
                self.dismiss_watchdog();
            }
        }
        Ok(self.status)
    }

    /// Waits for the process to end by itself.
    pub async fn wait(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if started.elapsed() > timeout {
                bail!("{} still runs after {timeout:?}; {}", self.name, self.tail());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks `probe` until it has something, and returns that.
    ///
    /// Fails, showing the end of the log, when the process ends first or the time is up.
    pub async fn ready<T>(&mut self, timeout: Duration, mut probe: impl FnMut(&Self) -> Option<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            if let Some(found) = probe(self) {
                return Ok(found);
            }
            if let Some(status) = self.exited()? {
                bail!("{} ended ({status}) before it was ready; {}", self.name, self.tail());
            }
            if started.elapsed() > timeout {
                bail!("{} was not ready after {timeout:?}; {}", self.name, self.tail());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The end of the log, for an error message.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n  ");
        format!("the end of its log {}:\n  {end}", self.log.display())
    }

    fn reap(&mut self) -> Result<()> {
        if self.status.is_none() {
            self.status = Some(self.child.wait()?);
        }
        self.dismiss_watchdog();
        Ok(())
    }

    /// Only once the child was waited for: until then nobody else can have its process id.
    fn dismiss_watchdog(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            let said = watchdog.stdin.take().map(|mut stdin| stdin.write_all(b"done\n"));
            if !matches!(said, Some(Ok(()))) {
                watchdog.kill().ok();
            }
            watchdog.wait().ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() && self.watchdog.is_some() {
            eprintln!("rig: {} was running; {}", self.name, self.tail());
        }
        if self.stop().is_err() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// A shell that waits for a word from us; when its input ends without one, we are gone, and it ends `id`.
fn watchdog(id: u32) -> Result<Child> {
    let script = "trap '' INT TERM HUP; read word && exit; kill -TERM $1; sleep 5; kill -KILL $1";
    Command::new("sh")
        .args(["-c", script, "watchdog", &id.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start a shell as watchdog")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn shell(script: &str) -> (tempfile::TempDir, Process) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let process = Process::start("shell", &mut command, directory.path(), Orphan::NeedsWatchdog).expect("a shell");
        (directory, process)
    }

    fn alive(id: u32) -> bool {
        pid(id).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
    }

    #[tokio::test]
    async fn it_is_ready_when_the_log_says_so() {
        let (_directory, mut process) = shell("echo ready now; exec sleep 60");
        let word = process
            .ready(SOON, |process| {
                process.log().strip_prefix("ready ").map(|rest| rest.trim().to_owned())
            })
            .await
            .expect("ready");
        assert_eq!(word, "now");
    }

    #[tokio::test]
    async fn an_early_end_shows_the_log() {
        let (_directory, mut process) = shell("echo the port is taken >&2; exit 3");
        let error = process
            .ready(SOON, |_| None::<()>)
            .await
            .expect_err("it ended")
            .to_string();
        assert!(error.contains("the port is taken"), "{error}");
        assert!(error.contains('3'), "{error}");
    }

    #[tokio::test]
    async fn dropping_it_stops_it_and_its_watchdog() {
        let (_directory, process) = shell("exec sleep 60");
        let ids = [process.id(), process.watchdog.as_ref().expect("a watchdog").id()];
        assert!(ids.into_iter().all(alive));
        drop(process);
        assert!(!ids.into_iter().any(alive));
    }

    #[tokio::test]
    async fn the_watchdog_ends_an_orphan() {
        let (_directory, mut process) = shell("exec sleep 60");
        drop(process.watchdog.as_mut().expect("a watchdog").stdin.take());
        process.wait(SOON).await.expect("the watchdog ended it");
    }

    #[tokio::test]
    async fn a_killed_process_is_gone_at_once() {
        let (_directory, mut process) = shell("trap '' TERM; exec sleep 60");
        process.kill().expect("killed");
        assert!(!alive(process.id()));
    }
}
