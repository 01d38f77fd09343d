//! What happens to a scenario that has no timeline of its own.

use crate::model::{Load, Model};
use crate::units::{Span, Time};

/// An event of everyday life, a quarter of the measured time after the warmup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A rolling update of the server.
    Rollout,
    /// SIGKILL of the container of one pod, which restarts in place.
    PodLoss,
    /// All rates rise by half, and at that moment half as many pods again are asked for.
    ScaleUp,
}

impl Event {
    /// In words.
    #[must_use]
    pub fn words(self, server: &str) -> String {
        match self {
            Event::Rollout => format!("a rollout of {server}"),
            Event::PodLoss => format!("the loss of a pod of {server}"),
            Event::ScaleUp => format!("50 % more load, and 50 % more pods of {server}"),
        }
    }

    /// The timeline for this many pods, as `--set` has it.
    ///
    /// # Errors
    /// Why the scenario cannot have it.
    pub fn timeline(self, model: &Model, server: &str, pods: u32) -> Result<String, String> {
        let Some(duration) = model.duration else {
            return Err("--through needs a scenario with a `duration`".into());
        };
        let measured = Span(duration.0.saturating_sub(model.warmup.0));
        let at = Span::from_millis((model.warmup.0 + measured.0 / 4) / 1_000_000);
        let one = |what: String| format!("{{ at: {at}, {what} }}");
        let actions = match self {
            Event::Rollout => vec![one(format!("rollout: {server}"))],
            Event::PodLoss => vec![one(format!("kill: {{ server: {server}, pods: 1 }}"))],
            Event::ScaleUp => {
                let more = pods.saturating_add(pods.div_ceil(2));
                let mut actions = vec![one(format!("scale: {{ server: {server}, replicas: {more} }}"))];
                for client in &model.clients {
                    let points = match &client.load {
                        Load::Open { rate, .. } => &rate.points[..],
                        _ => &[],
                    };
                    let &[(Time::ZERO, rate)] = points else {
                        return Err(format!(
                            "--through scale_up needs an open load of constant rate; `{}` has another",
                            client.name
                        ));
                    };
                    actions.push(one(format!("rate: {{ client: {}, to: {} }}", client.name, 1.5 * rate)));
                }
                actions
            }
        };
        Ok(format!("timeline=[{}]", actions.join(", ")))
    }
}
