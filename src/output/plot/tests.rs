use super::*;
use crate::experiment::pod_shares;
use crate::output::fixtures;

fn all() -> Vec<Outcome> {
    vec![
        fixtures::one_takes_all(),
        fixtures::even(),
        fixtures::rollout(),
        fixtures::scale_up(),
        fixtures::hundred(),
        fixtures::nothing(),
        fixtures::outage(),
    ]
}

/// Writes the pictures for a person to look at: `EVENKEEL_PICTURES=DIR cargo test pictures`.
#[cfg(feature = "png")]
#[test]
fn pictures_can_be_rendered() {
    let folder = std::env::var_os("EVENKEEL_PICTURES").map(std::path::PathBuf::from);
    let mut shares = Vec::new();
    for outcome in all() {
        shares.push(pod_shares(&outcome));
        for (stem, figure) in figures(&outcome) {
            let Some(folder) = &folder else {
                continue;
            };
            let path = folder.join(format!("{}-{stem}.png", outcome.summary.scenario));
            std::fs::write(path, figure.png()).unwrap();
        }
    }
    let figure = small_multiples("Which pod gets the traffic?", LAST_PHASE, &shares);
    let png = figure.png();
    assert!(png.starts_with(b"\x89PNG"));
    if let Some(folder) = &folder {
        std::fs::write(folder.join("compare.png"), png).unwrap();
    }
}

fn figure(outcome: &Outcome, stem: &str) -> Figure {
    figures(outcome).into_iter().find(|(s, _)| *s == stem).unwrap().1
}

fn time_chart(figure: &Figure) -> &TimeChart {
    match &figure.panels[0].body {
        Body::Time(chart) => chart,
        _ => panic!("not a chart over time"),
    }
}

#[test]
fn a_rollout_names_the_starving_pods_and_the_moment() {
    let figure = figure(&fixtures::rollout(), "traffic");
    insta::assert_snapshot!(figure.subtitle[1].text, @"From 2m44s to the end, of 5 Ready pods: grpc-server-2-4 gets no request at all; grpc-server-2-3 gets less than half of the even share; grpc-server-2-0 gets 52 % (2.6 × the even share).");
    let chart = time_chart(&figure);
    let labels: Vec<String> = chart.labels.iter().map(|l| format!("{} {} {}", l.name, l.figure, l.alarm)).collect();
    assert_eq!(labels.len(), 5);
    assert_eq!(labels[3], "grpc-server-2-3 2 % — starved true");
    assert_eq!(labels[4], "grpc-server-2-4 0 % — idle true");
    let marks: Vec<&str> = chart.marks.iter().map(|m| m.label.as_str()).collect();
    assert_eq!(marks, ["2m rollout of grpc-server to revision 2 began", "2m48s rollout of grpc-server complete"]);
    assert_eq!(figure.legend.len(), 5, "the old pods are gone and explained by the legend");
}

#[test]
fn the_stack_is_full_wherever_there_were_requests() {
    for outcome in all() {
        let figure = figure(&outcome, "traffic");
        let chart = time_chart(&figure);
        let mut heights = std::collections::BTreeMap::new();
        for area in &chart.areas {
            for stretch in &area.stretches {
                // The ends of a stretch repeat its first and last bin.
                let inner = stretch.iter().skip(1).take(stretch.len().saturating_sub(2));
                for (t, lo, hi) in inner {
                    *heights.entry(t.to_bits()).or_insert(0.0) += hi - lo;
                }
            }
        }
        assert!(heights.values().all(|h: &f64| (h - 1.0).abs() < 1e-9), "{}", outcome.summary.scenario);
        assert_eq!(heights.is_empty(), outcome.summary.requests.ok == 0);
    }
}

#[test]
fn an_outage_is_red() {
    let figure = figure(&fixtures::outage(), "traffic");
    let red = time_chart(&figure).areas.last().unwrap();
    assert_eq!((red.name.as_str(), red.fill), ("failed", palette::ALARM));
    let [stretch] = &red.stretches[..] else { panic!("one outage") };
    assert!(stretch.iter().all(|p| p.1 == 0.0), "at the bottom");
    let all = stretch.iter().filter(|p| p.2 == 1.0).map(|p| p.0);
    assert!(all.clone().all(|t| (130.0..=150.0).contains(&t)) && all.count() > 3, "{stretch:?}");
    let says = figure.legend.last().map(|l| l.1.clone()).unwrap_or_default();
    assert!(
        says.ends_with("calls failed (in the warmup, too): 300 with no pod to go to, or one that was gone"),
        "{says}"
    );
    assert!(!super::figures(&fixtures::rollout()).iter().any(|(_, f)| f.legend.iter().any(|l| l.0 == palette::ALARM)));
}

#[test]
fn the_skew_of_a_rollout_is_shown_before_and_after() {
    let figure = figure(&fixtures::rollout(), "skew");
    let titles: Vec<&str> = figure.panels.iter().map(|p| p.title.as_str()).collect();
    assert_eq!(titles, ["From 30s to 2m6s: 5 Ready pods", "From 2m44s to the end: 5 Ready pods"]);
    let Body::Bars(chart) = &figure.panels[1].body else { panic!("not bars") };
    assert_eq!(chart.even, Some((0.2, "even: 20 %".into())));
    assert_eq!(chart.bars[4].figure, "0 — idle");
}

#[test]
fn connections_stand_upon_each_other() {
    let outcome = fixtures::rollout();
    let figure = figure(&outcome, "connections");
    let chart = time_chart(&figure);
    assert!(chart.lines.is_empty());
    let labels: Vec<String> = chart.labels.iter().map(|l| format!("{} {} {}", l.name, l.figure, l.alarm)).collect();
    assert_eq!(labels.len(), 5, "{labels:?}");
    assert_eq!(labels[0], "grpc-server-2-0 26 false");
    assert_eq!(labels[4], "grpc-server-2-4 0 true");
}

#[test]
fn of_many_pods_latency_has_lines_for_few() {
    let figure = figure(&fixtures::hundred(), "latency");
    let chart = time_chart(&figure);
    assert!(chart.lines.len() < 4, "{}", chart.lines.len());
    assert!(chart.areas[0].name.ends_with(" other pods (range)"), "{}", chart.areas[0].name);
}

#[test]
fn of_many_pods_those_that_stand_out_have_their_colours() {
    let full = |outcome: &Outcome| {
        let traces = traces::Traces::of(outcome);
        traces.pods.iter().filter(|pod| pod.fill == pod.colour).count()
    };
    assert_eq!(full(&fixtures::rollout()), 10, "never more than five at once");
    assert!(full(&fixtures::hundred()) < 50);
}

#[test]
fn many_scenarios_get_a_bar_each() {
    let shares = |n: usize| vec![pod_shares(&fixtures::one_takes_all()); n];
    assert_eq!(small_multiples("t", "of", &shares(9)).panels.len(), 9);
    let figure = small_multiples("t", "of", &shares(10));
    let [Panel { body: Body::Bars(chart), .. }] = &figure.panels[..] else { panic!("not one chart of bars") };
    let bar = &chart.bars[9];
    assert_eq!((chart.bars.len(), bar.figure.as_str(), bar.alarm), (10, "5 ×, 4 of 5 idle", true));
    assert!((bar.value - 1.0).abs() < 1e-9 && bar.parts[0].1 == 1.0, "the busiest first: {:?}", bar.parts);
}

#[test]
fn many_pods_are_grouped() {
    let outcome = fixtures::hundred();
    let traffic = figure(&outcome, "traffic");
    assert_eq!(time_chart(&traffic).areas.last().unwrap().name, "86 other pods");
    let Body::Bars(chart) = &figure(&outcome, "skew").panels[0].body.clone() else { panic!("not bars") };
    let last: Vec<&str> = chart.bars.iter().rev().take(2).map(|b| b.name.as_str()).collect();
    assert_eq!(last, ["12 other pods", "mean of 74 other pods"]);
}

#[cfg(feature = "svg")]
#[test]
fn equal_outcomes_are_equal_bytes_and_well_formed() {
    for outcome in all() {
        for ((stem, first), (_, second)) in figures(&outcome).into_iter().zip(figures(&outcome)) {
            let svg = first.svg();
            assert_eq!(svg, second.svg());
            assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{stem} of {}", outcome.summary.scenario);
            assert!(svg.len() < 400_000, "{stem} of {}: {} bytes", outcome.summary.scenario, svg.len());
        }
    }
}

#[cfg(feature = "svg")]
#[test]
fn a_small_figure_as_svg() {
    let bar = |name: &str, value: f64| Bar {
        name: name.into(),
        value,
        parts: Vec::new(),
        figure: format!("{value}"),
        fill: Rgb(0, 114, 178),
        alarm: value == 0.0,
    };
    let chart = BarChart {
        bars: vec![bar("a", 0.75), bar("b", 0.25), bar("c", 0.0)],
        most: 0.75,
        even: Some((1.0 / 3.0, "even".into())),
    };
    let figure = Figure {
        title: "A title".into(),
        subtitle: vec![Line { text: "A line".into(), alarm: true }],
        panels: vec![Panel { title: "Panel".into(), body: Body::Bars(chart) }],
        columns: 1,
        legend: vec![(Rgb(1, 2, 3), "legend".into())],
    };
    insta::assert_snapshot!(figure.svg());
}

#[cfg(feature = "png")]
#[test]
fn the_embedded_font_draws_the_text_of_a_png() {
    let titled = |title: &str| Figure {
        title: title.into(),
        subtitle: Vec::new(),
        panels: Vec::new(),
        columns: 1,
        legend: Vec::new(),
    };
    assert_ne!(titled("A").png(), titled("").png());
    assert_eq!(titled("A").png(), titled("A").png());
}
