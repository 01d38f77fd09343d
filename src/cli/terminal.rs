//! The terminal: what it can show, and progress.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::Failure;
use super::interrupt;
use crate::output::Style;
use crate::printable;
use crate::units::{Span, Time};
use crate::words::paragraphs;

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) || std::env::var("TERM").is_ok_and(|t| t == "dumb")
}

/// True if messages may have colours.
pub(super) fn colours_on_stderr() -> bool {
    std::io::stderr().is_terminal() && !no_color()
}

fn colours_on_stdout() -> bool {
    std::io::stdout().is_terminal() && !no_color()
}

/// Columns of standard output, as the terminal says. A pipe, and a terminal that does not say, has 100, whatever the environment, so that
/// the same command prints the same bytes.
pub(super) fn width() -> usize {
    const PIPE: usize = 100;
    if !std::io::stdout().is_terminal() {
        return PIPE;
    }
    let asked = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    asked.filter(|width| *width > 0).unwrap_or(PIPE)
}

/// How text on standard output looks. A pipe gets plain text, 100 columns wide.
pub(super) fn style() -> Style {
    let terminal = std::io::stdout().is_terminal();
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    let locale = locale.into_iter().find(|value| !value.is_empty()).unwrap_or_default().to_uppercase();
    Style {
        colour: colours_on_stdout(),
        unicode: !terminal || locale.contains("UTF-8") || locale.contains("UTF8"),
        width: width(),
    }
}

/// What the answers about manifests may miss, each said once, as it stands below a table.
pub(super) fn caveats(all: impl IntoIterator<Item = String>) -> String {
    let all: BTreeSet<String> = all.into_iter().collect();
    all.iter().map(|caveat| paragraphs(caveat, width(), "  ") + "\n").collect()
}

/// Text with control sequences escaped, except for our own colours.
fn harmless(text: &str, colours: bool) -> Cow<'_, str> {
    if colours { Cow::Owned(printable::coloured_lines(text)) } else { printable::lines(text) }
}

/// Writes to standard output, all at once, unless the command should stop. What a terminal would obey is escaped.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    interrupt::look()?;
    let text = harmless(text, colours_on_stdout());
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Print)
}

/// Writes to standard error in the same way; if even that fails, there is no place left to say so.
pub(super) fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(harmless(text, colours_on_stderr()).as_bytes());
}

/// What clap has to say: help and version on standard output, errors on standard error, all in the arguments' own words.
pub(super) fn say_usage(error: &clap::Error) -> Result<(), Failure> {
    let text = error.render();
    // Colours that stand in the arguments are not ours.
    let plain = std::env::args_os().any(|arg| arg.to_string_lossy().contains('\u{1b}'));
    let text = |colours: bool| if colours && !plain { text.ansi().to_string() } else { text.to_string() };
    if error.use_stderr() {
        say(&text(colours_on_stderr()));
        return Ok(());
    }
    print(&text(colours_on_stdout()))
}

/// True if what a command says of its progress is seen.
pub(super) fn shows_progress(quiet: bool) -> bool {
    !quiet && std::io::stderr().is_terminal()
}

/// A progress bar on standard error, over several runs; it appears after a second, and only on a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Steps of each run, by its place.
    reached: Mutex<Vec<u64>>,
    length: Option<Span>,
}

/// Steps that a run has on the bar.
const STEPS: u64 = 1_000;

/// How many runs are done, of several.
fn counted(reached: &[u64]) -> String {
    let done = reached.iter().filter(|steps| **steps >= STEPS).count();
    if reached.len() < 2 { String::new() } else { format!("{done} of {} runs  ", reached.len()) }
}

impl Progress {
    /// For this many runs of this length; without a length only ends of runs are seen.
    pub(super) fn new(runs: u64, length: Option<Span>, quiet: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(runs * STEPS), ProgressDrawTarget::hidden());
        if shows_progress(quiet) {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}{percent} %  {eta} left") {
                bar.set_style(style);
            }
        }
        Progress { bar, reached: Mutex::new(vec![0; runs as usize]), length }
    }

    /// The `run`-th run has reached this simulated time. Returns true if it should stop.
    pub(super) fn reached(&self, run: u64, at: Time) -> bool {
        self.reached_of(run, self.length, at)
    }

    /// The same of a run of this length.
    pub(super) fn reached_of(&self, run: u64, length: Option<Span>, at: Time) -> bool {
        let length = u128::from(length.map_or(u64::MAX, |l| l.0.max(1)));
        let steps = (u128::from(at.0) * u128::from(STEPS) / length).min(STEPS.into()) as u64;
        if let Ok(mut reached) = self.reached.lock()
            && let Some(place) = reached.get_mut(run as usize)
        {
            self.bar.inc(steps.saturating_sub(*place));
            *place = steps.max(*place);
            if steps == STEPS {
                self.bar.set_message(counted(&reached));
            }
        }
        interrupt::asked()
    }

    /// A run of unknown length is done.
    pub(super) fn one_done(&self) {
        self.bar.inc(STEPS);
    }

    /// This many of this many are done.
    pub(super) fn done(&self, done: u64, of: u64) {
        self.bar.set_length(of * STEPS);
        self.bar.set_position(done * STEPS);
    }

    /// All runs are done.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_runs() {
        let progress = Progress::new(3, Some(Span::from_secs(10)), true);
        progress.reached(0, Time::ZERO + Span::from_secs(5));
        assert_eq!((progress.bar.position(), progress.bar.message().as_str()), (STEPS / 2, ""));
        progress.reached(0, Time::NEVER);
        progress.reached(0, Time::NEVER);
        assert_eq!((progress.bar.position(), progress.bar.message().as_str()), (STEPS, "1 of 3 runs  "));
        // Of a run whose length nobody knows only its end is seen.
        progress.reached_of(2, None, Time::ZERO + Span::from_secs(5));
        assert_eq!(progress.bar.position(), STEPS);
        progress.reached_of(2, None, Time::NEVER);
        assert_eq!((progress.bar.position(), progress.bar.message().as_str()), (2 * STEPS, "2 of 3 runs  "));
    }
}
