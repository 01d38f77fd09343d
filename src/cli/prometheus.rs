//! Asks a Prometheus server for time series: the only thing in evenkeel that uses the network. `calibrate --prometheus` asks the server that is
//! named, and `alerts` one that it has started on this machine.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::failure::Failure;
use super::interrupt;
use super::metrics::{interval, start_time};
use crate::experiment::calibrate::{Series, queries, read};
use crate::scenario::diagnostic::quoted;
use crate::units::Span;

/// An answer that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same of whether it is ready.
const PATIENCE_OF_READY: Duration = Duration::from_millis(300);
/// How often the user may interrupt the wait.
const LOOK: Duration = Duration::from_millis(100);
/// An answer is not larger.
const MOST_BYTES: u64 = 1 << 30;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Server {
    /// A Prometheus server to ask, over http://
    #[arg(long, value_name = "URL", requires_all = ["start", "end"], conflicts_with = "from", value_parser = url)]
    prometheus: Option<String>,
    /// Labels of the service's series, as PromQL writes them between braces: namespace="shop",job="api"
    #[arg(long = "match", value_name = "LABELS", requires = "prometheus", default_value = "")]
    labels: String,
    /// When the data begin: as 2026-01-01T00:00:00Z, or in seconds since 1970
    #[arg(long, value_name = "TIME", requires = "prometheus", value_parser = start_time)]
    start: Option<u64>,
    /// When they end
    #[arg(long, value_name = "TIME", requires = "prometheus", value_parser = start_time)]
    end: Option<u64>,
    /// From one sample to the next; no less than the server's scrape interval
    #[arg(long, value_name = "DURATION", requires = "prometheus", default_value = "15s", value_parser = interval)]
    step: Span,
}

impl Server {
    /// All series that calibrate needs; `None` if no server is to be asked.
    pub(super) fn series(&self) -> Result<Option<Vec<Series>>, Failure> {
        let (Some(server), Some(start), Some(end)) = (&self.prometheus, self.start, self.end) else { return Ok(None) };
        if start >= end {
            return Err(Failure::Usage("--end must be later than --start".to_owned()));
        }
        let mut all = Vec::new();
        for names in queries() {
            let query = format!("{{__name__=~\"{names}\",{}}}", self.labels);
            let answer = query_range(server, query, (start, end), self.step)?;
            let wrong = |why| Failure::Usage(format!("{}: {why}", quoted(server)));
            all.extend(read("", &answer).map_err(wrong)?);
        }
        Ok(Some(all))
    }
}

/// The text of the answer to a range query. Times are milliseconds since 1970.
pub(crate) fn query_range(
    server: &str,
    query: String,
    (start, end): (u64, u64),
    step: Span,
) -> Result<String, Failure> {
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1_000, ms % 1_000);
    let parameters = [
        ("query", query),
        ("start", seconds(start)),
        ("end", seconds(end)),
        ("step", format!("{}", step.as_secs_f64())),
    ];
    let url = format!("{}/api/v1/query_range", server.trim_end_matches('/'));
    let answer = patiently(move || ask(&url, &parameters))?;
    answer.map_err(|why| Failure::Machine(format!("cannot ask {}: {why}", quoted(server))))
}

/// True if a server says that it is ready.
pub(crate) fn is_ready(server: &str) -> bool {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE_OF_READY)).proxy(None).build();
    ureq::Agent::new_with_config(config).get(format!("{server}/-/ready")).call().is_ok()
}

fn url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") {
        return Ok(text.to_owned());
    }
    Err("expected an URL that begins with http:// (of a server behind TLS: kubectl port-forward)".to_owned())
}

/// The text of an answer, whatever its status: that of an error is JSON as well.
fn ask(url: &str, parameters: &[(&str, String); 4]) -> Result<String, ureq::Error> {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
    // The server that is named is asked itself, whatever the environment says of proxies.
    let config = config.proxy(None).build();
    let agent = ureq::Agent::new_with_config(config);
    let request = parameters.iter().fold(agent.get(url), |request, (name, value)| request.query(*name, value));
    request.call()?.body_mut().with_config().limit(MOST_BYTES).read_to_string()
}

/// Waits for something slow, unless the user interrupts.
fn patiently<T: Send + 'static>(slow: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(slow()));
    loop {
        interrupt::look()?;
        match receiver.recv_timeout(LOOK) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Machine("the request ended without an answer".to_owned()));
            }
        }
    }
}
