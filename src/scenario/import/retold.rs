//! Messages about a manifest name its own fields, and not the keys of the scenario that is made of it.

use crate::scenario::diagnostic::Problem;

/// Keys of an autoscaler, and its own fields: those of a missing one stand nowhere in the text.
const AUTOSCALER: [(&str, &str); 9] = [
    ("hpa", "HorizontalPodAutoscaler"),
    ("min_replicas", "minReplicas"),
    ("max_replicas", "maxReplicas"),
    ("target_cpu_utilization", "averageUtilization"),
    ("stabilization_window", "stabilizationWindowSeconds"),
    ("select_policy", "selectPolicy"),
    ("scale_up", "scaleUp"),
    ("scale_down", "scaleDown"),
    ("period", "periodSeconds"),
];

/// Keys whose fields have other names; those of the rest are the same in camel case.
const OTHERS: [(&str, &str); 10] = [
    ("timeout", "timeoutSeconds"),
    ("min_ready", "minReadySeconds"),
    ("grace", "terminationGracePeriodSeconds"),
    ("startup", "initialDelaySeconds"),
    ("max_requests", "http2MaxRequests"),
    ("max_pending_requests", "http1MaxPendingRequests"),
    ("consecutive_5xx", "consecutive5xxErrors"),
    ("multiplier", "backoffMultiplier"),
    ("codes", "retryableStatusCodes"),
    ("enforcement", "enforcementPercentage"),
];

/// The same problem in the words of the text that it is about.
pub(in crate::scenario) fn in_words_of(text: &str, problem: Problem) -> Problem {
    let retell = |said: String| {
        // What stands between backquotes is every second part.
        let parts = said.split('`').enumerate().map(|(i, part)| match i % 2 {
            1 => own_name(text, part).unwrap_or_else(|| part.to_owned()),
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("`")
    };
    Problem { message: retell(problem.message), help: problem.help.map(retell), ..problem }
}

/// The field of a key, if this text has the one and not the other.
fn own_name(text: &str, key: &str) -> Option<String> {
    let of = |names: &[(&str, &str)]| names.iter().find(|(name, _)| *name == key).map(|(_, own)| (*own).to_owned());
    if text.contains(&format!("{key}:")) || text.contains(&format!("\"{key}\"")) {
        return None;
    }
    let of_autoscaler = of(&AUTOSCALER).filter(|_| text.contains("HorizontalPodAutoscaler"));
    of_autoscaler.or_else(|| of(&OTHERS).or_else(|| camel_case(key)).filter(|own| text.contains(own.as_str())))
}

/// `max_surge` as `maxSurge`; `None` for a key of one word.
fn camel_case(key: &str) -> Option<String> {
    let (first, rest) = key.split_once('_')?;
    let rest = rest.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    });
    Some(first.to_owned() + &rest.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::rules::Code;

    #[test]
    fn keys_become_fields_where_the_text_has_these() {
        let told = |text: &str, message: &str| in_words_of(text, Problem::nowhere(Code::OutOfRange, message)).message;
        let hpa = "kind: HorizontalPodAutoscaler\nspec: { minReplicas: 3 }\n";
        assert_eq!(
            told(hpa, "`hpa` needs the key `max_replicas`"),
            "`HorizontalPodAutoscaler` needs the key `maxReplicas`"
        );
        assert_eq!(told("maxSurge: 3\n", "`max_surge` is 3, `cpu` is not"), "`maxSurge` is 3, `cpu` is not");
        assert_eq!(told("max_ejection_percent: 3\n", "`max_ejection_percent`"), "`max_ejection_percent`");
    }
}
