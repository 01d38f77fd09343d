//! The Kubernetes manifest of docs/sweeps: what the API's types make of it, and its command, run.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use k8s_openapi::api::batch::v1::Job;
use serde_json::Value;

const MANIFEST: &str = include_str!("../../docs/sweeps/kubernetes.yaml");

/// Read as plain data first: the API's types are a lot of code, which is compiled anew for each format that they are read from.
fn written() -> Value {
    serde_saphyr::from_str(MANIFEST).unwrap()
}

/// Fields that the API does not have are dropped by its types: what was read and is written again would lack them.
#[test]
fn the_job_is_one() {
    let job: Job = serde_json::from_value(written()).unwrap();
    assert_eq!(serde_json::to_value(job).unwrap(), written());
    let mut wrong = written();
    wrong["spec"]["backofLimitPerIndex"] = 2.into();
    let read: Job = serde_json::from_value(wrong.clone()).unwrap();
    assert_ne!(serde_json::to_value(read).unwrap(), wrong, "a field that does not exist is noticed");
}

/// Each pod takes its shard from the index that Kubernetes gives it; all of them together are the whole sweep.
#[test]
fn its_pods_do_the_sweep() {
    let job: Job = serde_json::from_value(written()).unwrap();
    let spec = job.spec.unwrap();
    assert_eq!(spec.completion_mode.as_deref(), Some("Indexed"));
    let completions = spec.completions.unwrap();
    let container = &spec.template.spec.unwrap().containers[0];
    let desk = tempfile::tempdir().unwrap();
    let scenario = "name: small\nduration: 100ms\nservers: [{ name: s, replicas: 2 }]\n\
                    clients: [{ name: c, load: { open: { rate: 100 } } }]\n";
    for folder in ["scenario", "results"] {
        fs::create_dir(desk.path().join(folder)).unwrap();
    }
    fs::write(desk.path().join("scenario/scenario.yaml"), scenario).unwrap();
    let here = |argument: &String| {
        let inside = |folder: &str| desk.path().join(folder).display().to_string();
        argument.replace("/scenario/", &(inside("scenario") + "/")).replace("/results/", &(inside("results") + "/"))
    };
    let args: Vec<String> = container.args.as_ref().unwrap().iter().map(here).collect();
    for index in 0..completions {
        let mut pod = Command::cargo_bin("evenkeel").unwrap();
        pod.args(&args).env("JOB_COMPLETION_INDEX", index.to_string()).assert().success();
    }
    let merged = |folder: &Path| {
        let out = desk.path().join("merged");
        let mut merge = Command::cargo_bin("evenkeel").unwrap();
        merge.args(["merge", "--quiet", "--no-png"]).arg(folder).arg("--out").arg(&out).assert().success();
        fs::read_to_string(out.join("sweep.csv")).unwrap()
    };
    let csv = merged(&desk.path().join("results/all"));
    assert!(csv.contains("\n49,"), "all 50 cells are there");
}
