//! How closed loads end, and what they make per second: with their last call, and from the end of the warmup on.

use evenkeel::metrics::outcome::Summary;
use evenkeel::{experiment, scenario};

fn summary(text: &str) -> Summary {
    let loaded = scenario::parse("closed.yaml", text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    experiment::run(&loaded, 1, false, None).expect("runs").summary
}

fn five_calls(more: &str) -> Summary {
    summary(&format!(
        "name: five\n{more}servers: [{{ name: s, replicas: 2, service_time: 1ms }}]\n\
         clients: [{{ name: c, load: {{ closed: {{ concurrency: 1, requests: 5 }} }} }}]\n"
    ))
}

/// The last call ends the run, whatever the duration; what the timeline has after that is named, and nothing else is warned of.
#[test]
fn what_the_timeline_has_after_the_last_call_is_named() {
    let missed = five_calls(
        "duration: 60s\ntimeline: [{ at: 30s, rollout: s }, { at: 40s, slow: { server: s, pods: 1, factor: 2 } }, \
         { at: 50s, scale: { server: s, replicas: 3 } }]\n",
    );
    assert!(missed.measured_s < 0.1);
    let [warning] = missed.warnings.as_slice() else { panic!("{:?}", missed.warnings) };
    for named in
        ["rollout of s at 30s", "slowness of 1 pod of s at 40s", "scale of s to 3 pods at 50s", "`duration` of 1m"]
    {
        assert!(warning.contains(named), "{named}: {warning}");
    }
    let without = five_calls("timeline: [{ at: 30s, rollout: s }]\n").warnings.concat();
    assert!(without.contains("rollout of s at 30s") && !without.contains("duration"), "{without}");
    assert_eq!(five_calls("duration: 60s\ntimeline: [{ at: 1ms, rollout: s }]\n").warnings, [""; 0]);
    assert_eq!(five_calls("duration: 60s\n").warnings, [""; 0]);
}

/// One slot of 10 ms, always busy: 100 calls per second complete, however many of them were made before the warmup was over.
#[test]
fn throughput_is_what_completes_after_the_warmup() {
    for (concurrency, warmup) in [(1, "0s"), (5, "2s"), (5, "0s"), (50, "2s")] {
        let summary = summary(&format!(
            "name: busy\nduration: 22s\nwarmup: {warmup}\ncluster: {{ rtt: 0s, connect: 0s }}\n\
             servers: [{{ name: s, concurrency: 1, service_time: 10ms }}]\n\
             clients: [{{ name: c, load: {{ closed: {{ concurrency: {concurrency} }} }} }}]\n"
        ));
        let off = (summary.throughput_rps - 100.0).abs();
        assert!(off <= 1.0 / summary.measured_s + 1e-9, "{concurrency} workers, {warmup}: {}", summary.throughput_rps);
    }
}
