//! Figures by method, where calls are of several.

use std::collections::BTreeSet;

use super::compare::{Figures, with_figures};
use super::tabular::{Name, Number, Rows, Table, column};
use crate::experiment::compare::{Compared, Comparison};
use crate::metrics::outcome::{MethodSummary, Summary};
use crate::words::{count, millis_or_dash};

/// What is compared of each method: the end of its path, and the heading.
const COLUMNS: [(&str, &str); 3] = [("failed", "failed"), ("latency_ms.p50", "p50 ms"), ("latency_ms.p99", "p99 ms")];

fn name(m: &MethodSummary) -> String {
    format!("{} {}", m.client, m.method)
}

/// A row per method of a run.
pub(super) fn table(summary: &Summary) -> Table {
    Rows::of(&summary.methods)
        .with(column("method", Name(8)), name)
        .with(column("calls", Number(13)), |m| count(m.started))
        .with(column("failed", Number(10)), |m| count(m.failed))
        .with(column("p50", Number(10)), |m| millis_or_dash(m.latency_ms.p50))
        .with(column("p99", Number(9)), |m| millis_or_dash(m.latency_ms.p99))
        .table()
}

/// The path of a figure as people read it: of a method's, `methods.0` is its client and name.
pub(super) fn named(path: &str, methods: &[MethodSummary]) -> String {
    let found = || {
        let (place, figure) = path.strip_prefix("methods.")?.split_once('.')?;
        Some(format!("{} {figure}", name(methods.get(place.parse::<usize>().ok()?)?)))
    };
    found().unwrap_or_else(|| path.to_owned())
}

/// A row per scenario and method of one load of a comparison, and how they differ from the baseline.
pub(super) fn compared<'a>(comparison: &Comparison, group: &'a [Compared]) -> Vec<Table> {
    let paths = group.iter().flat_map(|s| s.figures.keys());
    let method = |path: &String| Some(path.strip_prefix("methods.")?.strip_suffix(".failed")?.to_owned());
    let methods: BTreeSet<String> = paths.filter_map(method).collect();
    let prefixes: Vec<String> = methods.iter().map(|method| format!("methods.{method}.")).collect();
    let table = |title: &str, difference: bool| {
        let rows = methods.iter().zip(&prefixes).flat_map(|(method, prefix)| {
            let figures = move |s: &'a Compared| -> Option<Figures<'_>> {
                let of = s.difference.as_ref().filter(|_| difference);
                let figures = if difference { &of?.figures } else { &s.figures };
                // A scenario may not have the method.
                let has = figures.contains_key(&format!("{prefix}failed"));
                has.then_some((prefix, figures, of.map(|d| &d.findings)))
            };
            group.iter().filter_map(move |s| Some((method, s, figures(s)?)))
        });
        let rows = Rows::of(rows).with(column(title, Name(67)), |(m, s, _)| format!("{m}, {}", s.scenario));
        with_figures(rows, &COLUMNS, comparison.runs, |(_, _, figures)| figures).table()
    };
    let mut tables = vec![table("by method", false)];
    if let [baseline, _, ..] = group {
        tables.push(table(&format!("by method, difference to {}", baseline.scenario), true));
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::compare::{Difference, Finding, Verdict};
    use crate::metrics::outcome::Estimate;
    use crate::output::{Style, fixtures, table};
    use std::collections::BTreeMap;

    #[test]
    fn methods_have_a_table_of_their_own() {
        let mut outcome = fixtures::rollout();
        let latency_ms = outcome.summary.latency_ms.clone();
        let row = |method: &str, started, failed| MethodSummary {
            client: "web".into(),
            method: method.into(),
            started,
            ok: started - failed,
            failed,
            unfinished: 0,
            latency_ms: latency_ms.clone(),
        };
        outcome.summary.methods = vec![row("Get", 12_345, 6), row("/shop.Search/Everything", 78, 0)];
        let text = table::render(&outcome, &table::Header::default(), &Style::default());
        let table: Vec<&str> = text.lines().skip_while(|l| !l.starts_with("method")).take(3).collect();
        insta::assert_snapshot!(table.join("\n"), @"
        method                              calls     failed        p50       p99
        web Get                            12,345          6    1.92 ms     12 ms
        web /shop.Search/Everything            78          0    1.92 ms     12 ms
        ");
    }

    #[test]
    fn a_comparison_has_its_methods() {
        let estimate = |mean: f64, half: f64| Estimate { mean, lo: mean - half, hi: mean + half, n: 20, spread: None };
        let cut = |e: Estimate| Estimate { lo: e.lo.max(0.0), ..e };
        let figures = |p99: f64| -> BTreeMap<String, Estimate> {
            let of = |figure: &str, e| (format!("methods.web Get.{figure}"), e);
            [
                of("failed", estimate(0.2, 0.4)),
                of("latency_ms.p50", estimate(2.0, 0.1)),
                of("latency_ms.p99", estimate(p99, 3.0)),
            ]
            .into()
        };
        let scenario = |name: &str, p99, difference| Compared {
            figures: figures(p99).into_iter().map(|(path, e)| (path, cut(e))).collect(),
            difference,
            ..crate::output::compare::tests::nothing(name)
        };
        let worse = Finding { verdict: Verdict::Worse, size: 1.0, runs_to_show: None, variance_ratio: None };
        let findings = [("methods.web Get.latency_ms.p99".to_owned(), worse)].into();
        let difference = Some(Difference { figures: figures(20.0), findings });
        let scenarios = vec![scenario("one", 12.5, None), scenario("other", 32.5, difference)];
        let comparison = Comparison { scenarios, ..crate::output::compare::tests::empty(20) };
        let mut text = String::new();
        for table in compared(&comparison, &comparison.scenarios) {
            table.apart(&mut text, &Style { width: 60, ..Style::default() });
        }
        insta::assert_snapshot!(text, @"

        by method                       failed     p50 ms     p99 ms
        web Get, one                       0.2          2       12.5
                                         0–0.6       ±0.1         ±3
        web Get, other                     0.2          2       32.5
                                         0–0.6       ±0.1         ±3

        by method, difference to one    failed     p50 ms     p99 ms
        web Get, other                    +0.2         +2       +20*
                                          ±0.4       ±0.1         ±3
        ");
    }
}
