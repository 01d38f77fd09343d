//! Time series of a monitoring system as text: answers of Prometheus' HTTP API to range queries (JSON), OpenMetrics with time stamps, CSV.

use std::collections::BTreeMap;

use serde::Deserialize;

/// More samples are not read: some 500 MB of text.
const MOST_SAMPLES: usize = 10_000_000;

/// Names of labels, and their values.
pub type Labels = BTreeMap<String, String>;

/// A time series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name of the metric. A query that aggregates loses it; then it is the name of the file.
    pub name: String,
    /// All other labels.
    pub labels: Labels,
    /// Seconds, and the value then; in order of time.
    pub samples: Vec<(f64, f64)>,
}

/// Reads a text; `name` is the name of the file without its extension.
///
/// # Errors
/// Where it is malformed, with line and column as far as they are known.
pub fn read(name: &str, text: &str) -> Result<Vec<Series>, String> {
    let first = text.trim_start();
    let mut all = match first.bytes().next() {
        None => return Err("there is nothing in it".to_owned()),
        Some(b'{' | b'[') => answers(name, text)?,
        Some(b'#') => open_metrics(text)?,
        Some(_) => table(name, text)?,
    };
    if all.iter().map(|series| series.samples.len()).sum::<usize>() > MOST_SAMPLES {
        return Err(format!("there are more than {MOST_SAMPLES} samples in it; use a longer step"));
    }
    for series in &mut all {
        series.samples.retain(|(at, value)| at.is_finite() && value.is_finite());
        series.samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        series.samples.dedup_by_key(|(at, _)| *at);
    }
    Ok(all)
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    metric: Labels,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// Reads answers of Prometheus' HTTP API to range queries (<https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries>), with values
/// that are infinite or no numbers; `name` is that of series which have none.
///
/// # Errors
/// Where it is malformed, or what Prometheus says is wrong.
pub fn answers(name: &str, text: &str) -> Result<Vec<Series>, String> {
    let answer: Answer = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("line {line}, column {column}: this is no answer of Prometheus' HTTP API: {error}")
    })?;
    let Answer { status, error, data } = answer;
    let data = match (&*status, data) {
        ("success", Some(data)) => data,
        _ => return Err(format!("Prometheus answered {status}: {}", error.unwrap_or_default())),
    };
    if data.result_type != "matrix" {
        let kind = data.result_type;
        return Err(format!("the answer is a {kind}; that of a range query (api/v1/query_range) is a matrix"));
    }
    let series = |Row { mut metric, values }: Row| {
        let name = metric.remove("__name__").unwrap_or_else(|| name.to_owned());
        let samples = values.iter().map(|(at, value)| value.parse().map(|value| (*at, value)));
        let samples = samples.collect::<Result<_, _>>();
        let samples = samples.map_err(|_| format!("a value of {name} is no number"))?;
        Ok(Series { name, labels: metric, samples })
    };
    data.result.into_iter().map(series).collect()
}

/// <https://prometheus.io/docs/specs/om/open_metrics_spec/>, of which `evenkeel run --metrics` writes what it needs.
fn open_metrics(text: &str) -> Result<Vec<Series>, String> {
    let mut all: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
        let sample = || -> Option<(&str, f64, f64)> {
            let (rest, at) = line.rsplit_once(' ')?;
            let (series, value) = rest.rsplit_once(' ')?;
            Some((series, at.parse().ok()?, value.parse().ok()?))
        };
        let (series, at, value) = sample()
            .ok_or_else(|| format!("line {}: expected a series, a value and a time stamp in seconds", i + 1))?;
        all.entry(series).or_default().push((at, value));
    }
    let series = |(series, samples): (&str, _)| {
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels_of(labels).ok_or_else(|| format!("the labels of {series} cannot be read"))?;
        Ok(Series { name: name.to_owned(), labels, samples })
    };
    all.into_iter().map(series).collect()
}

/// `a="x",b="y"}`
fn labels_of(mut text: &str) -> Option<Labels> {
    let mut labels = BTreeMap::new();
    while !text.starts_with('}') {
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    c => c,
                }),
                (_, c) => value.push(c),
            }
        };
        labels.insert(name.to_owned(), value);
        let rest = &rest[end + 1..];
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(labels)
}

/// A header; `time` in seconds and `value`; `metric`, if there are several; every other column is a label.
fn table(name: &str, text: &str) -> Result<Vec<Series>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| header.iter().position(|h| h == name);
    let (Some(time), Some(value)) = (column("time"), column("value")) else {
        return Err(
            "line 1: a CSV file has the columns time and value, and one for each label, such as pod and le".to_owned()
        );
    };
    let metric = column("metric");
    let mut all: BTreeMap<(String, Labels), Vec<(f64, f64)>> = BTreeMap::new();
    for (i, row) in reader.records().enumerate() {
        let row = row.map_err(|error| error.to_string())?;
        let number = |column: usize| {
            let cell = &row[column];
            cell.parse::<f64>().map_err(|_| format!("line {}: {} is no number", i + 2, header[column].escape_debug()))
        };
        let is_label = |i: &usize| *i != time && *i != value && Some(*i) != metric;
        let labels = (0..header.len()).filter(is_label).map(|i| (header[i].to_owned(), row[i].to_owned())).collect();
        let name = metric.map_or(name, |metric| &row[metric]).to_owned();
        all.entry((name, labels)).or_default().push((number(time)?, number(value)?));
    }
    Ok(all.into_iter().map(|((name, labels), samples)| Series { name, labels, samples }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, labels: &[(&str, &str)], samples: &[(f64, f64)]) -> Series {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Series { name: name.to_owned(), labels, samples: samples.to_vec() }
    }

    #[test]
    fn three_formats_say_the_same() {
        let expected = vec![
            series("h_bucket", &[("le", "+Inf"), ("pod", "a")], &[(10.0, 3.0), (25.0, 5.0)]),
            series("h_bucket", &[("le", "0.1"), ("pod", "a")], &[(10.0, 1.0)]),
        ];
        let json = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"h_bucket","pod":"a","le":"+Inf"},"values":[[10,"3"],[25,"5"],[40,"NaN"]]},
            {"metric":{"__name__":"h_bucket","pod":"a","le":"0.1"},"values":[[10,"1"]]}]}}"#;
        assert_eq!(read("x", json), Ok(expected.clone()));
        let text = "# TYPE h histogram\nh_bucket{pod=\"a\",le=\"0.1\"} 1 10\nh_bucket{pod=\"a\",le=\"+Inf\"} 3 10\n\
                    h_bucket{pod=\"a\",le=\"+Inf\"} 5 25\n# EOF\n";
        let mut read_back = read("x", text).unwrap();
        read_back.sort_by(|a, b| a.labels.cmp(&b.labels));
        assert_eq!(read_back, expected);
        let table = "time,value,pod,le\n25,5,a,+Inf\n10,3,a,+Inf\n10,1,a,0.1\n";
        assert_eq!(read("h_bucket", table), Ok(expected));
    }

    #[test]
    fn labels_may_hold_anything() {
        let text = "# x\nm{a=\"x\\\"y}\\n\",b=\"é\"} 1 2\n";
        assert_eq!(read("x", text), Ok(vec![series("m", &[("a", "x\"y}\n"), ("b", "é")], &[(2.0, 1.0)])]));
    }

    #[test]
    fn what_is_malformed_is_said() {
        for (text, says) in [
            ("", "nothing"),
            ("{\"status\":", "line 1"),
            (r#"{"status":"error","error":"parse error"}"#, "parse error"),
            (r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#, "matrix"),
            (
                r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"x"]]}]}}"#,
                "no number",
            ),
            ("# x\nm 1\n", "line 2"),
            ("# x\nm{a=\"} 1 2\n", "labels"),
            ("a,b\n1,2\n", "time and value"),
            ("time,value\n1,x\n", "line 2"),
        ] {
            let said = read("x", text).unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
