//! Command lines of load generators as loads: ghz, fortio, h2load.

use super::build::{Map, int, one, text};
use super::object::Object;
use super::words;
use crate::scenario::diagnostic::{Place, lines};
use crate::scenario::yaml::tree::Node;

/// What a command line of a load generator asks for.
pub(super) struct Tool {
    /// Its program, `ghz` say.
    pub name: &'static str,
    pub load: Node,
    pub channels: Option<Node>,
    pub policy: Option<Node>,
    pub deadline: Option<Node>,
    pub duration: Option<Node>,
    /// Options that have an effect which is not modelled: option and what the answer may miss.
    pub missed: Vec<(String, &'static str)>,
    pub place: Place,
    /// What it calls.
    pub target: String,
}

impl Tool {
    /// True if it ends by itself, after a number of calls.
    pub fn ends(&self) -> bool {
        self.load.has(&["closed", "requests"])
    }
}

/// The load generators that a text of a shell starts.
pub(super) fn of_script(script: &str, source: u32) -> Vec<Tool> {
    let mut found = Vec::new();
    let mut command: Option<(usize, String)> = None;
    for (at, line) in lines(script) {
        let (start, mut so_far) = command.take().unwrap_or((at, String::new()));
        match line.strip_suffix('\\') {
            Some(part) => {
                so_far.push_str(part);
                command = Some((start, so_far));
            }
            None => {
                so_far.push_str(line);
                let place = Place { source, start, end: start + so_far.trim_end().len() };
                found.extend(words::commands(&so_far).iter().filter_map(|words| of_words(words, place)));
            }
        }
    }
    found
}

/// The load generator that a workload's containers run.
pub(super) fn of_workload(object: &Object) -> Option<Tool> {
    object.own_containers().find_map(|container| {
        let all = [container.list("command"), container.list("args")].concat();
        let place = all.first()?.place();
        let texts: Vec<String> = all.iter().filter_map(|f| Some(f.text()?.into_owned())).collect();
        if let [shell, flags, script, ..] = texts.as_slice()
            && shell.ends_with("sh")
            && flags.starts_with('-')
            && flags.ends_with('c')
        {
            return words::commands(script).iter().find_map(|words| of_words(words, place));
        }
        // The program may be the image's.
        let of_image = || {
            let image = container.get(&["image"])?.text()?;
            let program = image.rsplit('/').next()?.split([':', '@']).next()?.to_owned();
            of_words(&[&[program], &texts[..]].concat(), place)
        };
        of_words(&texts, place).or_else(of_image)
    })
}

/// An option: its names, whether it takes a value, and what it is about.
struct Flag(&'static [&'static str], Kind);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Concurrency,
    Requests,
    Connections,
    Streams,
    Rate,
    Duration,
    Deadline,
    Policy,
    /// Has no bearing; with a value, or without.
    Other,
    Switch,
    /// What the answer may miss.
    Missed(&'static str),
}

const GHZ: &[Flag] = &[
    Flag(&["c", "concurrency"], Kind::Concurrency),
    Flag(&["n", "total"], Kind::Requests),
    Flag(&["connections"], Kind::Connections),
    Flag(&["r", "rps"], Kind::Rate),
    Flag(&["z", "duration"], Kind::Duration),
    Flag(&["t", "timeout"], Kind::Deadline),
    Flag(&["lb-strategy"], Kind::Policy),
    Flag(&["insecure", "skipTLS", "async", "e", "enable-compression", "h", "help", "v", "version"], Kind::Switch),
    Flag(
        &["load-schedule", "load-start", "load-step", "load-end", "load-step-duration", "load-max-duration"],
        Kind::Missed("a load that changes by steps: write it as `load: { open: { curve: … } }`"),
    ),
    Flag(
        &[
            "concurrency-schedule",
            "concurrency-start",
            "concurrency-end",
            "concurrency-step",
            "concurrency-step-duration",
            "concurrency-max-duration",
        ],
        Kind::Missed("the number of workers stays as it is"),
    ),
    Flag(&["config"], Kind::Missed("the settings of that file are not read")),
    Flag(&["stream-dynamic-messages", "count-errors"], Kind::Switch),
    Flag(&["keepalive"], Kind::Missed("pings: write them as `keepalive: { time: … }`")),
    Flag(
        &["stream-interval", "stream-call-duration", "stream-call-count"],
        Kind::Missed("each call is taken to be unary: streams are `load: { streams: … }`"),
    ),
];

const FORTIO: &[Flag] = &[
    Flag(&["c"], Kind::Connections),
    Flag(&["s"], Kind::Streams),
    Flag(&["n"], Kind::Requests),
    Flag(&["qps"], Kind::Rate),
    Flag(&["t"], Kind::Duration),
    Flag(
        &[
            "grpc",
            "ping",
            "health",
            "a",
            "nocatchup",
            "uniform",
            "jitter",
            "quiet",
            "stdclient",
            "h2",
            "insecure",
            "allow-initial-errors",
        ],
        Kind::Switch,
    ),
];

const H2LOAD: &[Flag] = &[
    Flag(&["c", "clients"], Kind::Connections),
    Flag(&["m", "max-concurrent-streams"], Kind::Streams),
    Flag(&["n", "requests"], Kind::Requests),
    Flag(&["D", "duration"], Kind::Duration),
    Flag(&["rps"], Kind::Missed("the rate of each client is not limited")),
    Flag(&["h1", "v", "verbose"], Kind::Switch),
];

/// What stands on a command line.
#[derive(Default)]
struct Given {
    options: Vec<(Kind, String)>,
    missed: Vec<(String, &'static str)>,
    target: String,
}

impl Given {
    /// Reads the words after the program.
    fn read<'w>(flags: &[Flag], words: impl Iterator<Item = &'w String>) -> Given {
        let mut words = words.peekable();
        let mut given = Given::default();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix('-').filter(|flag| !flag.is_empty()) else {
                given.target.clone_from(word);
                continue;
            };
            let flag = flag.trim_start_matches('-');
            let (flag, joined) =
                flag.split_once('=').map_or((flag, None), |(flag, value)| (flag, Some(value.to_owned())));
            let kind = flags.iter().find(|f| f.0.contains(&flag)).map_or(Kind::Other, |f| f.1);
            if kind == Kind::Switch {
                continue;
            }
            // h2load's usual form: -n1000.
            let short =
                flags.iter().find(|f| f.0.iter().any(|n| n.len() == 1 && flag.len() > 1 && flag.starts_with(n)));
            let attached = short.filter(|_| flag[1..].starts_with(|c: char| c.is_ascii_digit()));
            let kind = attached.map_or(kind, |f| f.1);
            let joined = joined.or_else(|| attached.map(|_| flag[1..].to_owned()));
            // An option that is not known may take no value.
            if kind == Kind::Other && joined.is_none() && words.peek().is_some_and(|next| next.starts_with('-')) {
                continue;
            }
            let Some(value) = joined.or_else(|| words.next().cloned()) else { break };
            match kind {
                Kind::Missed(note) => given.missed.push((format!("--{flag}"), note)),
                _ => given.options.push((kind, value)),
            }
        }
        given
    }

    fn value(&self, kind: Kind) -> Option<&str> {
        self.options.iter().rev().find(|(k, _)| *k == kind).map(|(_, value)| value.as_str())
    }

    /// A number; what is none (a variable of the shell, say) is reported.
    fn number(&mut self, kind: Kind) -> Option<i128> {
        let value = self.value(kind)?.to_owned();
        let number = value.parse::<f64>().ok().filter(|x| *x >= 0.0).map(|x| x.ceil() as i128);
        if number.is_none() {
            self.missed.push((value, "the value is not known: the default of the tool is taken"));
        }
        number
    }

    /// A duration; a bare number is seconds.
    fn time(&self, kind: Kind, place: Place) -> Option<Node> {
        let time = self.value(kind).filter(|time| !["0", "0s"].contains(time))?;
        Some(text(place, words::duration(time)))
    }
}

/// What a command line asks for, if it is one of a load generator. Before its program stands nothing but what starts programs: `time`,
/// `exec`, `kubectl exec ... --`.
fn of_words(line: &[String], place: Place) -> Option<Tool> {
    let program = |word: &String| {
        let word = word.rsplit('/').next().unwrap_or(word);
        [("ghz", GHZ), ("fortio", FORTIO), ("h2load", H2LOAD)].into_iter().find(|(name, _)| *name == word)
    };
    let (at, (name, flags)) = line.iter().enumerate().find_map(|(i, word)| Some((i, program(word)?)))?;
    let starts = |word: &str| ["time", "exec", "env", "nohup", "--", "command"].contains(&word) || word.contains('=');
    let at_command = line[..at].iter().all(|word| starts(word)) || line[..at].last().is_some_and(|word| word == "--");
    let loads = match name {
        "fortio" => line.get(at + 1).is_some_and(|word| word == "load"),
        _ => line.len() > at + 1,
    };
    if !at_command || !loads || line[at + 1..].iter().any(|word| word == "--version" || word == "-v") {
        return None;
    }
    let after = line[at + 1..].iter().skip(usize::from(name == "fortio"));
    let mut given = Given::read(flags, after);
    let (ghz, fortio) = (name == "ghz", name == "fortio");
    let connections = given.number(Kind::Connections).or(fortio.then_some(4));
    // Of ghz the workers share the connections; of the others each connection has as many calls as it has streams.
    let workers = match ghz {
        true => given.number(Kind::Concurrency).unwrap_or(50),
        false => connections.unwrap_or(1).saturating_mul(given.number(Kind::Streams).unwrap_or(1)),
    };
    let requests = given.number(Kind::Requests);
    let rate = given.number(Kind::Rate).or(fortio.then_some(8)).filter(|rate| *rate > 0);
    // So many calls at this rate take so long.
    let by_rate = rate.zip(requests).map(|(rate, n)| text(place, format!("{}s", (n + rate - 1) / rate)));
    let five_seconds = || (fortio && requests.is_none()).then(|| text(place, "5s"));
    let duration = by_rate.or_else(|| given.time(Kind::Duration, place)).or_else(five_seconds);
    let load = match rate {
        Some(rate) => {
            let note = "calls come at this rate even if the servers are slow; the tool then waits for its workers";
            given.missed.push(("rate".to_owned(), note));
            let mut open = Map::new(place);
            open.put("rate", int(place, rate));
            open.put("arrivals", text(place, "constant"));
            one("open", open.node())
        }
        None => {
            let mut closed = Map::new(place);
            closed.put("concurrency", int(place, workers));
            let total = requests.or(ghz.then_some(200)).or((!ghz && !fortio).then_some(1));
            closed.put_some("requests", total.filter(|_| duration.is_none()).map(|n| int(place, n)));
            one("closed", closed.node())
        }
    };
    Some(Tool {
        name,
        channels: connections.filter(|n| *n > 1).map(|n| int(place, n)),
        policy: given.value(Kind::Policy).map(|policy| text(place, policy)),
        deadline: given.time(Kind::Deadline, place),
        duration: duration.or_else(|| load.has(&["open"]).then(|| text(place, "1m"))),
        load,
        missed: given.missed,
        place,
        target: given.target,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml::write::flow;

    fn loads(script: &str) -> Vec<String> {
        let shown = |tool: &Tool| {
            let part = |name: &str, node: &Option<Node>| {
                node.as_ref().map_or(String::new(), |n| format!(" {name} {}", flow(n)))
            };
            let rest =
                part("channels", &tool.channels) + &part("policy", &tool.policy) + &part("deadline", &tool.deadline);
            format!("{} {}{rest}{} -> {}", tool.name, flow(&tool.load), part("for", &tool.duration), tool.target)
        };
        of_script(script, 0).iter().map(shown).collect()
    }

    #[test]
    fn command_lines_are_loads() {
        let script = "#!/bin/sh\n# ghz in a comment\nghz --insecure --call helloworld.Greeter/SayHello --total 10000 \\\n  \
                      --concurrency 50 --data '{\"name\": \"test\"}' grpc-server:50051\n\
                      time ./bin/ghz -n=500 -c 10 --connections 5 --lb-strategy=round_robin -t 2 dns:///api:80\n\
                      ghz -r 100 -z 30s api:80\nfortio load -grpc -qps 0 -c 8 -s 2 -t 60s api:80\nh2load -n 1000 -c 10 -m 4 http://api\n";
        assert_eq!(
            loads(script),
            [
                "ghz { closed: { concurrency: 50, requests: 10000 } } -> grpc-server:50051",
                "ghz { closed: { concurrency: 10, requests: 500 } } channels 5 policy round_robin deadline 2s -> dns:///api:80",
                "ghz { open: { rate: 100, arrivals: constant } } for 30s -> api:80",
                "fortio { closed: { concurrency: 16 } } channels 8 for 60s -> api:80",
                "h2load { closed: { concurrency: 40, requests: 1000 } } channels 10 -> \"http://api\""
                    .replace('"', "")
                    .as_str(),
            ]
        );
    }
}
