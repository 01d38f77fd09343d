//! How large a difference must be to matter: one that is shown, and smaller, is called neither better nor worse.

use std::collections::BTreeMap;

use super::figures::is_of;

/// The least difference that matters: so much in the figure's unit, and so much of the baseline's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// In the figure's unit.
    pub absolute: f64,
    /// Part of the baseline's value.
    pub relative: f64,
}

impl Size {
    const fn absolute(absolute: f64) -> Size {
        Size { absolute, relative: 0.0 }
    }

    const fn relative(relative: f64) -> Size {
        Size { absolute: 0.0, relative }
    }

    /// The least difference that matters beside this value of the baseline: the larger of both.
    #[must_use]
    pub fn beside(&self, baseline: f64) -> f64 {
        self.absolute.max(self.relative * baseline.abs())
    }
}

/// What matters of each figure unless somebody says otherwise, with the reason. docs/compare.md has the same table.
pub const DEFAULTS: [(&str, Size, &str); 21] = [
    (
        "skew.max_over_mean",
        Size::absolute(0.1),
        "a tenth of a pod's load: the least step of a CPU target that people set",
    ),
    ("skew.max_share", Size::absolute(0.02), "two points of all traffic"),
    ("skew.effective_pods", Size::relative(0.05), "a twentieth of the fleet"),
    ("skew.usable_capacity", Size::absolute(0.05), "a twentieth of the fleet"),
    ("skew.cv", Size::absolute(0.05), "a twentieth of the mean load"),
    ("skew.gini", Size::absolute(0.05), "a twentieth of its range"),
    ("skew.jain", Size::absolute(0.05), "a twentieth of its range"),
    ("skew.idle_pods", Size::absolute(0.5), "a pod in every other run"),
    ("skew.median_window.max_over_mean", Size::absolute(0.1), "as max_over_mean"),
    ("skew.worst_window.max_over_mean", Size::absolute(0.2), "one window has more chance in it"),
    ("skew.whole_run.max_over_mean", Size::absolute(0.1), "as max_over_mean"),
    ("stray_share", Size::absolute(0.01), "a point of all traffic"),
    ("requests.ok", Size::relative(0.01), "a hundredth of the calls"),
    ("requests.failed", Size { absolute: 1.0, relative: 0.05 }, "where none fails, each one matters"),
    ("error_ratio", Size::absolute(0.0001), "a tenth of the budget of 99.9 %"),
    ("throughput_rps", Size::relative(0.01), "a hundredth of the calls"),
    ("latency_ms.mean", LATENCY, "histograms are exact to 1 %; below 0.1 ms the network is louder"),
    ("max_utilization", Size::absolute(0.05), "five points of a pod"),
    ("reconnects_per_s", Size { absolute: 0.1, relative: 0.1 }, "a handshake each 10 s costs nobody anything"),
    ("time_to_balance_s", Size { absolute: 5.0, relative: 0.1 }, "a scrape of most dashboards"),
    ("latency_ms.*", LATENCY, "as the mean"),
];

const LATENCY: Size = Size { absolute: 0.1, relative: 0.05 };

/// The sizes that matter in a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// By the path of a figure: what is not that of [`DEFAULTS`].
    own: BTreeMap<String, Size>,
}

impl Sizes {
    /// From now on, this matters of a figure: of the whole run, of each phase and of each method.
    pub fn set(&mut self, path: &str, size: Size) {
        self.own.insert(path.to_owned(), size);
    }

    /// What matters of the figure at this path.
    #[must_use]
    pub fn of(&self, path: &str) -> Size {
        // Of a method the figure has another name.
        let path =
            if path.starts_with("methods.") { path.replace(".failed", ".requests.failed") } else { path.to_owned() };
        let own = self.own.iter().find(|(known, _)| is_of(&path, known)).map(|(_, size)| *size);
        let known = || DEFAULTS.iter().find(|(known, _, _)| is_of(&path, known)).map(|(_, size, _)| *size);
        own.or_else(known).unwrap_or(if path.contains("latency_ms.") { LATENCY } else { Size::relative(0.05) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::figures::ALWAYS;

    #[test]
    fn every_figure_has_a_size_of_its_own() {
        for (_, path, _) in ALWAYS {
            let own = DEFAULTS.iter().any(|(known, _, _)| *known == path) || path.starts_with("latency_ms.");
            assert!(own, "{path}");
        }
    }

    #[test]
    fn phases_and_methods_have_the_size_of_their_figure() {
        let mut sizes = Sizes::default();
        let size = |sizes: &Sizes, path: &str, baseline: f64| sizes.of(path).beside(baseline);
        assert_eq!(size(&sizes, "throughput_rps", 400.0), 4.0);
        assert_eq!(size(&sizes, "skew.worst_window.max_over_mean", 2.0), 0.2);
        assert_eq!(size(&sizes, "phases.after rollout of s.skew.max_over_mean", 2.0), 0.1);
        assert_eq!(size(&sizes, "methods.web Get.failed", 0.0), 1.0);
        assert_eq!(size(&sizes, "methods.web Get.latency_ms.p99", 100.0), 5.0);
        assert_eq!(size(&sizes, "latency_ms.p999", 1.0), 0.1);
        sizes.set("latency_ms.p99", Size { absolute: 20.0, relative: 0.0 });
        assert_eq!(size(&sizes, "phases.before rollout of s.latency_ms.p99", 100.0), 20.0);
        assert_eq!(size(&sizes, "latency_ms.p50", 100.0), 5.0);
    }

    /// docs/compare.md has a row per figure.
    #[test]
    fn the_document_has_the_sizes() {
        let document = include_str!("../../../docs/compare.md");
        for (path, Size { absolute, relative }, why) in DEFAULTS {
            let name = path.strip_prefix("skew.").unwrap_or(path);
            let absolute = if absolute > 0.0 { absolute.to_string() } else { String::new() };
            let relative = if relative > 0.0 { format!("{} %", (relative * 100.0).round()) } else { String::new() };
            let row = format!("| `{name}` | {absolute} | {relative} | {why} |");
            assert!(document.contains(&row), "not in docs/compare.md: {row}");
        }
    }
}
