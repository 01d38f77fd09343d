//! How large a difference must be to matter: one that is shown, and smaller, is called neither better nor worse.

use std::collections::BTreeMap;

use super::figures::{LATENCY, is_of, kind, of_run};

/// The least difference that matters: so much in the figure's unit, and so much of the baseline's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// In the figure's unit.
    pub absolute: f64,
    /// Part of the baseline's value.
    pub relative: f64,
}

impl Size {
    pub(super) const fn absolute(absolute: f64) -> Size {
        Size { absolute, relative: 0.0 }
    }

    pub(super) const fn relative(relative: f64) -> Size {
        Size { absolute: 0.0, relative }
    }

    /// The least difference that matters beside this value of the baseline: the larger of both.
    #[must_use]
    pub fn beside(&self, baseline: f64) -> f64 {
        self.absolute.max(self.relative * baseline.abs())
    }
}

/// The sizes that matter in a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// By the path of a figure: what is not that of its row in [`FIGURES`](super::figures::FIGURES).
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
        let of_run = of_run(path);
        let own = self.own.iter().find(|(known, _)| is_of(&of_run, known)).map(|(_, size)| *size);
        let usual = if path.contains("latency_ms.") { LATENCY } else { Size::relative(0.05) };
        own.or_else(|| Some(kind(path)?.size)).unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::figures::{FIGURES, Kind};

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
        for Kind { path, size: Size { absolute, relative }, why, .. } in FIGURES {
            let name = path.strip_prefix("skew.").unwrap_or(path);
            let name = if *why == "as the mean" { "latency_ms.*" } else { name };
            let absolute = if *absolute > 0.0 { absolute.to_string() } else { String::new() };
            let relative = if *relative > 0.0 { format!("{} %", (relative * 100.0).round()) } else { String::new() };
            let row = format!("| `{name}` | {absolute} | {relative} | {why} |");
            assert!(document.contains(&row), "not in docs/compare.md: {row}");
        }
    }
}
