//! What would change the skew of a run, or its failed calls: settings that were simulated over the same seed and load, a row each, and what
//! the rows say.

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
/// A larger part of failed calls is looked for a cure: `plan` asks for no more, too.
const FAILING: f64 = 0.001;

/// What cures are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum About {
    /// An uneven load.
    #[default]
    Skew,
    /// Calls that fail, though the load is even.
    FailedCalls,
}

impl About {
    /// What a run has too much of: skew comes first. `None`: the load is even, and at most one call in a thousand fails.
    #[must_use]
    pub fn of(max_over_mean: f64, error_ratio: Option<f64>) -> Option<About> {
        let (uneven, fails) = (max_over_mean > EVEN, error_ratio.is_some_and(|part| part > FAILING));
        if uneven { Some(About::Skew) } else { fails.then_some(About::FailedCalls) }
    }
}

/// What would change the skew, or the failed calls, simulated with the seed of run 0.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Cures {
    /// What the cures are for.
    #[cfg_attr(feature = "serde", serde(default))]
    pub about: About,
    /// The scenario as it is, then each cure; empty if nothing was simulated.
    pub rows: Vec<Row>,
    /// What the rows say in words, or why there are none.
    pub words: String,
}

/// One simulated setting.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Row {
    /// In a few words.
    pub name: String,
    /// What is changed, as `--set` has it; empty: the scenario as it is.
    pub sets: Vec<String>,
    /// What came of it; `null` if the run could not finish.
    pub figures: Option<Figures>,
    /// What it does; `null` for the scenario as it is, and if the run could not finish.
    pub effect: Option<Effect>,
    /// Why the run could not finish; left out if it did.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "String::is_empty"))]
    pub failure: String,
}

/// The figures of a row: those of the same names in `runs.csv`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
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

/// What a cure does about the skew, or about the failed calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Effect {
    /// The headline `max_over_mean` falls below 1.25, or by half of what is above 1, and no more calls fail. Of failed calls: at most half as
    /// many fail, and the load stays below 1.25.
    Helps,
    /// Skew falls that far, but more calls fail.
    HelpsAndFails,
    /// At most half as many calls fail, but the load is not even any more.
    HelpsAndSkews,
    /// Neither.
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
    pub fn cured(name: String, sets: Vec<String>, about: About, (summary, as_it_is): (&Summary, &Summary)) -> Row {
        let (figures, before) = (Figures::of(summary, as_it_is), Figures::of(as_it_is, as_it_is));
        let effect = Some(figures.effect(about, &before));
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

    fn effect(&self, about: About, before: &Figures) -> Effect {
        match about {
            About::Skew => self.effect_on_skew(before),
            About::FailedCalls => self.effect_on_failures(before),
        }
    }

    fn effect_on_failures(&self, before: &Figures) -> Effect {
        let fewer = self.error_ratio.is_some_and(|is| is <= before.error_ratio.unwrap_or(0.0) / FEWER as f64);
        match (fewer, self.max_over_mean.is_some_and(|x| x < EVEN_ENOUGH)) {
            (true, true) => Effect::Helps,
            (true, false) => Effect::HelpsAndSkews,
            (false, _) => Effect::DoesNotHelp,
        }
    }

    fn effect_on_skew(&self, before: &Figures) -> Effect {
        let (Some(was), Some(is)) = (before.max_over_mean, self.max_over_mean) else { return Effect::DoesNotHelp };
        let evens = (was >= EVEN_ENOUGH && is < EVEN_ENOUGH) || is - 1.0 <= LEFT * (was - 1.0);
        match (evens && is < was, self.fails_more(before)) {
            (true, false) => Effect::Helps,
            (true, true) => Effect::HelpsAndFails,
            (false, _) => Effect::DoesNotHelp,
        }
    }

    /// If the calls differ, compares error ratios instead of counts.
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
pub fn words(about: About, rows: &[Row]) -> Option<String> {
    let (as_it_is, cures) = rows.split_first()?;
    let before = as_it_is.figures.as_ref()?;
    let with = |effect: Option<Effect>, say: &dyn Fn(&Figures) -> Vec<String>| -> Option<String> {
        let said = cures.iter().filter(|row| row.effect == effect).map(|row| match &row.figures {
            Some(figures) => format!("{} ({})", row.name, say(figures).join("; ")),
            None => row.name.clone(),
        });
        Some(said.collect::<Vec<String>>().join(", or ")).filter(|said| !said.is_empty())
    };
    let figure = |f: &Figures| match about {
        About::Skew => skew(f),
        About::FailedCalls => count(f.requests_failed),
    };
    let better = |f: &Figures| if about == About::Skew { f.better(before) } else { Vec::new() };
    let helps = with(Some(Effect::Helps), &|f| [vec![figure(f)], better(f), f.worse(before)].concat());
    let fails = with(Some(Effect::HelpsAndFails), &|f| {
        let failed = f.failed_calls(before);
        [vec![figure(f), failed], f.worse(before)].concat()
    });
    let skews = with(Some(Effect::HelpsAndSkews), &|f| {
        let uneven = format!("max_over_mean {}, was {}", skew(f), skew(before));
        [vec![figure(f), uneven], f.worse(before)].concat()
    });
    let not = with(Some(Effect::DoesNotHelp), &|f| vec![figure(f)]);
    let unknown = with(None, &|_| Vec::new());
    let sentences = [
        helps.map(|said| format!("Would help: {said}.")),
        fails.map(|said| format!("Would help, but fail more calls: {said}.")),
        skews.map(|said| format!("Would help, but leave the load uneven: {said}.")),
        not.map(|said| format!("Would not help: {said}.")),
        unknown.map(|said| format!("Could not be simulated to the end: {said}.")),
    ];
    let all: Vec<String> = sentences.into_iter().flatten().collect();
    let as_it_is = match about {
        About::Skew => format!("max_over_mean is {} as it is.", skew(before)),
        About::FailedCalls => {
            format!("The load is even, and failed calls are {} as it is.", count(before.requests_failed))
        }
    };
    (!all.is_empty()).then(|| format!("{as_it_is} {}", all.join(" ")))
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
        let effect = Some(figures.effect(About::Skew, before));
        Row { name: name.to_owned(), sets: Vec::new(), figures: Some(figures), effect, failure: String::new() }
    }

    #[test]
    fn a_cure_helps_if_it_halves_what_is_too_much_or_makes_it_even() {
        let effect = |was: f64, is: f64| figures(is, 0).effect(About::Skew, &figures(was, 0));
        for (was, is) in [(2.0, 1.5), (5.0, 3.0), (2.0, 1.24), (1.3, 1.2), (1.2, 1.09)] {
            assert_eq!(effect(was, is), Effect::Helps, "{was} to {is}");
        }
        for (was, is) in [(2.0, 1.51), (5.0, 3.1), (1.3, 1.26), (1.24, 1.2), (1.2, 1.2), (1.0, 1.0), (1.3, 2.0)] {
            assert_eq!(effect(was, is), Effect::DoesNotHelp, "{was} to {is}");
        }
        let nobody = Figures { max_over_mean: None, ..figures(1.0, 0) };
        assert_eq!(nobody.effect(About::Skew, &figures(2.0, 0)), Effect::DoesNotHelp, "nothing is served");
    }

    #[test]
    fn failed_calls_are_never_left_out() {
        let before = figures(2.0, 10);
        assert_eq!(figures(1.0, 10).effect(About::Skew, &before), Effect::Helps);
        assert_eq!(figures(1.0, 11).effect(About::Skew, &before), Effect::HelpsAndFails);
        // Of other calls, the part.
        let more =
            |failed: u64, ratio: f64| Figures { error_ratio: Some(ratio), same_calls: false, ..figures(1.0, failed) };
        assert_eq!(more(50, 0.01).effect(About::Skew, &before), Effect::Helps);
        assert_eq!(more(5, 0.02).effect(About::Skew, &before), Effect::HelpsAndFails);
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
            words(About::Skew, &rows).unwrap(),
            "max_over_mean is 2.13 as it is. Would help: age (1.02; p99 111 ms, was 100; 16 reconnects/s, was 0.1), or xDS (1.03). \
             Would help, but fail more calls: headless (1.01; failed calls 1,204, was 0). Would not help: channels (1.9). \
             Could not be simulated to the end: never."
        );
        assert_eq!(words(About::Skew, &[as_it_is]), None);
        assert_eq!(words(About::Skew, &[]), None);
    }

    #[test]
    fn failed_calls_have_cures_of_their_own() {
        let before = figures(1.02, 1_000);
        let row = |name: &str, after: Figures| {
            let effect = Some(after.effect(About::FailedCalls, &before));
            Row { name: name.to_owned(), sets: Vec::new(), figures: Some(after), effect, failure: String::new() }
        };
        let rows = [
            Row { effect: None, ..row("as it is", before.clone()) },
            row("preStop", figures(1.03, 500)),
            row("channels", figures(1.02, 501)),
            row("ClusterIP", figures(1.9, 0)),
        ];
        assert_eq!(
            words(About::FailedCalls, &rows).unwrap(),
            "The load is even, and failed calls are 1,000 as it is. Would help: preStop (500). Would help, but leave the load uneven: \
             ClusterIP (0; max_over_mean 1.9, was 1.02). Would not help: channels (501)."
        );
    }

    #[test]
    fn skew_comes_before_failed_calls() {
        assert_eq!(About::of(1.11, Some(0.5)), Some(About::Skew));
        assert_eq!(About::of(1.1, Some(0.0011)), Some(About::FailedCalls));
        assert_eq!(About::of(1.1, Some(0.001)), None);
        assert_eq!(About::of(1.1, None), None);
    }

    #[test]
    fn small_prices_are_not_worth_a_word() {
        let before = figures(2.0, 0);
        let cheap = Figures { latency_p99_ms: Some(109.0), reconnects_per_s: 1.0, ..figures(1.0, 0) };
        assert_eq!(cheap.worse(&before), Vec::<String>::new());
        // More than double, and at least one per second more: from 0.1 that begins at 1.1, from 10 above 20.
        let reconnects = |was: f64, is: f64| {
            let with = |reconnects_per_s| Figures { reconnects_per_s, ..figures(1.0, 0) };
            with(is).worse(&with(was)).len()
        };
        assert_eq!([(0.1, 1.2), (10.0, 20.5)].map(|(was, is)| reconnects(was, is)), [1, 1]);
        assert_eq!([(0.1, 1.0), (10.0, 15.0), (10.0, 20.0)].map(|(was, is)| reconnects(was, is)), [0, 0, 0]);
        assert_eq!(figures(1.0, 5).better(&figures(2.0, 14)), Vec::<String>::new());
        assert_eq!(figures(1.0, 500).better(&figures(2.0, 999)), Vec::<String>::new());
        assert_eq!(figures(1.0, 0).better(&figures(2.0, 48_372)), ["failed calls 0, was 48,372"]);
    }
}
