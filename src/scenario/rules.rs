//! The rules that a scenario can break, each with a code that `explain` knows. Codes are never reused.

/// A rule that a scenario can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `E001`…
    pub code: &'static str,
    /// The rule in a few words.
    pub title: &'static str,
    /// Why it exists and what to do.
    pub help: &'static str,
    /// What breaks it, and what does not.
    pub example: &'static str,
}

macro_rules! rules {
    ($($name:ident $code:literal $title:literal $help:literal $example:literal)*) => {
        /// Which rule; see [`RULES`] for what each means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        /// All rules, in order of their codes.
        pub const RULES: &[Rule] =
            &[$(Rule { code: $code, title: $title, help: $help, example: $example },)*];
    };
}

impl Code {
    /// The rule that the code stands for.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }

    /// True if breaking it can be the mere consequence of another error: something that is not there because it could not
    /// be read.
    pub(super) fn may_follow(self) -> bool {
        matches!(
            self,
            Code::Missing | Code::UnknownName | Code::EmptyList | Code::NoEffect | Code::NotOne | Code::NoEnd
        )
    }

    /// True if breaking it can be a matter of several values that do not go together.
    pub(super) fn is_of_several(self) -> bool {
        use Code::{Contradiction, Missing, NoEffect, NoEnd, NotOne, OutsideRun, TooFewWorkers};
        matches!(self, Contradiction | Missing | NoEffect | NoEnd | NotOne | OutsideRun | TooFewWorkers)
    }
}

/// The rule with this code (in any case), e.g. `E012`.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|r| r.code.eq_ignore_ascii_case(code))
}

rules! {
    Syntax "E001" "not valid YAML"
        "The file cannot be read as YAML. The position is where the reader noticed, which can be after the mistake: look at \
         the indentation and at brackets and quotes before it."
        "wrong:  name: a: b\nright:  name: \"a: b\""
    TooLarge "E002" "too large"
        "A scenario is a small text: at most 1 MiB, 64 levels deep, 100,000 values with every alias counted each time it is \
         used. Manifests may have 16 MiB and 1,000,000 values, and measurements for `calibrate` 1 GiB. Long rate traces and samples belong in CSV files beside it (`trace`, `empirical`)."
        "load: { open: { trace: rates.csv } }"
    NotText "E003" "not a text in UTF-8"
        "The file is binary, or in another encoding such as UTF-16. Save it as UTF-8."
        "iconv -f UTF-16 -t UTF-8 scenario.yaml"
    Empty "E004" "an empty file"
        "There is nothing but blanks and comments in the file. `evenkeel init` writes a starter."
        "evenkeel init scenario.yaml"
    SeveralDocuments "E005" "several documents in one file"
        "`---` begins a second YAML document, and a scenario file holds one. Commands take any number of files."
        "evenkeel compare a.yaml b.yaml"
    CannotRead "E006" "a file that cannot be read"
        "It does not exist, is a folder, or may not be read."
        "evenkeel run scenarios/blog/grpc-clusterip.yaml"
    DuplicateKey "E007" "a key written twice"
        "YAML would let one of the two win silently."
        "wrong:  { replicas: 5, replicas: 8 }"
    UnknownKey "E008" "an unknown key"
        "Keys that mean nothing are refused, since a misspelt one would silently leave the default in force. \
         `evenkeel schema` prints all keys."
        "wrong:  replica: 5\nright:  replicas: 5"
    WrongType "E009" "a value of the wrong type"
        "A text, a number, a list or a map of keys stands where something else is wanted. Texts that look like numbers need \
         quotes."
        "wrong:  servers: { name: a }\nright:  servers: [{ name: a }]"
    Unreadable "E010" "a value that cannot be read"
        "Durations are written as Go and Kubernetes write them, with a unit: `1m30s`, `250ms`, `1.5us`. Counts are whole \
         numbers. Counts-or-percentages are `1` or `25%`. Rates are plain numbers per second. What lint ignores is a rule with a reason, `EK014: reason`."
        "wrong:  startup: 5\nright:  startup: 5s"
    UnknownChoice "E011" "an unknown choice"
        "Only the listed words may stand here."
        "wrong:  policy: roundrobin\nright:  policy: round_robin"
    Missing "E012" "a key that must be given"
        "It has no sensible default."
        "clients: [{ name: web, load: { open: { rate: 100 } } }]"
    OutOfRange "E013" "a number out of range"
        "The value is too small or too large to make sense, or to be simulated. Limits: 30 days of simulated time, 100,000 \
         pods, 10 million channels or workers, 1e9 calls per second, 1,000,000 windows and 10,000,000 rows in pods.csv. What \
         happens again and again (polls, ages, back-off, sweeps, messages) has a shortest value, 1 ms for most. Products \
         have limits where they would need gigabytes: nodes × pods, channels × pods, windows × pods."
        "wrong:  nodes: 0"
    BadName "E014" "a name that Kubernetes would refuse"
        "Names become names of pods and folders: at most 63 lower-case letters, digits and `-`, with a letter or digit at \
         both ends (an RFC 1123 label)."
        "wrong:  name: My_Server\nright:  name: my-server"
    DuplicateName "E015" "a name used twice"
        "Servers and clients share one space of names, as Deployments of one namespace do."
        "wrong:  servers: [{ name: a }, { name: a }]"
    UnknownName "E016" "a name that nothing has"
        "The timeline speaks of a server or client that the scenario does not have."
        "servers: [{ name: api }]\ntimeline: [{ at: 1m, rollout: api }]"
    EmptyList "E017" "an empty list"
        "At least one item must be there."
        "wrong:  clients: []"
    NoEffect "E018" "a setting without effect"
        "Every accepted setting has an effect. The other settings of the scenario keep this one from having any, so a what-if \
         on it would show nothing and mislead: remove it, or change what keeps it from acting."
        "wrong:  { protocol: http1, policy: round_robin }"
    Contradiction "E019" "settings that contradict each other"
        "Both cannot hold."
        "wrong:  strategy: { max_surge: 0, max_unavailable: 0 }"
    NotOne "E020" "exactly one of several"
        "Of these keys one must be given, and only one."
        "wrong:  load: { open: { rate: 100, trace: rates.csv } }"
    NoEnd "E021" "a run without an end"
        "An open load, and a closed one without `requests`, go on for ever: the run needs a `duration`."
        "duration: 10m"
    OutsideRun "E022" "outside the run"
        "It lies at or after the end of the run, so it would never happen or leave nothing to measure."
        "wrong:  { duration: 1m, warmup: 2m }"
    TooFewWorkers "E023" "a closed load that is too small for its replicas"
        "The load figures are totals, split evenly over the replicas. Each replica needs a worker and a call, and each of \
         its channels needs a worker: ghz refuses more connections than workers."
        "wrong:  { replicas: 10, load: { closed: { concurrency: 5 } } }"
    CannotReadCsv "E024" "a CSV file that cannot be read"
        "Paths in a scenario are relative to its own file."
        "load: { open: { trace: rates.csv } }"
    BadCsv "E025" "a CSV file with wrong content"
        "A trace has the header `time_s,rate`, times that begin at 0 and never go back, and rates in calls per second. An \
         empirical distribution has one column of durations (`1.5ms`) or seconds (`0.0015`), with or without a header."
        "time_s,rate\n0,100\n60,250"
    BadExpectation "E026" "an expectation that cannot be read"
        "An expectation is `figure op value`: op is one of <, <=, ==, !=, >=, >, and the value a number, a percentage or, \
         for times, a duration."
        "expect: [max_over_mean <= 1.2, latency.p99 <= 20ms, max_share < 25%]"
    UnknownFigure "E027" "an unknown figure"
        "Figures are paths into summary.json (`evenkeel schema summary`) that some run of the scenario can have. A bare name is a figure of \
         `skew`."
        "wrong:  max_mean <= 2\nright:  max_over_mean <= 2"
    BadSet "E028" "a --set or --vary that cannot be applied"
        "The form is PATH=VALUE, and of --vary and --knob PATH=VALUES: values between commas, or a range LO..HI:N. The path names keys, and items of lists by name or index from 0; the value is YAML."
        "--set clients.0.policy=round_robin --set servers.grpc-server.replicas=10"
    BadProperty "E029" "a property that cannot be read"
        "A property has a claim: what a line of `expect` says, or `A.figure <= B.figure` between its two variants, perhaps with \
         `* 1.05` or `+ 5ms` and `after 1m`. It holds `always`, `in 95% of runs` or `on average`. What is drawn is a list, or a \
         range such as 2..12, 100ms..5s or 1..1000:log."
        "claim: round_robin.max_over_mean <= pick_first.max_over_mean\nholds: on average"
    Manifests "E030" "manifests that make no scenario"
        "A scenario is made of one Service and the workloads that it selects. Give both, and name the Service with --service if there \
         are several. What calls it is found by the addresses in env and args, or assumed."
        "kubectl get deploy,svc,hpa -o yaml | evenkeel run - --service api"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_up_and_can_be_found() {
        for (i, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.code, format!("E{:03}", i + 1));
            assert_eq!(find(&rule.code.to_lowercase()), Some(rule));
            assert!(!rule.help.is_empty() && !rule.example.is_empty() && !rule.title.ends_with('.'));
        }
        assert_eq!(Code::Manifests.rule().code, "E030");
        assert_eq!(find("E999"), None);
    }
}
