//! Fixes as cures: of the mistakes because of which the load is uneven, or calls fail.

use super::{Finding, lint};
use crate::experiment::cures::Cure;
use crate::metrics::cures::About;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::Document;

/// Rules whose first figure is one of these are about skew.
const SKEW: [&str; 2] = ["max_over_mean", "idle_pods"];
/// And those whose first figure is one of these about calls that fail.
const FAILURES: [&str; 2] = ["requests.failed", "connections.closed_by.too_many_pings"];
/// What the usual cures set, in some way or other: a fix that sets nothing else is like one of them.
const USUAL: [&str; 5] = ["policy", "discovery", "resolver", "max_connection_age", "max_connection_age_grace"];

/// One cure for each rule about skew, or about failed calls, that the scenario breaks, in order of the rules' codes; for skew only those whose fix is
/// not like a usual cure.
///
/// # Errors
/// All that is wrong with the scenario.
pub fn cures(document: &Document, about: About) -> Result<Vec<Cure>, Diagnostics> {
    let names = if about == About::Skew { SKEW } else { FAILURES };
    let fits = |finding: &Finding| finding.rule.figures.first().is_some_and(|f| names.contains(&f.name));
    let mut cures: Vec<Cure> = Vec::new();
    for finding in lint(document)?.into_iter().filter(fits) {
        if about == About::Skew && finding.fix.iter().all(|set| is_usual(set)) {
            continue;
        }
        let name = format!("fix of {}", finding.rule.code);
        match cures.iter_mut().find(|cure| cure.name == name) {
            Some(cure) => cure.sets.extend(finding.fix),
            None => cures.push(Cure { name, sets: finding.fix }),
        }
    }
    Ok(cures)
}

fn is_usual(set: &str) -> bool {
    let path = set.split('=').next().unwrap_or(set);
    path.rsplit('.').next().is_some_and(|key| USUAL.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, Vec<String>)> {
        let cures = cures(&Document::embedded("a", text, &[]), About::Skew).unwrap();
        cures.into_iter().map(|cure| (cure.name, cure.sets)).collect()
    }

    #[test]
    fn mistakes_that_no_usual_cure_mends_have_a_fix() {
        let two = "name: a\nduration: 1m\nservers: [{ name: api, replicas: 5 }]\nclients:\n\
                   - { name: web, replicas: 10, via: envoy, load: { open: { rate: 10 } } }\n\
                   - { name: app, replicas: 10, via: { istio: { opaque: true } }, load: { open: { rate: 10 } } }\n\
                   - { name: job, replicas: 10, via: { linkerd: { opaque: true } }, load: { open: { rate: 10 } } }\n";
        let fixed = |name: &str, sets: &[&str]| (name.to_owned(), sets.iter().map(|s| (*s).to_owned()).collect());
        assert_eq!(
            of(two)[..2],
            [
                fixed("fix of EK005", &["service.type=Headless"]),
                fixed("fix of EK006", &["clients.app.via.istio.opaque=false", "clients.job.via.linkerd.opaque=false"]),
            ]
        );
    }

    /// A watch, or an age, which are among the usual cures.
    #[test]
    fn what_the_usual_cures_mend_has_none() {
        let plain = "name: a\nduration: 1m\nservers: [{ name: api, replicas: 5 }]\n\
                     clients: [{ name: web, replicas: 2, load: { open: { rate: 10 } } }]\n";
        assert!(lint(&Document::embedded("a", plain, &[])).unwrap().iter().any(|f| f.rule.code == "EK001"));
        assert_eq!(of(plain), []);
    }
}
