use super::*;
use crate::output::fixtures;

fn all() -> Vec<Outcome> {
    vec![
        fixtures::one_takes_all(),
        fixtures::even(),
        fixtures::rollout(),
        fixtures::scale_up(),
        fixtures::hundred(),
        fixtures::nothing(),
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
    let figure = small_multiples("Which pod gets the traffic?", &shares);
    let png = figure.png();
    assert!(png.starts_with(b"\x89PNG"));
    if let Some(folder) = &folder {
        std::fs::write(folder.join("compare.png"), png).unwrap();
    }
}
