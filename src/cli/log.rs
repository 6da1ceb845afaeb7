//! What is logged, and what never is.
//!
//! Two things keep credentials out of the log. The libraries may say at most [`MOST`]: below that they print whole requests
//! with their headers, and what a credential process answered. And every line, whoever wrote it, is passed through
//! [`redact`] on its way out.

use std::env;
use std::io::{self, IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::model::redact;

/// The variable that says what is logged, in the syntax of `tracing_subscriber`: `info`, `secureml=debug,kube=info`.
const VARIABLE: &str = "RUST_LOG";
/// What is logged when nothing else is asked for: what we do, and what goes wrong in the libraries. What
/// the SDK says when it finds no credentials, and the client when it finds no cluster, is said by the failure of the call.
const DEFAULT: &str = "warn,secureml=info,aws_config=error,kube_client::client::builder=off";
/// The most that the libraries say, whatever is asked for.
const MOST: Level = Level::DEBUG;

/// Begins to log to standard error.
pub fn start() {
    let asked = env::var(VARIABLE).unwrap_or_default();
    let asked = if asked.trim().is_empty() { DEFAULT } else { &asked };
    let (filter, problem) = match EnvFilter::builder().parse(asked) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| Redacted(io::stderr()))
        .with_filter(filter.and(filter_fn(may_be_logged)));
    tracing_subscriber::registry().with(lines).init();
    if let Some(error) = problem {
        tracing::warn!("{VARIABLE} is not understood, and {DEFAULT} taken in its place: {error}");
    }
}

fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let ours = metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    ours || LevelFilter::from_level(MOST) >= *metadata.level()
}

/// Takes credentials out of what is written, one line at a time: the log hands over a line as a whole. Nobody's words can
/// look like a line of their own.
struct Redacted<W>(W);

impl<W: Write> Write for Redacted<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\n').unwrap_or(&text).replace(['\n', '\r'], " ");
        self.0.write_all(format!("{}\n", redact(&text)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_without_credentials() -> io::Result<()> {
        let mut log = Redacted(Vec::new());
        log.write_all(b"call failed: X-Amz-Signature=abcdef0123\n2026-01-01 ERROR all is lost\n")?;
        assert_eq!(
            String::from_utf8_lossy(&log.0),
            "call failed: X-Amz-Signature=[redacted] 2026-01-01 ERROR all is lost\n"
        );
        Ok(())
    }
}
