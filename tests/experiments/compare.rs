//! `evenkeel compare` with `--vary` and `--until`, of scenarios of one load and of several, and as a guard.

use std::fs;

use evenkeel::experiment;
use evenkeel::scenario;

use crate::desk::Desk;

const FIRST: &[&str] = &["compare", "small.yaml", "--no-png"];

#[test]
fn variants_of_one_file_are_compared() {
    let desk = Desk::new();
    let vary = ["--vary", "servers.0.replicas=2..4:3", "--baseline", "replicas=3", "--runs", "3"];
    let said = desk.run(&[FIRST, &vary].concat(), 0);
    assert!(said.out.starts_with("3 scenarios, 3 runs each; baseline: replicas=3\n"), "{}", said.out);
    assert!(said.out.contains("\nwhat 3 runs show against replicas=3\n"), "{}", said.out);
    let json = desk.json("outputs/compare/compare.json");
    let names: Vec<&str> =
        json["scenarios"].as_array().unwrap().iter().map(|s| s["scenario"].as_str().unwrap()).collect();
    assert_eq!(names, ["replicas=3", "replicas=2", "replicas=4"]);
    let finding = &json["scenarios"][2]["difference"]["findings"]["requests.failed"];
    assert_eq!(finding["verdict"], "equal");
    assert!(desk.path("outputs/compare/00-replicas=2/summary.json").exists());
    // A variant is what --set makes of the file: the same run.
    desk.run(&["run", "small.yaml", "--no-png", "--set", "servers.0.replicas=2"], 0);
    let digest = |file: &str| desk.json(file)["digest"].clone();
    assert_eq!(digest("outputs/small/summary.json"), digest("outputs/compare/00-replicas=2/summary.json"));
}

#[test]
fn combinations_have_names_and_folders_of_their_own() {
    let desk = Desk::new();
    let vary = ["--vary", "clients.0.load={ open: { rate: 50 } },{ open: { rate: 70 } }", "--vary", "seed=1,2", "-q"];
    desk.run(&[FIRST, &vary, &["--runs", "1"]].concat(), 0);
    let json = desk.json("outputs/compare/compare.json");
    assert_eq!(json["scenarios"][3]["scenario"], "load={ open: { rate: 70 } } seed=2");
    assert!(desk.path("outputs/compare/03-load=__open____rate__70_____seed=2/summary.json").exists());
}

#[test]
fn runs_go_on_until_a_figure_is_known() {
    let desk = Desk::new();
    let vary = ["--vary", "servers.0.replicas=2,4", "--until"];
    let reached = desk.run(&[FIRST, &vary, &["throughput_rps +- 5%"]].concat(), 0);
    assert!(reached.out.starts_with("2 scenarios, 10 runs each (throughput_rps +- 5%); baseline"), "{}", reached.out);
    let not = desk.run(&[FIRST, &vary, &["throughput_rps ± 0.01%", "--max-runs", "20"]].concat(), 1);
    assert!(not.out.starts_with("2 scenarios, 20 runs each (throughput_rps ± 0.01% not reached)"), "{}", not.out);
    assert!(not.err.contains("not reached after 20 runs"), "{}", not.err);
    let json = desk.json("outputs/compare/compare.json");
    assert_eq!((json["runs"].as_u64(), json["until"]["reached"].as_bool()), (Some(20), Some(false)));
    // Batches are not seen in the figures.
    let at_once = desk.run(&[FIRST, &vary[..2], &["--runs", "20", "--out", "once"]].concat(), 0);
    assert!(at_once.err.is_empty());
    assert_eq!(desk.json("once/compare.json")["scenarios"], json["scenarios"]);
}

#[test]
fn what_cannot_be_varied_is_refused() {
    let desk = Desk::new();
    for (args, says) in [
        (&["--vary", "servers.0.replicas"][..], "no `=`"),
        (&["--vary", "servers.0.replicas=1..3"], "how many values"),
        (&["--vary", "servers.0.replica=1,2"], "`replicas`"),
        (&["--vary", "seed=1..2000:2000"], "too many to compare"),
        (&["--until", "max_over_mean"], "no ±"),
        (&["--until", "max_over_man ± 1%"], "did you mean `max_over_mean`?"),
        (&["--max-runs", "5"], "--until"),
        (&["--fail-on", "slower"], "write worse, or worse:FIGURE"),
        (&["--fail-on", "worse:max_over_man"], "did you mean `max_over_mean`?"),
        (&["--fail-on", "worse", "--runs", "1"], "several runs"),
        (&["--size", "max_over_mean"], "has no ="),
    ] {
        let said = desk.run(&[FIRST, args].concat(), 2);
        assert!(said.err.contains(says), "{args:?} should say {says:?}: {}", said.err);
        assert!(!desk.path("outputs").exists());
    }
}

/// One connection through a ClusterIP, or turns over all pods; `load` is what the clients ask for.
fn fleet(name: &str, policy: &str, load: &str) -> String {
    let kind = if policy == "round_robin" { "Headless" } else { "ClusterIP" };
    format!(
        "name: {name}\nduration: 20s\nservice: {{ type: {kind} }}\nservers: [{{ name: s, replicas: 3 }}]\n\
         clients: [{{ name: c, replicas: 4, policy: {policy}, load: {load} }}]\n"
    )
}

const OPEN: &str = "{ open: { rate: 100 } }";

#[test]
fn only_scenarios_of_one_load_are_compared() {
    let desk = Desk::new();
    let put = |name: &str, policy: &str, load: &str| {
        fs::write(desk.path(format!("{name}.yaml")), fleet(name, policy, load)).unwrap();
    };
    put("a", "pick_first", OPEN);
    put("other", "pick_first", "{ open: { rate: 150 } }");
    put("b", "round_robin", OPEN);
    put("closed", "pick_first", "{ closed: { concurrency: 4 } }");
    put("turns", "round_robin", "{ closed: { concurrency: 4 } }");
    let all = ["compare", "a.yaml", "other.yaml", "b.yaml", "closed.yaml", "turns.yaml", "--no-png"];
    let said = desk.run(&all, 0);
    assert!(said.out.starts_with("5 scenarios, 6 runs each, of 3 loads; compared within each\n"), "{}", said.out);
    for load in ["c × 4: 100 calls/s; 20s", "c × 4: 150 calls/s; 20s", "c × 4: 4 calls at once; 20s"] {
        assert!(said.out.contains(&format!("\nload: {load}\n")), "{load}: {}", said.out);
    }
    let json = desk.json("outputs/compare/compare.json");
    let scenarios: Vec<(&str, u64, bool)> = json["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["scenario"].as_str().unwrap(), s["load"].as_u64().unwrap(), s["difference"].is_object()))
        .collect();
    // Closed loads make as many calls as the answers let them, and are the same load all the same.
    assert_eq!(
        scenarios,
        [("a", 1, false), ("b", 1, true), ("other", 2, false), ("closed", 3, false), ("turns", 3, true)]
    );
    // What is not compared stands beside, with its shares.
    let row = said.out.lines().find(|l| l.starts_with("other ")).unwrap();
    assert!(row.split_whitespace().nth(1).unwrap().split('/').count() == 3, "{row}");
    assert!(!said.out.contains("difference to other"), "{}", said.out);
}

#[test]
fn shares_are_those_of_run() {
    let desk = Desk::new();
    desk.run(&["compare", "blog/grpc-clusterip", "--runs", "2", "--no-png"], 0);
    let said = desk.run(&["compare", "blog/grpc-clusterip", "--runs", "2", "--no-png", "--format", "markdown"], 0);
    assert!(said.out.contains("| grpc-clusterip | 100/0/0/0/0 | 5 ±0 |"), "{}", said.out);
    let compared = desk.json("outputs/compare/compare.json");
    let summary = desk.json("outputs/compare/grpc-clusterip/summary.json");
    let pods = compared["scenarios"][0]["shares"].as_array().unwrap();
    assert_eq!(pods.len(), 5);
    for (pod, now) in pods.iter().zip(summary["pods"].as_array().unwrap()) {
        assert_eq!((&pod["pod"], &pod["share"]), (&now["pod"], &now["now"]["share"]));
    }
}

/// Two files of one name are called as their files; in folders, with these.
#[test]
fn files_of_one_name_are_told_apart() {
    let desk = Desk::new();
    for (file, policy) in [("base.yaml", "pick_first"), ("head.yaml", "round_robin")] {
        fs::write(desk.path(file), fleet("shop", policy, OPEN)).unwrap();
    }
    let said = desk.run(&["compare", "base.yaml", "head.yaml", "--no-png"], 0);
    assert!(said.out.starts_with("2 scenarios, 6 runs each; baseline: base\n"), "{}", said.out);
    assert!(said.out.contains("\nwhat 6 runs show against base\n  head\n    better: max/mean"), "{}", said.out);
    assert!(desk.path("outputs/compare/head/summary.json").exists());
    for folder in ["old", "new"] {
        fs::create_dir(desk.path(folder)).unwrap();
        fs::copy(desk.path("base.yaml"), desk.path(format!("{folder}/base.yaml"))).unwrap();
    }
    let said = desk.run(&["compare", "old/base.yaml", "new/base.yaml", "--no-png", "--out", "out"], 0);
    assert!(said.out.starts_with("2 scenarios, 6 runs each; baseline: old/base\n"), "{}", said.out);
    assert!(desk.path("out/old_base/summary.json").exists() && desk.path("out/new_base/summary.json").exists());
    let vary =
        ["compare", "base.yaml", "head.yaml", "--vary", "seed=1,2", "--runs", "1", "--no-png", "-q", "--out", "v"];
    desk.run(&vary, 0);
    assert_eq!(desk.json("v/compare.json")["scenarios"][1]["scenario"], "head seed=1");
    // The same file twice is no comparison.
    assert!(desk.run(&["compare", "base.yaml", "base.yaml"], 2).err.contains("two of the scenarios are called `shop`"));
}

/// The later scenario guards against the first one of its load: it is worse, and by how much, is said, with status 1.
#[test]
fn what_is_worse_fails_where_it_should() {
    let desk = Desk::new();
    for (file, policy) in [("even.yaml", "round_robin"), ("skewed.yaml", "pick_first")] {
        fs::write(desk.path(file), fleet("shop", policy, OPEN)).unwrap();
    }
    fs::write(desk.path("busier.yaml"), fleet("shop", "round_robin", "{ open: { rate: 120 } }")).unwrap();
    let compare = |files: [&str; 2], more: &[&str], status: i32| {
        desk.run(&[&["compare", files[0], files[1], "--no-png", "-q"], more].concat(), status).err
    };
    let (worse, better) = (["even.yaml", "skewed.yaml"], ["skewed.yaml", "even.yaml"]);
    let said = compare(worse, &["--fail-on", "worse"], 1);
    assert!(said.contains("skewed: max_over_mean is worse than in even: 1"), "{said}");
    let markdown = fs::read_to_string(desk.path("outputs/compare/compare.md")).unwrap();
    assert!(markdown.contains("### Not met\n\n- skewed: "), "{markdown}");
    compare(worse, &[], 0);
    compare(better, &["--fail-on", "worse:max_over_mean", "--fail-on", "worse:idle_pods"], 0);
    compare(worse, &["--fail-on", "worse:max_over_mean"], 1);
    compare(worse, &["--fail-on", "worse:throughput_rps"], 0);
    // It is as much worse as matters to nobody.
    compare(worse, &["--fail-on", "worse:max_over_mean", "--size", "max_over_mean=3"], 0);
    let finding = |figure: &str| {
        desk.json("outputs/compare/compare.json")["scenarios"][1]["difference"]["findings"][figure].clone()
    };
    assert_eq!(
        (finding("skew.max_over_mean")["verdict"].as_str(), finding("skew.max_over_mean")["size"].as_f64()),
        (Some("small"), Some(3.0))
    );
    // A guard that compares nothing must not be green.
    let said = compare(["even.yaml", "busier.yaml"], &["--fail-on", "worse"], 1);
    assert!(said.contains("busier: nothing is compared: no other scenario has the same load"), "{said}");
}

/// What is shown, and so small that it matters to nobody, is neither better nor worse: here a hundredth of a millisecond of the mean.
#[test]
fn small_differences_are_called_small() {
    let desk = Desk::new();
    let vary = ["--vary", "cluster.rtt=500us,510us", "--runs", "10"];
    let said = desk.run(&[FIRST, &vary].concat(), 0);
    let verdict = |figure: &str| {
        desk.json("outputs/compare/compare.json")["scenarios"][1]["difference"]["findings"][figure]["verdict"].clone()
    };
    assert_eq!(verdict("latency_ms.mean"), "small", "{}", said.out);
    desk.run(&[FIRST, &vary, &["--size", "latency_mean_ms=5us", "-q"]].concat(), 0);
    assert_eq!(verdict("latency_ms.mean"), "worse");
}

/// A comparison's folders go when they are not of the next one; what is not its own stays.
#[test]
fn folders_of_an_earlier_comparison_go() {
    let desk = Desk::new();
    let two = ["--vary", "servers.0.replicas=2,3", "--runs", "1", "-q"];
    desk.run(&[FIRST, &two].concat(), 0);
    desk.run(&["run", "small.yaml", "--no-png", "-q", "--out", "outputs/compare/mine"], 0);
    assert!(desk.path("outputs/compare/00-replicas=2").exists());
    desk.run(&[FIRST, &["--runs", "1", "-q"]].concat(), 0);
    let mut left: Vec<String> = fs::read_dir(desk.path("outputs/compare"))
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["mine", "small"]);
}

/// The phases of a comparison are those of `run`: the same number for the same thing.
#[test]
fn phases_stand_side_by_side() {
    let desk = Desk::new();
    let args = [
        "compare",
        "blog/rolling-restart-headless",
        "--vary",
        "servers.s.termination.pre_stop=5s,10s",
        "--set",
        "expect=[]",
    ];
    let said = desk.run(&[&args[..], &["--runs", "1", "--no-png"]].concat(), 0);
    let blocks: Vec<&str> = said.out.lines().skip_while(|l| !l.starts_with("by phase")).skip(1).take(9).collect();
    let phases: Vec<&str> = blocks.iter().filter(|l| !l.starts_with(' ')).copied().collect();
    assert_eq!(phases, ["before rollout of s", "during rollout of s", "after rollout of s"], "{}", said.out);
    let json = desk.json("outputs/compare/compare.json");
    for (i, folder) in ["00-pre_stop=5s", "01-pre_stop=10s"].iter().enumerate() {
        let compared = &json["scenarios"][i];
        let summary = desk.json(format!("outputs/compare/{folder}/summary.json"));
        for phase in summary["phases"].as_array().unwrap() {
            let figure = |name: &str| {
                compared["figures"][format!("phases.{}.{name}", phase["name"].as_str().unwrap())]["mean"].clone()
            };
            assert_eq!(figure("skew.max_over_mean"), phase["skew"]["max_over_mean"]);
            assert_eq!(figure("latency_ms.p99"), phase["latency_ms"]["p99"]);
            assert_eq!(figure("requests.failed").as_f64(), phase["failed"].as_f64());
        }
    }
}

/// Three connections on two pods, each of which can do 100 of the 110 calls per second: where all three fall on one (a quarter of all runs)
/// the run collapses. The p99 is the median of the runs, with their range beside it.
#[test]
fn one_collapsed_run_does_not_rule_the_p99() {
    let desk = Desk::new();
    let text = "name: edge\nduration: 20s\nservers: [{ name: s, replicas: 2, concurrency: 1, service_time: 10ms, queue_limit: null }]\n\
                clients: [{ name: c, replicas: 3, load: { open: { rate: 110 } } }]\n";
    fs::write(desk.path("edge.yaml"), text).unwrap();
    let loaded = scenario::load(&desk.path("edge.yaml"), &[]).unwrap();
    let p99 = |seed| experiment::run(&loaded, seed, false, None).unwrap().summary.latency_ms.p99.unwrap();
    let mut all: Vec<f64> = (1..=9).map(p99).collect();
    all.sort_by(f64::total_cmp);
    assert!(all[8] > 5.0 * all[4], "one collapses: {all:?}");
    desk.run(&["compare", "edge.yaml", "--runs", "9", "--no-png", "-q"], 0);
    let json = desk.json("outputs/compare/compare.json");
    let spread = &json["scenarios"][0]["figures"]["latency_ms.p99"]["spread"];
    let of = |name: &str| spread[name].as_f64().unwrap();
    assert_eq!((of("median"), of("least"), of("most")), (all[4], all[0], all[8]));
    let said = desk.run(&["run", "edge.yaml", "--runs", "9", "--no-png"], 0);
    assert!(
        said.out.contains("over 9 runs: mean and 95 % confidence interval, of quantiles median and range"),
        "{}",
        said.out
    );
    let row = said.out.lines().find(|l| l.starts_with("latency_ms.p99 ")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    let close = |word: &str, x: f64| (word.parse::<f64>().unwrap() - x).abs() <= 0.01 * x;
    assert!(close(words[1], all[4]) && close(words[2], all[0]) && close(words[4], all[8]), "{row}");
}

/// The README's main job: the claims in the order of the post, each beside what happens, in some hundred lines.
#[test]
fn the_blog_reads_in_its_own_order() {
    let desk = Desk::new();
    let said = desk.run(&["compare", "blog", "--runs", "1", "--no-png"], 0);
    let lines: Vec<&str> = said.out.lines().collect();
    let at =
        |line: &str| lines.iter().position(|l| l.starts_with(line)).unwrap_or_else(|| panic!("{line}: {}", said.out));
    let clusterip = at("grpc-clusterip ");
    assert!(lines[clusterip].contains(" 100/0/0/0/0 ") && lines[clusterip].contains(" 11.2 "), "{}", lines[clusterip]);
    assert_eq!(lines[clusterip + 1], "  said: 90 %+ on one pod, 5k RPS, p99 45 ms");
    assert!(lines[clusterip + 2].starts_with("  why: one HTTP/2 connection is one draw"), "{}", lines[clusterip + 2]);
    let order = [
        "http1-clusterip ",
        "grpc-clusterip ",
        "grpc-headless",
        "istio ",
        "grpc-clusterip-mixed",
        "cpu-limit",
        "rolling-restart ",
        "checklist",
    ];
    let places: Vec<usize> = order.iter().map(|name| at(name)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(lines.len() <= 110 && lines.iter().all(|l| l.chars().count() <= 100), "{} lines", lines.len());
    assert!(said.out.contains("compare.svg    the shares side by side"), "{}", said.out);
    let markdown = fs::read_to_string(desk.path("outputs/compare/compare.md")).unwrap();
    assert!(
        markdown.contains("| grpc-clusterip | 90 %+ on one pod, 5k RPS, p99 45 ms | 100/0/0/0/0 | 4999 | 11.2 |"),
        "{markdown}"
    );
    // What is said is said of the scenario as it is written.
    let said = desk.run(
        &[
            "compare",
            "blog/grpc-clusterip",
            "--set",
            "servers.0.replicas=4",
            "--set",
            "expect=[]",
            "--runs",
            "1",
            "--no-png",
        ],
        0,
    );
    assert!(!said.out.contains("said:"), "{}", said.out);
}

/// What the README shows of it.
#[test]
fn the_readme_shows_what_is_printed() {
    let desk = Desk::new();
    let scenarios = ["blog/grpc-clusterip", "blog/grpc-headless-round-robin"];
    let said = desk.run(&["compare", scenarios[0], scenarios[1], "--no-png"], 0).out;
    let readme = include_str!("../../README.md");
    let shown: Vec<&str> =
        readme.lines().skip_while(|l| !l.starts_with("load: ghz")).take_while(|l| *l != "```").collect();
    assert_eq!(shown.len(), 7, "{shown:?}");
    // Beside a few scenarios stand more figures than beside many.
    let words = |line: &str| line.split_whitespace().take(6).map(str::to_owned).collect::<Vec<_>>();
    for line in &shown[1..] {
        let found = said.lines().any(|l| if line.starts_with(' ') { l == *line } else { words(l) == words(line) });
        assert!(found, "README.md shows {line:?}: {said}");
    }
}

/// A value that the baseline has and the other lost is no pass. A pod that was killed never gets its pick_first clients back.
#[test]
fn a_lost_value_fails() {
    let desk = Desk::new();
    let text = "name: shop\nduration: 60s\nservice: { type: Headless }\nservers: [{ name: s, replicas: 2, startup: 1s }]\n\
                clients: [{ name: c, replicas: 4, policy: round_robin, load: { open: { rate: 400 } } }]\n\
                timeline: [{ at: 10s, kill: { server: s, pods: 1 } }]\n";
    fs::write(desk.path("base.yaml"), text).unwrap();
    fs::write(desk.path("head.yaml"), text.replace("policy: round_robin", "policy: pick_first")).unwrap();
    let said = desk.run(&["compare", "base.yaml", "head.yaml", "--no-png", "--fail-on", "worse:time_to_balance_s"], 1);
    assert!(
        said.err.contains("head: time_to_balance_s has a value in 0 of 6 runs, and in each of base"),
        "{}",
        said.err
    );
}
