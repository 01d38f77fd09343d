//! `evenkeel compare` with `--vary` and `--until`.

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
    ] {
        let said = desk.run(&[FIRST, args].concat(), 2);
        assert!(said.err.contains(says), "{args:?} should say {says:?}: {}", said.err);
        assert!(!desk.path("outputs").exists());
    }
}
