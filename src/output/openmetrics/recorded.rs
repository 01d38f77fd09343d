//! Series that recording rules have made, as `promtool tsdb create-blocks-from openmetrics` reads them.

use std::io::{self, Write};

use super::quoted;
use crate::experiment::calibrate::Series;

/// Writes series, whose times are seconds since 1970, to the millisecond. Series of one name stand together.
///
/// # Errors
/// Those of the writer.
pub fn write(series: &[Series], to: &mut dyn Write) -> io::Result<()> {
    for Series { name, labels, samples } in series {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={}", quoted(value))).collect();
        let labels = labels.join(",");
        for (at, value) in samples {
            // `1` would be read as well; infinities have their own spelling.
            let value = if value.is_infinite() { format!("{value:+}").replace('i', "I") } else { format!("{value}") };
            writeln!(to, "{name}{{{labels}}} {value} {at:.3}")?;
        }
    }
    to.write_all(b"# EOF\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_are_written_so_that_they_are_read_again() {
        let labels = [("pod".to_owned(), "s-\"0\"".to_owned()), ("job".to_owned(), "s".to_owned())].into();
        let samples = vec![(15.0, 1.0), (30.0005, 0.1), (45.0, f64::INFINITY), (60.0, f64::NAN)];
        let mut text = Vec::new();
        write(&[Series { name: "job:x".to_owned(), labels, samples }], &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let values: Vec<&str> = text.lines().map(|line| line.rsplit("} ").next().unwrap()).collect();
        assert_eq!(values, ["1 15.000", "0.1 30.000", "+Inf 45.000", "NaN 60.000", "# EOF"]);
        assert!(text.starts_with("job:x{job=\"s\",pod=\"s-\\\"0\\\"\"} 1 "));
        let minus = vec![Series { samples: vec![(0.0, f64::NEG_INFINITY)], name: "x".to_owned(), ..Series::default() }];
        let mut text = Vec::new();
        write(&minus, &mut text).unwrap();
        assert_eq!(text, b"x{} -Inf 0.000\n# EOF\n");
    }
}
