//! The scenario of a candidate with this many pods, or so much load: while nothing happens, or through the timeline.

use super::brief;
use super::event::Event;
use super::objectives::{expecting, is_about_changes};
use crate::model::{Model, Scale, What};
use crate::scenario::Loaded;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::Document;

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
    /// The scenario before an event takes the place of its timeline.
    pub plain: Model,
    /// The server whose pods are counted: its place, and how many it has.
    pub server: usize,
    /// In place of the scenario's timeline.
    pub event: Option<Event>,
    /// What is changed in all runs.
    pub sets: Vec<String>,
    /// The last expectation is not the user's.
    pub implied: bool,
    /// Scenes are as long as the scenario's run.
    pub exact: bool,
    /// Seed of run 0.
    pub seed: u64,
}

impl Stage<'_> {
    /// Pods of the server as the scenario has them.
    pub(super) fn pods(&self) -> u32 {
        self.model.servers.get(self.server).map_or(1, |s| s.replicas)
    }

    pub(super) fn name(&self) -> &str {
        self.model.servers.get(self.server).map_or("", |s| &s.name)
    }

    /// True if there is anything to run in this scene.
    pub(super) fn has(&self, scene: Scene) -> bool {
        match scene {
            Scene::Steady => {
                let own = self.model.expect.len() - usize::from(self.implied);
                self.model.expect.iter().take(own).any(|e| !is_about_changes(e))
            }
            Scene::Through => !self.model.timeline.is_empty(),
        }
    }

    /// The scenario with the changes of a candidate, this many pods, and all rates times `factor`; shorter, if a shorter run says as much.
    pub(super) fn load(&self, scene: Scene, cure: &[String], pods: u32, factor: f64) -> Result<Loaded, Diagnostics> {
        let mut loaded = self.whole(scene, cure, pods, factor)?;
        if !self.exact {
            brief::shorten(&mut loaded, scene, self.seed);
        }
        Ok(loaded)
    }

    fn whole(&self, scene: Scene, cure: &[String], pods: u32, factor: f64) -> Result<Loaded, Diagnostics> {
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
                sets.extend(event.and_then(|e| e.timeline(&self.plain, self.name(), pods).ok()));
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
            if let What::Scale(Scale { server, replicas }) = &mut action.what
                && *server == self.server
            {
                *replicas = replicas.saturating_add(pods).saturating_sub(before).max(1);
            }
        }
    }
}

fn scale_rates(model: &mut Model, factor: f64) {
    for curve in model.clients.iter_mut().filter_map(|c| c.load.rate_mut()) {
        curve.points = curve.points.iter().map(|(at, rate)| (*at, rate * factor)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::plain;
    use crate::model::Pods;

    const TEXT: &str = "name: a\nduration: 10m\nwarmup: 2m\nservers: [{ name: api, replicas: 5 }]\n\
                        clients: [{ name: web, load: { open: { rate: 10 } } }]\n\
                        timeline: [{ at: 6m, scale: { server: api, replicas: 8 } }, { at: 4m, rate: { client: web, to: 20 } }]\n\
                        expect: [idle_pods == 0, \"requests.failed == 0 for 1m after scale\"]\n";

    fn stage(document: &Document, event: Option<Event>) -> Stage<'_> {
        let (plain, model) = (plain(document, event).unwrap(), document.load(&[]).unwrap().model);
        Stage { document, model, plain, server: 0, event, sets: Vec::new(), implied: false, exact: true, seed: 1 }
    }

    fn scales(model: &Model) -> Vec<u32> {
        let of = |what: &What| if let What::Scale(Scale { replicas, .. }) = what { Some(*replicas) } else { None };
        model.timeline.iter().filter_map(|a| of(&a.what)).collect()
    }

    #[test]
    fn scaling_adds_what_it_adds_in_the_scenario() {
        let document = Document::embedded("a", TEXT, &[]);
        let stage = stage(&document, None);
        for (pods, scaled) in [(5, 8), (10, 13), (1, 4)] {
            let model = stage.load(Scene::Through, &[], pods, 1.0).unwrap().model;
            assert_eq!((model.servers[0].replicas, scales(&model)), (pods, vec![scaled]));
            assert_eq!(model.expect.len(), 2);
        }
    }

    #[test]
    fn nothing_happens_in_the_steady_scene() {
        let document = Document::embedded("a", TEXT, &[]);
        let model =
            stage(&document, None).load(Scene::Steady, &["clients.web.channels=3".into()], 7, 2.0).unwrap().model;
        assert_eq!((model.timeline.len(), model.expect.len(), model.clients[0].channels), (0, 1, 3));
        assert_eq!(model.clients[0].load.rate().unwrap().points[..], [(crate::units::Time::ZERO, 20.0)]);
    }

    #[test]
    fn an_event_takes_the_place_of_the_timeline() {
        let document = Document::embedded("a", &TEXT.replace("for 1m after scale", "for 1m after change"), &[]);
        let of = |event: Event, pods: u32| {
            let stage = stage(&document, Some(event));
            stage.load(Scene::Through, &[], pods, 1.0).unwrap().model
        };
        let rollout = of(Event::Rollout, 3);
        // A quarter of eight minutes after the warmup.
        assert_eq!((rollout.timeline.len(), rollout.timeline[0].at.as_secs_f64()), (1, 240.0));
        assert_eq!(rollout.timeline[0].what, What::RolloutServer(0));
        assert_eq!(of(Event::PodLoss, 3).timeline[0].what, What::Kill(Pods { server: 0, pods: 1 }));
        let grown = of(Event::ScaleUp, 5);
        assert_eq!(scales(&grown), [8]);
        assert_eq!(grown.clients[0].load.rate().unwrap().points.last().unwrap().1, 15.0);
    }
}
