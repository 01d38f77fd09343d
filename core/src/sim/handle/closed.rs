//! Workers of closed loads, who call, wait for the answer, and call again.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::load::Worker;
use super::super::observation::{Observation, Observer};
use super::super::schedule::Rank;
use crate::ids::WorkerId;
use crate::model::Load;
use crate::random::Purpose;
use crate::units::Time;

impl<O: Observer> Engine<'_, O> {
    /// The next call of a worker of a closed load, if there is one left.
    pub(crate) fn next_closed_call(&mut self, worker: WorkerId) {
        let w = &self.workers[worker];
        let (owner, replica) = (w.owner, &self.replicas[w.replica]);
        let (client, ordinal) = (replica.client, replica.ordinal);
        let Some((n, key, demand)) = self.closed[w.load].take() else { return };
        self.workers[worker].called = self.now;
        let what = Observation::Emitted { client: client.0, replica: ordinal, n, demand, key, open: false };
        self.observer.observe(self.now, &what);
        self.make_call(client, owner, worker, demand, key);
    }

    /// A worker of a closed load goes on.
    #[inline]
    pub(crate) fn after_end(&mut self, worker: WorkerId) {
        if worker != WorkerId::NONE {
            self.go_on(worker);
        }
    }

    fn go_on(&mut self, worker: WorkerId) {
        let load = &self.closed[self.workers[worker].load];
        self.unfinished_closed -= u64::from(load.requests.is_some());
        let paced = load.paced;
        if self.all_done() {
            self.end_key = 0;
        }
        if paced { self.pause(worker) } else { self.next_closed_call(worker) }
    }

    /// A worker thinks, or waits for its turn.
    fn pause(&mut self, worker: WorkerId) {
        let Worker { replica, load, called, .. } = self.workers[worker];
        let Load::Closed(closed) = &self.clients[self.replicas[replica].client].settings.load else { return };
        let load = &mut self.closed[load];
        let k = load.thought;
        load.thought += 1;
        let draw = self.streams.draw(Purpose::Think, self.replica_key(replica), k);
        let thought = self.now + closed.think_time.sample(draw);
        let turn = closed.interval().map_or(Time::ZERO, |interval| called + interval);
        self.schedule.at(thought.max(turn), Rank::Expiry, Event::NextCall { worker });
    }
}
