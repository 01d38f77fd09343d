//! A channel's picker: which connections it has, in which order, and where it goes on.

use smallvec::SmallVec;

use super::super::engine::Engine;
use super::super::observation::Observer;
use super::super::plans::{Answer, Plan};
use super::super::world::{Channel, SubchannelState};
use crate::ids::{Address, ChannelId, EndpointIx, Id};
use crate::model::RotationStart;
use crate::narrow::u32_of;
use crate::pick::round_robin;
use crate::random::{Purpose, below, mix};

impl<O: Observer> Engine<'_, O> {
    /// Builds the picker of the READY connections.
    pub(crate) fn rebuild_picker(&mut self, index: ChannelId) {
        let key = self.channel_key(index);
        let rotation = self.channels[index].policy.rotation();
        let usable: SmallVec<[EndpointIx; 2]> = self.pickable(index).collect();
        let channel = &mut self.channels[index];
        channel.stale = false;
        channel.picker.clear();
        channel.picker.extend(usable);
        let mut last = (channel.pickers > 0).then_some(channel.turned.wrapping_add(channel.next));
        if let Some(Plan::Answer(answer)) = channel.plan.as_deref_mut() {
            let connections = &self.connections.items;
            let next = answer
                .arrange(&mut channel.picker, channel.next, |endpoint| connections[endpoint.connection()].address);
            if rotation == Some(RotationStart::NextSubchannel) {
                last = next;
            }
        }
        let number = match rotation {
            Some(start) => {
                let mut stream = self.streams.stream(Purpose::Rotation, mix(key, u64::from(channel.pickers)));
                round_robin::rebuild(start, &mut channel.picker, last, &mut stream)
            }
            None => 0,
        };
        channel.next = number % u32_of(channel.picker.len()).max(1);
        channel.turned = number - channel.next;
        if !channel.in_turn {
            self.make_plan(index);
        }
        self.channels[index].pickers += 1;
    }

    /// What a channel may pick: its READY connections, or, with pools, its hosts; without those that are left out.
    fn pickable(&self, index: ChannelId) -> impl Iterator<Item = EndpointIx> {
        let channel = &self.channels[index];
        let all = channel.subchannels.iter().enumerate();
        let usable = all.filter(move |(_, s)| channel.pools || s.state == SubchannelState::Ready);
        let usable = usable.filter(move |(_, s)| !self.is_ejected(index, s.address));
        usable.map(move |(i, s)| if channel.pools { EndpointIx::of(i) } else { s.connection.into() })
    }

    /// Keeps the order of an answer, if the channel's policy goes by it. grpc-js begins anywhere in it.
    pub(crate) fn keep_order(&mut self, index: ChannelId, addresses: &[Address]) {
        let channel = &self.channels[index];
        if !goes_by_answer(channel) || addresses.is_empty() {
            return;
        }
        let from = match channel.policy.rotation() {
            Some(RotationStart::NextSubchannel) => {
                let answers = channel.resolver.as_ref().map_or(0, |r| r.answers);
                let draw = self.streams.draw(Purpose::Shuffle, self.channel_key(index), answers);
                below(draw, addresses.len())
            }
            _ => 0,
        };
        let channel = &mut self.channels[index];
        let plan = channel.plan.get_or_insert_with(|| Box::new(Plan::Answer(Answer::default())));
        if let Plan::Answer(answer) = &mut **plan {
            answer.update(addresses, from);
            channel.stale = true;
        }
    }
}

/// True if a channel's rotation is in the order of its answers. Envoy has an order of its own.
pub(super) fn goes_by_answer(channel: &Channel<'_>) -> bool {
    !channel.pools && channel.policy.rotation().is_some_and(RotationStart::goes_by_answer)
}
