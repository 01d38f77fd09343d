//! The figures that an expectation can speak of: numbers of the summary, by its schema, and what its lists and maps can hold in a
//! scenario.

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use super::expect::Trouble;
use crate::metrics::figures::{BALANCE, FIGURES, FIRST_BALANCE};
use crate::model::{Model, Pods, Scale, What};
use crate::scenario::diagnostic::{nearest, quoted};
use crate::scenario::quantity::LONGEST;
use crate::scenario::rules::Code;
use crate::sim::observation::{CloseReason, Status};

/// The figures of the summary, from its schema.
pub(super) struct Figures {
    root: Value,
    /// In messages: whose figures these are.
    of: &'static str,
}

impl Figures {
    pub(super) fn of<T: JsonSchema>(of: &'static str) -> Figures {
        Figures { root: schema_for!(T).to_value(), of }
    }

    /// Turns a figure as written into a path of the summary.
    pub(super) fn path(&self, figure: &str) -> Result<Vec<String>, Trouble> {
        let mut path: Vec<String> = figure.split('.').map(str::to_owned).collect();
        if path[0] == "latency" {
            "latency_ms".clone_into(&mut path[0]);
        }
        if self.is_number(&path) {
            return Ok(path);
        }
        let in_skew: Vec<String> = std::iter::once("skew".to_owned()).chain(path.iter().cloned()).collect();
        if self.is_number(&in_skew) {
            return Ok(in_skew);
        }
        if let [list, item, ..] = path.as_slice()
            && self.root.get("properties").and_then(|p| p.get(list)).is_some_and(|l| self.types(l).contains(&"array"))
            && item.parse::<u32>().is_err()
        {
            let help = format!("items of `{list}` are numbered from 0, in the order of summary.json: `{list}.0.…`");
            return Err((Code::UnknownFigure, format!("{} has no figure {}", self.of, quoted(figure)), Some(help)));
        }
        let all = self.all();
        if let Some(meant) = self.meant(figure, &all) {
            let help = Some(format!("did you mean `{meant}`?"));
            return Err((Code::UnknownFigure, format!("{} has no figure {}", self.of, quoted(figure)), help));
        }
        let bare = all.iter().map(|f| f.strip_prefix("skew.").unwrap_or(f));
        let help = match nearest(figure, bare.chain(all.iter().map(String::as_str))) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "figures are the numbers of summary.json, such as `max_over_mean`, `latency.p99` or `requests.failed`"
                    .to_owned()
            }
        };
        Err((Code::UnknownFigure, format!("{} has no figure {}", self.of, quoted(figure)), Some(help)))
    }

    /// The path of a figure that is called by the word of the table that `run` prints, or by the last step of its path.
    fn meant(&self, word: &str, all: &[String]) -> Option<String> {
        if let Some(kind) = FIGURES.iter().find(|kind| kind.also.contains(&word)) {
            let path = if kind.path == BALANCE { FIRST_BALANCE } else { kind.path };
            return Some(path.replace("latency_ms.", "latency."));
        }
        if self.is_number(&["latency_ms".to_owned(), word.to_owned()]) {
            return Some(format!("latency.{word}"));
        }
        all.iter().find(|path| path.rsplit('.').next() == Some(word)).cloned()
    }

    fn is_number(&self, path: &[String]) -> bool {
        let end = path.iter().try_fold(&self.root, |node, step| self.step(node, step));
        end.is_some_and(|node| self.types(node).iter().any(|t| *t == "number" || *t == "integer"))
    }

    /// Follows `$ref` and takes what is not null of a choice.
    fn resolved<'a>(&'a self, mut node: &'a Value) -> &'a Value {
        loop {
            node = if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
                match reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                    Some(target) => target,
                    None => return node,
                }
            } else if let Some(Value::Array(choices)) = node.get("anyOf") {
                match choices.iter().find(|c| c.get("type").and_then(Value::as_str) != Some("null")) {
                    Some(choice) => choice,
                    None => return node,
                }
            } else {
                return node;
            };
        }
    }

    fn step<'a>(&'a self, node: &'a Value, step: &str) -> Option<&'a Value> {
        let node = self.resolved(node);
        if let Some(child) = node.get("properties").and_then(|p| p.get(step)) {
            return Some(child);
        }
        if self.types(node).contains(&"array") {
            return step.parse::<u32>().ok().and_then(|_| node.get("items"));
        }
        node.get("additionalProperties").filter(|child| child.is_object() && !step.is_empty())
    }

    fn types<'a>(&'a self, node: &'a Value) -> Vec<&'a str> {
        match self.resolved(node).get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// All figures whose paths are fixed: no lists, no maps.
    fn all(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(&self.root, "", 0, &mut found);
        found
    }

    fn collect(&self, node: &Value, path: &str, depth: usize, found: &mut Vec<String>) {
        const DEEPEST: usize = 5;
        let Some(Value::Object(properties)) = self.resolved(node).get("properties") else { return };
        for (name, child) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if self.types(child).iter().any(|t| *t == "number" || *t == "integer") {
                found.push(path);
            } else if depth < DEEPEST {
                self.collect(child, &path, depth + 1, found);
            }
        }
    }
}

/// What the lists and maps of the summary can hold after a run of a scenario.
pub(super) struct Lists<'a> {
    /// More pods, of servers and of gateways, are never created.
    pods: u64,
    gateways: u64,
    methods: u64,
    /// Changes after which the load has to balance.
    changes: u64,
    /// Names, where there are several.
    clients: Vec<&'a str>,
    limits: bool,
}

/// The keys of a list or a map.
enum Keys<'a> {
    /// From 0 on.
    Numbers(u64),
    Names(&'a [&'a str]),
}

impl<'a> Lists<'a> {
    /// Closed forms of one run: each kind of them is there once, or once per client, server or change.
    const MOST_THEORY: u64 = 1_000;

    pub(super) fn of(model: &'a Model) -> Lists<'a> {
        let n = model.servers.len();
        let created = |deployments: std::ops::Range<usize>| deployments.map(|i| most_created(model, i)).sum();
        let clients: Vec<&str> = model.clients.iter().map(|c| c.name.as_str()).collect();
        let changes = model.timeline.iter().filter(|a| a.what.moves_connections() && a.at.0 >= model.warmup.0);
        Lists {
            pods: created(0..n),
            gateways: created(n..n + model.gateways.len()),
            methods: model.clients.iter().map(|c| c.methods.len() as u64).sum(),
            changes: changes.count() as u64,
            clients: if clients.len() > 1 { clients } else { Vec::new() },
            limits: model.servers.iter().any(|s| s.cpu.as_ref().is_some_and(|cpu| cpu.limit.is_some())),
        }
    }

    /// Refuses a path through something that no run of the scenario has.
    pub(super) fn have(&self, path: &[String]) -> Result<(), Trouble> {
        let refused = |message: String, help: String| Err((Code::UnknownFigure, message, Some(help)));
        let figure = quoted(&path.join("."));
        for (i, step) in path.iter().enumerate() {
            let whole = path[..i].join(".");
            match self.keys(&whole) {
                Some(Keys::Numbers(0)) => {
                    return refused(format!("{figure} has no value in any run"), why_none(&whole));
                }
                Some(Keys::Numbers(n)) if step.parse::<u64>().ok().is_none_or(|at| at >= n) => {
                    let message = format!("{figure} has no value in any run: `{whole}` has at most {n} items");
                    return refused(message, format!("they are numbered from 0 to {}", n - 1));
                }
                Some(Keys::Names([])) => return refused(format!("{figure} has no value in any run"), why_none(&whole)),
                Some(Keys::Names(names)) if !names.contains(&step.as_str()) => {
                    let help = match nearest(step, names.iter().copied()) {
                        Some(near) => format!("did you mean `{whole}.{near}`?"),
                        None => format!("there are: {}", names.join(", ")),
                    };
                    return refused(format!("`{whole}` has no {}", quoted(step)), help);
                }
                _ => {}
            }
        }
        if path.last().is_some_and(|last| last == "throttled") && !self.limits {
            let help = "set `cpu: { limit: … }` for a server".to_owned();
            return refused(format!("{figure} has no value in any run: no server has a CPU limit"), help);
        }
        Ok(())
    }

    fn keys(&self, path: &str) -> Option<Keys<'_>> {
        Some(match path {
            "pods" => Keys::Numbers(self.pods),
            "gateways" => Keys::Numbers(self.gateways),
            "methods" => Keys::Numbers(self.methods),
            "time_to_balance" => Keys::Numbers(self.changes),
            "theory" => Keys::Numbers(Lists::MOST_THEORY),
            "failures" => Keys::Numbers(0),
            // They are filled when expectations have been judged.
            "expectations" => Keys::Numbers(0),
            "runs" | "cures" => Keys::Names(&[]),
            "requests.by_status" => Keys::Names(&Status::NAMES),
            "requests.failed_by_client" => Keys::Names(&self.clients),
            "connections.closed_by" => Keys::Names(&CloseReason::NAMES),
            _ => return None,
        })
    }
}

/// Why a list or map is empty in every run of the scenario.
fn why_none(path: &str) -> String {
    match path {
        "failures" => "their order is not known in advance: write `requests.failed` or `requests.by_status`".to_owned(),
        "gateways" => "the scenario has no gateways".to_owned(),
        "methods" => "no load of the scenario has `methods`".to_owned(),
        "time_to_balance" => "the timeline has no change after the warmup that moves pods or clients".to_owned(),
        "requests.failed_by_client" => "there is one client: write `requests.failed`".to_owned(),
        _ => format!("`{path}` is filled only after the expectations have been judged"),
    }
}

/// More pods of a Deployment than this are never created in a run: some for each rollout, scale and deletion, and for each look of an
/// autoscaler. A container that is killed restarts in its pod.
fn most_created(model: &Model, index: usize) -> u64 {
    let server = model.deployment(index);
    let (mut most, mut times, mut deleted) = (u64::from(server.replicas), 1, 0);
    for action in &model.timeline {
        match action.what {
            What::RolloutServer(i) if i == index => times += 1,
            What::Scale(Scale { server, replicas }) if server == index => {
                times += 1;
                most = most.max(replicas.into());
            }
            What::Delete(Pods { server, pods }) if server == index => deleted += u64::from(pods),
            _ => {}
        }
    }
    if let Some(hpa) = &server.hpa {
        most = most.max(hpa.max_replicas.into());
        times += model.duration.unwrap_or(LONGEST).0 / hpa.sync_period.0.max(1) + 1;
    }
    most.saturating_mul(times).saturating_add(deleted)
}
