//! A Prometheus server on this machine, over the blocks that promtool has made.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::guarded::Guarded;
use super::programs::Programs;
use super::scratch::Scratch;
use crate::cli::failure::Failure;
use crate::cli::interrupt;
use crate::cli::prometheus::{is_ready, query_range};
use crate::units::Span;

/// How often is looked whether it is ready.
const LOOK: Duration = Duration::from_millis(50);
/// Looks, 60 s of them.
const MOST_LOOKS: u32 = 1_200;
/// Another process may take the port before the server does.
const MOST_STARTS: u32 = 5;

/// A server on loopback that scrapes nothing; it ends with this.
pub(crate) struct Server {
    process: Guarded,
    url: String,
}

impl Server {
    /// Starts one for which a sample counts for so long.
    pub(crate) fn start(programs: &Programs, scratch: &Scratch, lookback: Span) -> Result<Server, Failure> {
        let cannot = |why: &str| Failure::Machine(format!("prometheus does not start: {why}"));
        let config = scratch.path("prometheus.yml");
        super::written(&config, |_| Ok(()))?;
        for start in 1.. {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            let port = port.map_err(|error| cannot(&format!("no free port: {error}")))?.port();
            let arguments = [
                format!("--config.file={}", config.display()),
                format!("--storage.tsdb.path={}", scratch.data().display()),
                // By default what is older than 15 days is deleted.
                "--storage.tsdb.retention.time=100y".to_owned(),
                format!("--query.lookback-delta={}ms", (lookback.0 / 1_000_000).max(1)),
                format!("--web.listen-address=127.0.0.1:{port}"),
                "--log.level=error".to_owned(),
            ];
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let process = Guarded::start(scratch, "prometheus.txt", &programs.prometheus, &arguments)?;
            let mut server = Server { process, url: format!("http://127.0.0.1:{port}") };
            match server.wait()? {
                None => return Ok(server),
                Some(said) if start == MOST_STARTS || !said.contains("address already in use") => {
                    return Err(cannot(&said));
                }
                Some(_) => {}
            }
        }
        Err(cannot("no free port"))
    }

    /// Waits until it is ready; what it said if it ended instead.
    fn wait(&mut self) -> Result<Option<String>, Failure> {
        for _ in 0..MOST_LOOKS {
            interrupt::look()?;
            if self.process.ended()?.is_some() {
                return Ok(Some(self.process.said()));
            }
            if is_ready(&self.url) {
                return Ok(None);
            }
            thread::sleep(LOOK);
        }
        Ok(Some("it is not ready after 60 s".to_owned()))
    }

    /// The answer to an expression from the first to the last of these times, in milliseconds since 1970.
    pub(crate) fn query(&self, expression: &str, times: (u64, u64), step: Span) -> Result<String, Failure> {
        query_range(&self.url, expression.to_owned(), times, step)
    }

    /// Ends it.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.process.stop()
    }
}
