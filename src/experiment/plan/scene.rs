//! The scenario of a candidate with so many pods, or so much load: while nothing happens, or through the timeline.

use super::event::Event;
use crate::scenario::Loaded;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::Document;
use crate::scenario::model::{Expectation, Model, What, When};

/// What happens in the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Nothing: the timeline is emptied.
    Steady,
    /// The timeline.
    Through,
}

/// Everything about the scenario that all candidates share.
pub(super) struct Stage<'a> {
    pub document: &'a Document,
    /// The scenario with the objectives as its expectations, and with the timeline that they may be about.
    pub model: Model,
    /// The server whose pods are counted: its place, and how many it has.
    pub server: usize,
    /// In place of the scenario's timeline.
    pub event: Option<Event>,
    /// What is changed in all runs.
    pub sets: Vec<String>,
}

impl Stage<'_> {
    /// Pods of the server as the scenario has them.
    pub fn pods(&self) -> u32 {
        self.model.servers.get(self.server).map_or(1, |s| s.replicas)
    }

    pub fn name(&self) -> &str {
        self.model.servers.get(self.server).map_or("", |s| &s.name)
    }

    /// True if there is anything to run in this scene.
    pub fn has(&self, scene: Scene) -> bool {
        match scene {
            Scene::Steady => self.model.expect.iter().any(|e| !is_about_changes(e)),
            Scene::Through => !self.model.timeline.is_empty(),
        }
    }

    /// The scenario with the changes of a candidate, so many pods, and all rates times `factor`.
    pub fn load(&self, scene: Scene, cure: &[String], pods: u32, factor: f64) -> Result<Loaded, Diagnostics> {
        let mut sets = self.sets.clone();
        sets.push(format!("servers.{}.replicas={pods}", self.name()));
        match (scene, self.event) {
            (Scene::Steady, _) => {
                sets.push("timeline=[]".into());
                let steady = self.model.expect.iter().filter(|e| !is_about_changes(e));
                sets.push(expecting(steady.map(|e| e.text.as_str())));
            }
            (Scene::Through, event) => {
                // Whether the event is possible was asked before.
                sets.extend(event.and_then(|e| e.timeline(&self.model, self.name(), pods).ok()));
                sets.push(expecting(self.model.expect.iter().map(|e| e.text.as_str())));
            }
        }
        sets.extend(cure.iter().cloned());
        let mut loaded = self.document.load(&sets)?;
        if scene == Scene::Through && self.event.is_none() {
            self.shift_scales(&mut loaded.model, pods);
        }
        if factor != 1.0 {
            scale_rates(&mut loaded.model, factor);
        }
        Ok(loaded)
    }

    /// An action that scales the server to a number of pods adds or removes as many as it does in the scenario.
    fn shift_scales(&self, model: &mut Model, pods: u32) {
        let before = self.pods();
        for action in &mut model.timeline {
            if let What::Scale { server, replicas } = &mut action.what
                && *server == self.server
            {
                *replicas = replicas.saturating_add(pods).saturating_sub(before).max(1);
            }
        }
    }
}

/// The objectives as `--set` has them. What JSON quotes YAML reads.
pub(super) fn expecting<'a>(slos: impl Iterator<Item = &'a str>) -> String {
    let quoted = slos.map(|slo| serde_json::Value::from(slo).to_string());
    format!("expect=[{}]", quoted.collect::<Vec<_>>().join(", "))
}

/// True if it says nothing where nothing changes.
fn is_about_changes(expectation: &Expectation) -> bool {
    matches!(expectation.when, When::Within { .. }) || expectation.path.first().is_some_and(|p| p == "time_to_balance")
}

fn scale_rates(model: &mut Model, factor: f64) {
    for curve in model.clients.iter_mut().filter_map(|c| c.load.rate_mut()) {
        curve.points = curve.points.iter().map(|(at, rate)| (*at, rate * factor)).collect();
    }
}
