//! A reader of OpenMetrics text, as far as the tests need it.

use std::collections::BTreeSet;

/// A series: its name with its labels as they are written, and its values by time in seconds.
#[derive(Debug)]
struct Series {
    name: String,
    labels: String,
    values: Vec<(f64, f64)>,
}

/// A whole file.
#[derive(Debug, Default)]
pub struct Text {
    /// In the order of their first lines. A series that comes again is there twice.
    series: Vec<Series>,
    /// Families with their types, and how many series are before each.
    families: Vec<(String, String, usize)>,
}

impl Text {
    pub fn read(text: &str) -> Text {
        let mut all = Text::default();
        for line in text.lines() {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                let (name, kind) = family.split_once(' ').unwrap();
                all.families.push((name.to_owned(), kind.to_owned(), all.series.len()));
            }
            if line.starts_with('#') {
                continue;
            }
            let (name, rest) = line.split_once('{').unwrap();
            let (labels, rest) = rest.rsplit_once("} ").unwrap();
            let (value, at) = rest.split_once(' ').unwrap();
            let value = (at.parse().unwrap(), value.parse().unwrap());
            // The lines of a histogram take turns.
            let from = all.families.last().unwrap().2;
            let known = all.series[from..].iter_mut().rev().find(|s| s.name == name && s.labels == labels);
            match known {
                Some(series) => series.values.push(value),
                None => {
                    all.series.push(Series { name: name.to_owned(), labels: labels.to_owned(), values: vec![value] })
                }
            }
        }
        all
    }

    /// # Panics
    /// If the text breaks a rule.
    pub fn check(&self) {
        let names: BTreeSet<&str> = self.families.iter().map(|f| f.0.as_str()).collect();
        assert_eq!(names.len(), self.families.len(), "a family comes once");
        let distinct: BTreeSet<(&str, &str)> =
            self.series.iter().map(|s| (s.name.as_str(), s.labels.as_str())).collect();
        assert_eq!(distinct.len(), self.series.len(), "a series is in one family");
        for (i, (family, kind, from)) in self.families.iter().enumerate() {
            let end = self.families.get(i + 1).map_or(self.series.len(), |next| next.2);
            let suffixes: &[&str] = match kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_bucket", "_count", "_sum"],
                other => panic!("{family} is a {other}"),
            };
            for series in &self.series[*from..end] {
                let suffix = series.name.strip_prefix(family.as_str()).unwrap();
                assert!(suffixes.contains(&suffix), "{} is no sample of a {kind}", series.name);
                assert!(series.values.is_sorted_by(|a, b| a.0 < b.0), "{series:?}");
                assert!(series.values.iter().all(|v| v.1 >= 0.0), "{series:?}");
            }
        }
    }

    /// The values of the one series that has these labels.
    pub fn values<'a>(&'a self, name: &str, labels: &[(&str, &str)]) -> &'a [(f64, f64)] {
        let mut found = self.of(name, labels);
        let series = found.next().unwrap_or_else(|| panic!("no {name} with {labels:?}"));
        assert!(found.next().is_none(), "several {name} have {labels:?}");
        &series.values
    }

    /// How much it grew, restarts from zero included.
    pub fn increase(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        growth(self.values(name, labels))
    }

    /// The same of all series of a name.
    pub fn increases(&self, name: &str) -> Vec<f64> {
        self.increases_of(name, &[])
    }

    /// The same of those that have these labels.
    pub fn increases_of(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        self.of(name, labels).map(|series| growth(&series.values)).collect()
    }

    fn of<'a>(&'a self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &'a Series> + use<'a> {
        let name = name.to_owned();
        let wanted: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let has = move |series: &&Series| {
            let labels: Vec<&str> = series.labels.split(',').collect();
            series.name == name && wanted.iter().all(|w| labels.contains(&w.as_str()))
        };
        self.series.iter().filter(has)
    }
}

fn growth(values: &[(f64, f64)]) -> f64 {
    let step = |pair: &[(f64, f64)]| if pair[1].1 < pair[0].1 { pair[1].1 } else { pair[1].1 - pair[0].1 };
    // All begin at zero.
    values.first().map_or(0.0, |first| first.1) + values.windows(2).map(step).sum::<f64>()
}

pub fn total(values: &[f64]) -> f64 {
    values.iter().sum()
}
