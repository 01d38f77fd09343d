//! What would change the skew of a run: settings that were simulated over the same seed and load, a row each, and what the rows say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Summary;

/// A headline `max_over_mean` up to this is even: there is nothing to cure.
pub const EVEN: f64 = 1.1;
/// A cure helps if it takes the headline `max_over_mean` from this or more to less than this,
const EVEN_ENOUGH: f64 = 1.25;
/// or leaves no more than this part of what is above 1.
const LEFT: f64 = 0.5;
/// A p99 of more than this many times the one without the cure is worth a word.
const SLOWER: f64 = 1.1;
/// So are more than this many times the reconnects, if they are at least [`MORE_RECONNECTS`] more per second.
const TIMES_THE_RECONNECTS: f64 = 2.0;
const MORE_RECONNECTS: f64 = 1.0;
/// So is this part of the failed calls or less, if they are at least [`MANY_FAILED`] fewer.
const FEWER: u64 = 2;
const MANY_FAILED: u64 = 10;

/// What would change the skew, simulated with the seed of run 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cures {
    /// The scenario as it is, then each cure; empty if nothing was simulated.
    pub rows: Vec<Row>,
    /// What the rows say in words, or why there are none.
    pub words: String,
}

/// One simulated setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// In a few words.
    pub name: String,
    /// What is changed, as `--set` has it; empty: the scenario as it is.
    pub sets: Vec<String>,
    /// What came of it; `null` if the run could not finish.
    pub figures: Option<Figures>,
    /// What it does about the skew; `null` for the scenario as it is, and if the run could not finish.
    pub effect: Option<Effect>,
    /// Why the run could not finish; left out if it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub failure: String,
}

/// The figures of a row: those of the same names in `runs.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// The headline: in the last settled phase.
    pub max_over_mean: Option<f64>,
    /// In the worst window.
    pub worst_window_max_over_mean: Option<f64>,
    /// 99th percentile of latency in milliseconds, of the whole run.
    pub latency_p99_ms: Option<f64>,
    /// Failed calls of the whole run.
    pub requests_failed: u64,
    /// Their part of the calls that ended; `null` if none did.
    pub error_ratio: Option<f64>,
    /// Connections opened per measured second, without those of the start of a replica.
    pub reconnects_per_s: f64,
    /// The calls are those of the scenario as it is. Where clients wait for answers before they call again (closed loads with a duration)
    /// a cure makes other calls of the same load.
    pub same_calls: bool,
}

/// What a cure does about the skew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The headline `max_over_mean` falls below 1.25, or by half of what is above 1, and no more calls fail.
    Helps,
    /// It falls so far, but more calls fail.
    HelpsAndFails,
    /// It does not fall so far.
    DoesNotHelp,
}

impl Row {
    /// The scenario as it is.
    #[must_use]
    pub fn as_it_is(summary: &Summary) -> Row {
        let figures = Some(Figures::of(summary, summary));
        Row { name: "as it is".to_owned(), sets: Vec::new(), figures, effect: None, failure: String::new() }
    }

    /// A cure whose run ended, beside the scenario as it is.
    #[must_use]
    pub fn cured(name: String, sets: Vec<String>, summary: &Summary, as_it_is: &Summary) -> Row {
        let (figures, before) = (Figures::of(summary, as_it_is), Figures::of(as_it_is, as_it_is));
        let effect = Some(figures.effect(&before));
        Row { name, sets, figures: Some(figures), effect, failure: String::new() }
    }
}

impl Figures {
    fn of(summary: &Summary, as_it_is: &Summary) -> Figures {
        Figures {
            max_over_mean: summary.skew.headline.max_over_mean,
            worst_window_max_over_mean: summary.skew.worst_window.as_ref().and_then(|w| w.figures.max_over_mean),
            latency_p99_ms: summary.latency_ms.p99,
            requests_failed: summary.requests.failed,
            error_ratio: summary.error_ratio,
            reconnects_per_s: summary.reconnects_per_s,
            same_calls: summary.arrivals_digest == as_it_is.arrivals_digest,
        }
    }

    fn effect(&self, before: &Figures) -> Effect {
        let (Some(was), Some(is)) = (before.max_over_mean, self.max_over_mean) else { return Effect::DoesNotHelp };
        let evens = (was >= EVEN_ENOUGH && is < EVEN_ENOUGH) || is - 1.0 <= LEFT * (was - 1.0);
        match (evens && is < was, self.fails_more(before)) {
            (true, false) => Effect::Helps,
            (true, true) => Effect::HelpsAndFails,
            (false, _) => Effect::DoesNotHelp,
        }
    }

    /// Of other calls the parts are compared.
    fn fails_more(&self, before: &Figures) -> bool {
        if self.same_calls {
            return self.requests_failed > before.requests_failed;
        }
        self.error_ratio.unwrap_or(1.0) > before.error_ratio.unwrap_or(1.0)
    }

    fn failed_calls(&self, before: &Figures) -> String {
        format!("failed calls {}, was {}", count(self.requests_failed), count(before.requests_failed))
    }

    /// Fewer failed calls, if there were many.
    fn better(&self, before: &Figures) -> Vec<String> {
        let (was, is) = (before.requests_failed, self.requests_failed);
        let fewer = self.same_calls && is <= was / FEWER && was - is >= MANY_FAILED;
        if fewer { vec![self.failed_calls(before)] } else { Vec::new() }
    }

    /// What is worse than before, but for failed calls.
    fn worse(&self, before: &Figures) -> Vec<String> {
        let mut all = Vec::new();
        if let (Some(was), Some(is)) = (before.latency_p99_ms, self.latency_p99_ms)
            && is > SLOWER * was
        {
            all.push(format!("p99 {} ms, was {}", brief(is), brief(was)));
        }
        let (was, is) = (before.reconnects_per_s, self.reconnects_per_s);
        if is > TIMES_THE_RECONNECTS * was && is - was >= MORE_RECONNECTS {
            all.push(format!("{} reconnects/s, was {}", brief(is), brief(was)));
        }
        all
    }
}

/// What rows say together: which cures help and at what price, and which do not. The first row is the scenario as it is. `None`: there is no
/// cure among them.
#[must_use]
pub fn words(rows: &[Row]) -> Option<String> {
    let (as_it_is, cures) = rows.split_first()?;
    let before = as_it_is.figures.as_ref()?;
    let with = |effect: Option<Effect>, say: &dyn Fn(&Figures) -> Vec<String>| -> Option<String> {
        let said = cures.iter().filter(|row| row.effect == effect).map(|row| match &row.figures {
            Some(figures) => format!("{} ({})", row.name, say(figures).join("; ")),
            None => row.name.clone(),
        });
        Some(said.collect::<Vec<String>>().join(", or ")).filter(|said| !said.is_empty())
    };
    let helps = with(Some(Effect::Helps), &|f| [vec![skew(f)], f.better(before), f.worse(before)].concat());
    let fails = with(Some(Effect::HelpsAndFails), &|f| {
        let failed = f.failed_calls(before);
        [vec![skew(f), failed], f.worse(before)].concat()
    });
    let not = with(Some(Effect::DoesNotHelp), &|f| vec![skew(f)]);
    let unknown = with(None, &|_| Vec::new());
    let sentences = [
        helps.map(|said| format!("Would help: {said}.")),
        fails.map(|said| format!("Would help, but fail more calls: {said}.")),
        not.map(|said| format!("Would not help: {said}.")),
        unknown.map(|said| format!("Could not be simulated to the end: {said}.")),
    ];
    let all: Vec<String> = sentences.into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("max_over_mean is {} as it is. {}", skew(before), all.join(" ")))
}

fn skew(figures: &Figures) -> String {
    figures.max_over_mean.map_or_else(|| "none".to_owned(), brief)
}

/// With thousands separated by commas.
fn count(n: u64) -> String {
    if n < 1_000 { n.to_string() } else { format!("{},{:03}", count(n / 1_000), n % 1_000) }
}

/// About three digits.
fn brief(x: f64) -> String {
    let decimals = if x >= 100.0 {
        0
    } else if x >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{x:.decimals$}");
    if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(max_over_mean: f64, failed: u64) -> Figures {
        Figures {
            max_over_mean: Some(max_over_mean),
            worst_window_max_over_mean: None,
            latency_p99_ms: Some(100.0),
            requests_failed: failed,
            error_ratio: Some(failed as f64 / 1_000.0),
            reconnects_per_s: 0.1,
            same_calls: true,
        }
    }

    fn row(name: &str, before: &Figures, figures: Figures) -> Row {
        let effect = Some(figures.effect(before));
        Row { name: name.to_owned(), sets: Vec::new(), figures: Some(figures), effect, failure: String::new() }
    }

    #[test]
    fn a_cure_helps_if_it_halves_what_is_too_much_or_makes_it_even() {
        let effect = |was: f64, is: f64| figures(is, 0).effect(&figures(was, 0));
        for (was, is) in [(2.0, 1.5), (5.0, 3.0), (2.0, 1.24), (1.3, 1.2), (1.2, 1.09)] {
            assert_eq!(effect(was, is), Effect::Helps, "{was} to {is}");
        }
        for (was, is) in [(2.0, 1.51), (5.0, 3.1), (1.3, 1.26), (1.24, 1.2), (1.2, 1.2), (1.0, 1.0), (1.3, 2.0)] {
            assert_eq!(effect(was, is), Effect::DoesNotHelp, "{was} to {is}");
        }
        let nobody = Figures { max_over_mean: None, ..figures(1.0, 0) };
        assert_eq!(nobody.effect(&figures(2.0, 0)), Effect::DoesNotHelp, "nothing is served");
    }

    #[test]
    fn failed_calls_are_never_left_out() {
        let before = figures(2.0, 10);
        assert_eq!(figures(1.0, 10).effect(&before), Effect::Helps);
        assert_eq!(figures(1.0, 11).effect(&before), Effect::HelpsAndFails);
        // Of other calls, the part.
        let more =
            |failed: u64, ratio: f64| Figures { error_ratio: Some(ratio), same_calls: false, ..figures(1.0, failed) };
        assert_eq!(more(50, 0.01).effect(&before), Effect::Helps);
        assert_eq!(more(5, 0.02).effect(&before), Effect::HelpsAndFails);
    }

    #[test]
    fn the_words_say_who_would_help_at_what_price_and_who_would_not() {
        let before = figures(2.13, 0);
        let as_it_is = Row { effect: None, ..row("as it is", &before, before.clone()) };
        let dear = Figures { latency_p99_ms: Some(111.0), reconnects_per_s: 16.04, ..figures(1.02, 0) };
        let failing = figures(1.01, 1_204);
        let never = Row {
            effect: None,
            figures: None,
            failure: "it never ends".to_owned(),
            ..row("never", &before, before.clone())
        };
        let rows = [
            as_it_is.clone(),
            row("age", &before, dear),
            row("xDS", &before, figures(1.03, 0)),
            row("headless", &before, failing),
            row("channels", &before, figures(1.9, 0)),
            never,
        ];
        assert_eq!(
            words(&rows).unwrap(),
            "max_over_mean is 2.13 as it is. Would help: age (1.02; p99 111 ms, was 100; 16 reconnects/s, was 0.1), or xDS (1.03). \
             Would help, but fail more calls: headless (1.01; failed calls 1,204, was 0). Would not help: channels (1.9). \
             Could not be simulated to the end: never."
        );
        assert_eq!(words(&[as_it_is]), None);
        assert_eq!(words(&[]), None);
    }

    #[test]
    fn small_prices_are_not_worth_a_word() {
        let before = figures(2.0, 0);
        let cheap = Figures { latency_p99_ms: Some(109.0), reconnects_per_s: 1.0, ..figures(1.0, 0) };
        assert_eq!(cheap.worse(&before), Vec::<String>::new());
        assert_eq!(figures(1.0, 5).better(&figures(2.0, 14)), Vec::<String>::new());
        assert_eq!(figures(1.0, 500).better(&figures(2.0, 999)), Vec::<String>::new());
        assert_eq!(figures(1.0, 0).better(&figures(2.0, 48_372)), ["failed calls 0, was 48,372"]);
    }
}
