//! Load generators as loads: command lines of ghz, fortio, h2load and k6, and ghz's configuration.

mod table;

use super::build::{Map, int, one, text};
use super::object::{Field, Object};
use super::{k6, words};
use crate::scenario::diagnostic::{Place, lines};
use crate::scenario::yaml::tree::Node;
use table::{FORTIO, Flag, GHZ, H2LOAD, K6, Kind};

/// What a configuration of ghz is called in place of a kind.
pub(super) const GHZ_KIND: &str = "ghz config";

/// True for the root of a configuration of ghz: `call` is what it cannot do without, but for what the command line adds.
pub(super) fn is_ghz_config(object: &Object) -> bool {
    let says = |key: &str| object.get(&[key]).is_some();
    (says("call") || says("proto") || says("protoset"))
        && (says("host") || says("total") || says("rps") || says("concurrency"))
}

/// What a command line of a load generator asks for.
pub(super) struct Tool {
    /// Its program, `ghz` say.
    pub name: &'static str,
    pub load: Node,
    pub channels: Option<Node>,
    pub policy: Option<Node>,
    pub deadline: Option<Node>,
    pub duration: Option<Node>,
    /// Options that have an effect which is not modelled.
    pub missed: Vec<Missed>,
    pub place: Place,
    /// What it calls.
    pub target: String,
}

/// An option, what the answer may miss, and where it stands if that is elsewhere than the command line.
pub(super) struct Missed(pub String, pub &'static str, pub Option<Place>);

impl Tool {
    /// True if it ends by itself, after a number of calls.
    pub(super) fn ends(&self) -> bool {
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
                found.extend(words::commands(&so_far).iter().filter_map(|words| of_words(words, place, &[])).flatten());
            }
        }
    }
    found
}

/// The load generators that a workload's containers run. `files` are what configures them.
pub(super) fn of_workload(object: &Object, files: &[Object]) -> Vec<Tool> {
    let of_container = |container: Field<'_>| {
        let all = [container.list("command"), container.list("args")].concat();
        let place = all.first()?.place();
        let texts: Vec<String> = all.iter().filter_map(|f| f.peek()).collect();
        let found = match texts.as_slice() {
            [shell, flags, script, ..] if shell.ends_with("sh") && flags.starts_with('-') && flags.ends_with('c') => {
                words::commands(script).iter().find_map(|words| of_words(words, place, files))
            }
            // The program may be the image's.
            _ => of_words(&texts, place, files).or_else(|| {
                let image = container.get(&["image"])?.peek()?;
                let program = image.rsplit('/').next()?.split([':', '@']).next()?.to_owned();
                of_words(&[&[program], &texts[..]].concat(), place, files)
            }),
        };
        all.into_iter().filter(|_| found.is_some()).for_each(Field::read);
        found
    };
    object.own_containers().find_map(of_container).unwrap_or_default()
}

/// The load generator that a file beside the manifests configures.
pub(super) fn of_file(file: &Object) -> Vec<Tool> {
    match file.kind.as_str() {
        GHZ_KIND => {
            let mut given = Given::default();
            given.configure(file);
            vec![given.tool("ghz", file.root.place)]
        }
        k6::KIND => k6::tools(file),
        _ => Vec::new(),
    }
}

/// What stands on a command line, or in a file.
#[derive(Default)]
struct Given {
    options: Vec<(Kind, String)>,
    missed: Vec<Missed>,
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
                // It stays the same, as without.
                Kind::Missed(_) if value == "const" => {}
                Kind::Missed(note) => given.missed.push(Missed(format!("--{flag}"), note, None)),
                _ => given.options.push((kind, value)),
            }
        }
        given
    }

    /// Adds what a configuration of ghz says, whose keys are the long names of the options. The command line counts more.
    fn configure(&mut self, config: &Object) {
        let mut options = Vec::new();
        for (key, field) in config.takes_part().field().entries() {
            let kind = GHZ.iter().find(|flag| flag.0.contains(&key)).map_or(Kind::Other, |flag| flag.1);
            let Some(value) = field.peek().filter(|_| kind != Kind::Switch) else { continue };
            match kind {
                Kind::Missed(_) if value == "const" => {}
                Kind::Missed(note) => self.missed.push(Missed(key.to_owned(), note, Some(field.place()))),
                _ if key == "host" => {
                    if self.target.is_empty() {
                        self.target = value;
                    }
                    field.read();
                }
                Kind::Other => {}
                _ => {
                    field.read();
                    options.push((kind, value));
                }
            }
        }
        self.options.splice(..0, options);
    }

    fn value(&self, kind: Kind) -> Option<&str> {
        self.options.iter().rev().find(|(k, _)| *k == kind).map(|(_, value)| value.as_str())
    }

    /// A number; what is none (a variable of the shell, say) is reported.
    fn number(&mut self, kind: Kind) -> Option<i128> {
        let value = self.value(kind)?.to_owned();
        let number = value.parse::<f64>().ok().filter(|x| *x >= 0.0).map(|x| x.ceil() as i128);
        if number.is_none() {
            self.missed.push(Missed(value, "the value is not known: the default of the tool is taken", None));
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
fn of_words(line: &[String], place: Place, files: &[Object]) -> Option<Vec<Tool>> {
    let program = |word: &String| {
        let word = word.rsplit('/').next().unwrap_or(word);
        [("ghz", GHZ), ("fortio", FORTIO), ("h2load", H2LOAD), ("k6", K6)].into_iter().find(|(name, _)| *name == word)
    };
    let (at, (name, flags)) = line.iter().enumerate().find_map(|(i, word)| Some((i, program(word)?)))?;
    let starts = |word: &str| ["time", "exec", "env", "nohup", "--", "command"].contains(&word) || word.contains('=');
    let at_command = line[..at].iter().all(|word| starts(word)) || line[..at].last().is_some_and(|word| word == "--");
    let verb = match name {
        "fortio" => Some("load"),
        "k6" => Some("run"),
        _ => None,
    };
    let loads = line.get(at + 1).is_some_and(|word| verb.is_none_or(|verb| word == verb));
    if !at_command || !loads || line[at + 1..].iter().any(|word| word == "--version" || word == "-v") {
        return None;
    }
    let mut given = Given::read(flags, line[at + 1..].iter().skip(usize::from(verb.is_some())));
    if let Some(path) = given.value(Kind::Config).map(str::to_owned) {
        match files.iter().find(|file| file.name.split(' ').next() == path.rsplit('/').next()) {
            Some(file) if name == "ghz" && file.kind == GHZ_KIND => given.configure(file),
            Some(file) if name == "k6" && file.kind == k6::KIND => return Some(k6::tools(file)),
            _ => {
                let note = "this file is not in the input: its settings are not read";
                given.missed.push(Missed(format!("--config {path}"), note, None));
            }
        }
    }
    Some(vec![given.tool(name, place)])
}

impl Given {
    /// What all that asks for.
    fn tool(mut self, name: &'static str, place: Place) -> Tool {
        let (ghz, fortio, k6) = (name == "ghz", name == "fortio", name == "k6");
        let connections = self.number(Kind::Connections).or(fortio.then_some(4));
        // Of ghz the workers share the connections, and each VU of k6 has one of its own; of the others each connection has as many
        // calls as it has streams.
        let workers = match (ghz, k6) {
            (true, _) => self.number(Kind::Concurrency).unwrap_or(50),
            (_, true) => self.number(Kind::Concurrency).unwrap_or(1),
            _ => connections.unwrap_or(1).saturating_mul(self.number(Kind::Streams).unwrap_or(1)),
        };
        let connections = if k6 { Some(workers) } else { connections };
        let requests = self.number(Kind::Requests);
        let rate = self.number(Kind::Rate).or(fortio.then_some(8)).filter(|rate| *rate > 0);
        // So many calls at this rate take so long.
        let by_rate = rate.zip(requests).map(|(rate, n)| text(place, format!("{}s", (n + rate - 1) / rate)));
        let five_seconds = || (fortio && requests.is_none()).then(|| text(place, "5s"));
        let duration = by_rate.or_else(|| self.time(Kind::Duration, place)).or_else(five_seconds);
        let load = match rate.filter(|_| !fortio) {
            Some(rate) => {
                let note = "calls come at this rate even if the servers are slow; the tool then waits for its workers";
                self.missed.push(Missed("rate".to_owned(), note, None));
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
                // Each of fortio's threads keeps to its part of the rate.
                closed.put_some("max_rate", rate.map(|rate| int(place, rate)));
                one("closed", closed.node())
            }
        };
        if k6 {
            self.missed.push(Missed("run".to_owned(), k6::ITERATION, None));
        }
        Tool {
            name,
            channels: connections.filter(|n| *n > 1).map(|n| int(place, n)),
            policy: self.value(Kind::Policy).map(|policy| text(place, policy)),
            deadline: self.time(Kind::Deadline, place),
            duration: duration.or_else(|| load.has(&["open"]).then(|| text(place, "1m"))),
            load,
            missed: self.missed,
            place,
            target: if k6 { String::new() } else { self.target },
        }
    }
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
