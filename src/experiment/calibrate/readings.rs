//! What the time series of a service's pods say: calls and their times by pod and interval.

use std::collections::BTreeMap;

use super::Part;
use super::series::Series;
use crate::theory::buckets::Buckets;

/// Where a metric library has the histogram of the times of calls in the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// Name of the histogram, without `_bucket`, `_sum` and `_count`.
    pub histogram: &'static str,
    /// Its unit in seconds.
    pub unit: f64,
    /// Labels that a series must have.
    pub only: &'static [(&'static str, &'static str)],
    /// Whose it is.
    pub of: &'static str,
}

/// Those that are known, the ones with narrower buckets first.
pub const SOURCES: [Source; 5] = [
    Source {
        histogram: "grpc_server_call_duration_seconds",
        unit: 1.0,
        only: &[],
        of: "gRPC's OpenTelemetry plugin (gRFC A66)",
    },
    Source {
        histogram: "grpc_server_handling_seconds",
        unit: 1.0,
        only: &[],
        of: "go-grpc-middleware, java-grpc-prometheus",
    },
    Source {
        histogram: "istio_request_duration_milliseconds",
        unit: 1e-3,
        only: &[("reporter", "destination")],
        of: "Istio",
    },
    Source { histogram: "response_latency_ms", unit: 1e-3, only: &[("direction", "inbound")], of: "Linkerd" },
    Source { histogram: "rpc_server_duration_milliseconds", unit: 1e-3, only: &[], of: "OpenTelemetry" },
];

/// CPU seconds of containers, of cAdvisor.
const CPU: &str = "container_cpu_usage_seconds_total";

/// Names of all metrics that are looked at, as regular expressions of Prometheus.
pub fn queries() -> impl Iterator<Item = String> {
    SOURCES.iter().map(|source| format!("{}_(bucket|sum)", source.histogram)).chain([CPU.to_owned()])
}

/// From one sample of a pod to the next one.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// Index into [`Readings::pods`].
    pub pod: usize,
    /// In seconds since the first sample of all.
    pub span: Part,
    /// Calls that ended in it, by the time that they took.
    pub counts: Vec<f64>,
    /// Sum of these times, in seconds.
    pub sum: f64,
    /// CPU time in seconds, if it was measured.
    pub cpu: Option<f64>,
}

/// All that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings {
    /// Where it comes from.
    pub source: Source,
    /// Names of the pods that had calls, in order.
    pub pods: Vec<String>,
    /// Where the buckets end, in seconds; the last one has no end.
    pub ends: Vec<f64>,
    /// In order of pods and time.
    pub intervals: Vec<Interval>,
}

/// Sums over a part of the time.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// When the first sample in it was, in seconds since the first of all.
    pub first: f64,
    /// From that to the last one in it, in seconds.
    pub lasts: f64,
    /// Calls by pod, and how long they took.
    pub buckets: Vec<Buckets>,
    /// Sums of these times by pod, in seconds.
    pub times: Vec<f64>,
    /// From the first sample of each pod to its last one.
    pub alive: Vec<f64>,
}

impl Sums {
    /// Calls by pod.
    #[must_use]
    pub fn calls(&self) -> Vec<f64> {
        self.buckets.iter().map(Buckets::total).collect()
    }

    /// The buckets of these pods together.
    #[must_use]
    pub fn together(&self, pods: impl Iterator<Item = usize>) -> Buckets {
        let mut all = Buckets { ends: Vec::new(), counts: Vec::new() };
        for pod in pods {
            let Buckets { ends, counts } = &self.buckets[pod];
            all.counts.resize(counts.len(), 0.0);
            all.ends.clone_from(ends);
            all.counts.iter_mut().zip(counts).for_each(|(all, n)| *all += n);
        }
        all
    }
}

/// Time in whole milliseconds, which Prometheus has: order for keys.
fn ms(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}

impl Readings {
    /// Puts series together.
    ///
    /// # Errors
    /// What is missing.
    pub fn new(all: &[Series]) -> Result<Readings, String> {
        let of = |source: &Source, suffix: &str| -> Vec<&Series> {
            let name = format!("{}{suffix}", source.histogram);
            let has = |series: &&Series| {
                let labels = &series.labels;
                series.name == name && source.only.iter().all(|(k, v)| labels.get(*k).is_none_or(|found| found == v))
            };
            all.iter().filter(has).collect()
        };
        let Some(source) = SOURCES.iter().find(|source| !of(source, "_bucket").is_empty()) else {
            let known: Vec<String> = SOURCES.iter().map(|source| format!("{}_bucket", source.histogram)).collect();
            return Err(format!(
                "there is no histogram of the times of calls in the server: none of {}",
                known.join(", ")
            ));
        };
        let (buckets, sums) = (of(source, "_bucket"), of(source, "_sum"));
        if sums.is_empty() {
            return Err(format!("{0}_bucket is there, and {0}_sum is not; both are needed", source.histogram));
        }
        let mut ends: Vec<f64> = buckets.iter().filter_map(|series| end_of(series)).collect();
        ends.sort_by(f64::total_cmp);
        ends.dedup();
        if ends.pop() != Some(f64::INFINITY) || ends.is_empty() {
            return Err(format!("{}_bucket has no label le with the ends of buckets up to +Inf", source.histogram));
        }
        let cpu: Vec<&Series> = all.iter().filter(|series| series.name == CPU && is_container(series)).collect();
        let start = buckets.iter().filter_map(|series| series.samples.first()).map(|s| ms(s.0)).min().unwrap_or(0);
        let pods: std::collections::BTreeSet<&str> = buckets.iter().filter_map(|series| pod_of(series)).collect();
        let pods: Vec<String> = pods.into_iter().map(str::to_owned).collect();
        if pods.is_empty() {
            return Err(format!("{}_bucket has no label pod", source.histogram));
        }
        let mut readings = Readings { source: *source, pods, ends, intervals: Vec::new() };
        readings.ends.iter_mut().for_each(|end| *end *= source.unit);
        readings.fill(start, &buckets, &sums, &cpu);
        if readings.intervals.is_empty() {
            return Err("each series has one sample only, so that no calls can be counted".to_owned());
        }
        Ok(readings)
    }

    fn fill(&mut self, start: i64, buckets: &[&Series], sums: &[&Series], cpu: &[&Series]) {
        let unit = self.source.unit;
        let pod = |series: &Series| self.pods.iter().position(|pod| Some(&**pod) == pod_of(series));
        // Up to each end, by pod and the time of the later sample.
        let mut found: BTreeMap<(usize, i64), (i64, Interval)> = BTreeMap::new();
        for series in buckets {
            let (Some(pod), Some(end)) = (pod(series), end_of(series)) else { continue };
            let bucket = self.ends.partition_point(|e| *e < end * unit - 1e-12);
            for (from, to, n) in increments(series) {
                let counts = vec![0.0; self.ends.len() + 1];
                let span = Part { from: (from - start) as f64 / 1e3, to: (to - start) as f64 / 1e3 };
                let interval = || (from, Interval { pod, span, counts, sum: 0.0, cpu: None });
                found.entry((pod, to)).or_insert_with(interval).1.counts[bucket] += n;
            }
        }
        for series in sums {
            for (_, to, sum) in increments(series) {
                let Some((_, interval)) = pod(series).and_then(|pod| found.get_mut(&(pod, to))) else { continue };
                interval.sum += sum * unit;
            }
        }
        for series in cpu {
            for (_, to, seconds) in increments(series) {
                let Some((_, interval)) = pod(series).and_then(|pod| found.get_mut(&(pod, to))) else { continue };
                *interval.cpu.get_or_insert(0.0) += seconds;
            }
        }
        let each_alone = |(_, mut interval): (i64, Interval)| {
            let mut below = 0.0;
            for n in &mut interval.counts {
                (below, *n) = (*n, (*n - below).max(0.0));
            }
            interval
        };
        self.intervals = found.into_values().map(each_alone).collect();
    }

    /// When the last sample was.
    #[must_use]
    pub fn end(&self) -> f64 {
        self.intervals.iter().map(|interval| interval.span.to).fold(0.0, f64::max)
    }

    /// Sums over a part of the time. Of an interval that is only partly in it, as much of the calls as of the time.
    #[must_use]
    pub fn sums(&self, within: Part) -> Sums {
        let empty = Buckets { ends: self.ends.clone(), counts: vec![0.0; self.ends.len() + 1] };
        let pods = self.pods.len();
        let (mut first, mut last) = (f64::INFINITY, 0.0f64);
        let mut sums =
            Sums { first: 0.0, lasts: 0.0, buckets: vec![empty; pods], times: vec![0.0; pods], alive: vec![0.0; pods] };
        for Interval { pod, span, counts, sum, .. } in &self.intervals {
            let (from, to) = (span.from.max(within.from), span.to.min(within.to));
            if from >= to {
                continue;
            }
            let part = (to - from) / (span.to - span.from);
            (first, last) = (first.min(from), last.max(to));
            sums.times[*pod] += part * sum;
            sums.alive[*pod] += to - from;
            sums.buckets[*pod].counts.iter_mut().zip(counts).for_each(|(all, n)| *all += part * n);
        }
        if last > first {
            (sums.first, sums.lasts) = (first, last - first);
        }
        sums
    }
}

fn pod_of(series: &Series) -> Option<&str> {
    series.labels.get("pod").map(String::as_str)
}

/// Where a bucket ends, in the histogram's unit. gRFC A66 has one that ends at 0, in which nothing is.
fn end_of(series: &Series) -> Option<f64> {
    series.labels.get("le")?.parse().ok().filter(|end| *end > 0.0)
}

/// Of a container, and not of the pod as a whole or of its sandbox.
fn is_container(series: &Series) -> bool {
    series.labels.get("container").is_none_or(|name| !name.is_empty() && name != "POD")
}

/// From one sample of a counter to the next, in milliseconds, and by how much it rose. A counter that falls has begun again at zero.
fn increments(series: &Series) -> impl Iterator<Item = (i64, i64, f64)> {
    series.samples.windows(2).map(|pair| {
        let [(from, before), (to, after)] = [pair[0], pair[1]];
        (ms(from), ms(to), if after < before { after } else { after - before })
    })
}

#[cfg(test)]
mod tests {
    use super::super::series::read;
    use super::*;

    fn of(text: &str) -> Result<Readings, String> {
        Readings::new(&read("x", text).unwrap())
    }

    const TWO_PODS: &str = "# TYPE response_latency_ms histogram\n\
        response_latency_ms_bucket{pod=\"a\",direction=\"inbound\",le=\"1\"} 0 100\n\
        response_latency_ms_bucket{pod=\"a\",direction=\"inbound\",le=\"1\"} 6 110\n\
        response_latency_ms_bucket{pod=\"a\",direction=\"inbound\",le=\"+Inf\"} 0 100\n\
        response_latency_ms_bucket{pod=\"a\",direction=\"inbound\",le=\"+Inf\"} 10 110\n\
        response_latency_ms_bucket{pod=\"a\",direction=\"inbound\",le=\"+Inf\"} 4 120\n\
        response_latency_ms_bucket{pod=\"a\",direction=\"inbound\",le=\"1\"} 4 120\n\
        response_latency_ms_bucket{pod=\"a\",direction=\"outbound\",le=\"+Inf\"} 0 100\n\
        response_latency_ms_bucket{pod=\"a\",direction=\"outbound\",le=\"+Inf\"} 99 110\n\
        response_latency_ms_sum{pod=\"a\",direction=\"inbound\"} 0 100\n\
        response_latency_ms_sum{pod=\"a\",direction=\"inbound\"} 20 110\n\
        response_latency_ms_sum{pod=\"a\",direction=\"inbound\"} 3 120\n\
        response_latency_ms_bucket{pod=\"b\",direction=\"inbound\",le=\"+Inf\"} 50 100\n\
        response_latency_ms_bucket{pod=\"b\",direction=\"inbound\",le=\"+Inf\"} 51 110\n\
        # EOF\n";

    #[test]
    fn counters_that_begin_again_and_units_are_minded() {
        let readings = of(TWO_PODS).unwrap();
        assert_eq!((&readings.pods[..], &readings.ends[..]), (&["a".to_owned(), "b".to_owned()][..], &[0.001][..]));
        let sums = readings.sums(Part { from: 0.0, to: 20.0 });
        assert_eq!(sums.calls(), [14.0, 1.0]);
        assert_eq!(sums.buckets[0].counts, [10.0, 4.0]);
        assert!((sums.times[0] - 0.023).abs() < 1e-12 && sums.lasts == 20.0 && sums.alive == [20.0, 10.0]);
        // Half of the first interval.
        let sums = readings.sums(Part { from: 5.0, to: 20.0 });
        assert_eq!((sums.calls(), sums.first, sums.lasts), (vec![9.0, 0.5], 5.0, 15.0));
    }

    #[test]
    fn each_histogram_is_asked_for() {
        assert!(
            SOURCES.iter().zip(queries()).all(|(source, query)| query == format!("{}_(bucket|sum)", source.histogram))
        );
        assert_eq!(queries().count(), SOURCES.len() + 1);
    }

    #[test]
    fn what_is_missing_is_said() {
        for (text, says) in [
            ("# x\nup{pod=\"a\"} 1 2\n", "no histogram"),
            ("# x\nresponse_latency_ms_bucket{pod=\"a\",le=\"+Inf\"} 1 2\n", "_sum is not"),
            ("# x\nresponse_latency_ms_bucket{pod=\"a\"} 1 2\nresponse_latency_ms_sum 1 2\n", "no label le"),
            (
                "# x\nresponse_latency_ms_bucket{le=\"1\"} 1 2\nresponse_latency_ms_bucket{le=\"+Inf\"} 1 2\nresponse_latency_ms_sum 1 2\n",
                "no label pod",
            ),
            (
                "# x\nresponse_latency_ms_bucket{pod=\"a\",le=\"1\"} 1 2\nresponse_latency_ms_bucket{pod=\"a\",le=\"+Inf\"} 1 2\nresponse_latency_ms_sum{pod=\"a\"} 1 2\n",
                "one sample",
            ),
        ] {
            let said = of(text).unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
