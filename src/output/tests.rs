use super::*;
use crate::metrics::outcome::ClientRow;
use std::fs;

fn text(fill: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    fill(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn head(text: &str, lines: usize) -> String {
    text.lines().take(lines).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_redrawn_folder_has_the_same_pictures() {
    for outcome in [
        fixtures::one_takes_all(),
        fixtures::even(),
        fixtures::rollout(),
        fixtures::scale_up(),
        fixtures::hundred(),
        fixtures::cut_short(),
        fixtures::outage(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_run(folder.path(), &outcome, &WriteOptions { png: false, ..WriteOptions::default() }).unwrap();
        let again = replot::read(folder.path()).unwrap();
        for (stem, figure) in plot::figures(&again) {
            let written = fs::read_to_string(folder.path().join(format!("{stem}.svg"))).unwrap();
            assert!(figure.svg() == written, "{stem} of {}", outcome.summary.scenario);
        }
    }
}

#[test]
fn a_run_writes_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = fixtures::one_takes_all();
    let runs = [outcome.summary.clone(), outcome.summary.clone()];
    let paths = write_run(folder.path(), &outcome, &WriteOptions { runs: &runs, ..WriteOptions::default() }).unwrap();
    let names: Vec<&str> = paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
    let mut expected = vec!["pods.csv", "clients.csv", "events.csv", "connections.csv", "runs.csv", "runs_pods.csv"];
    for stem in ["traffic", "skew", "connections", "latency", "utilization"] {
        expected.extend(names.iter().copied().filter(|n| n.starts_with(&format!("{stem}.")) && !n.ends_with("csv")));
    }
    expected.push("summary.json");
    assert_eq!(names, expected);
    assert_eq!(names.len(), if cfg!(feature = "png") { 17 } else { 12 });
    assert!(paths.iter().all(|p| fs::metadata(p).unwrap().len() > 0));
}

#[test]
fn what_is_not_an_output_folder_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let problem = |folder: &Path| replot::read(folder).unwrap_err().to_string();
    assert!(problem(folder.path()).starts_with("cannot read"));
    let redrawn = |folder: &Path| replot::redraw(folder, folder, false).unwrap_err().to_string();
    assert!(redrawn(folder.path()).ends_with("there is no .evenkeel file in it"), "{}", redrawn(folder.path()));
    let options = WriteOptions { svg: false, png: false, ..WriteOptions::default() };
    write_run(folder.path(), &fixtures::rollout(), &options).unwrap();
    let pods = folder.path().join("pods.csv");
    let good = fs::read_to_string(&pods).unwrap();
    fs::write(&pods, good.replacen(",ready,10,", ",ready,ten,", 1)).unwrap();
    assert!(
        redrawn(folder.path()).contains("pods.csv was changed since evenkeel wrote it"),
        "{}",
        redrawn(folder.path())
    );
    assert!(
        problem(folder.path()).ends_with("line 2: \"ten\" is not a number of column 4"),
        "{}",
        problem(folder.path())
    );
    fs::write(&pods, good.replace("grpc-server-1-4", "stranger")).unwrap();
    assert!(problem(folder.path()).contains("line 6: pod \"stranger\" is not in summary.json"));
    fs::write(&pods, good.replacen("time_s", "time", 1)).unwrap();
    assert!(problem(folder.path()).contains("its first line should be time_s,pod"));
    fs::write(folder.path().join("summary.json"), "{").unwrap();
    assert!(problem(folder.path()).contains("line 1 column 1"));
}

#[test]
fn csv_files_are_as_documented() {
    let outcome = fixtures::rollout();
    insta::assert_snapshot!(head(&text(|w| csv::pods(&outcome, w)), 7));
    insta::assert_snapshot!(text(|w| csv::events(&outcome.events, w)));
    insta::assert_snapshot!(text(|w| csv::connections(&outcome.connections, w)));
    let runs = [outcome.summary.clone(), fixtures::nothing().summary];
    insta::assert_snapshot!(text(|w| csv::runs(&runs, w)));
    insta::assert_snapshot!(text(|w| csv::runs_pods(&runs, w)));
}

#[test]
fn fields_are_quoted_as_rfc_4180_says() {
    let mut outcome = fixtures::nothing();
    outcome.events = fixtures::rollout().events;
    outcome.events.truncate(1);
    outcome.events[0].what = "a, \"quoted\"\nline".into();
    let expected = "time_s,kind,subject,what\n120.000000,rollout,grpc-server,\"a, \"\"quoted\"\"\nline\"\n";
    assert_eq!(text(|w| csv::events(&outcome.events, w)), expected);
}

#[test]
fn redrawn_pictures_take_no_place_of_results() {
    let root = tempfile::tempdir().unwrap();
    let [run, other, alone] = ["run", "other", "alone"].map(|name| root.path().join(name));
    let options = WriteOptions { png: false, ..WriteOptions::default() };
    write_run(&run, &fixtures::rollout(), &options).unwrap();
    write_run(&other, &fixtures::even(), &options).unwrap();
    let before = fs::read(run.join(".evenkeel")).unwrap();
    fs::remove_file(run.join("skew.svg")).unwrap();
    assert_eq!(replot::redraw(&run, &run.join("../run"), false).unwrap().len(), 5);
    assert_eq!(fs::read(run.join(".evenkeel")).unwrap(), before, "the folder is as it was");
    for _ in 0..2 {
        assert_eq!(replot::redraw(&run, &alone, false).unwrap().len(), 5);
    }
    let refused = replot::redraw(&run, &other, false).unwrap_err();
    assert!(matches!(&refused, OutputError::OtherResult { command, .. } if command == "run"), "{refused}");
    let refused = replot::redraw(&alone, &alone, false).unwrap_err();
    assert!(matches!(&refused, OutputError::OtherResult { command, .. } if command == "plot"), "{refused}");
    fs::write(run.join("skew.svg"), "mine").unwrap();
    assert!(matches!(replot::redraw(&run, &run, false).unwrap_err(), OutputError::Changed { .. }));
}

#[test]
fn a_row_per_replica_of_a_client() {
    let row = |client: &str, failed: Option<(f64, f64)>| ClientRow {
        client: client.into(),
        started_s: Some(0.0),
        connected_s: failed.is_none().then_some(0.0015),
        connections_opened: u64::from(failed.is_none()),
        resolved: 2,
        failed: if failed.is_some() { 9 } else { 0 },
        first_failed_s: failed.map(|f| f.0),
        last_failed_s: failed.map(|f| f.1),
    };
    let rows = [row("web-0", None), row("web-1", Some((1.0, 2.5)))];
    insta::assert_snapshot!(text(|w| csv::clients(&rows, w)), @"
    client,started_s,connected_s,connections_opened,resolved,failed,first_failed_s,last_failed_s
    web-0,0.000000,0.001500,1,2,0,,
    web-1,0.000000,,0,2,9,1.000000,2.500000
    ");
}
