//! Calls of several methods: which one a call is of, what it costs a pod, and how long its client waits.

use super::super::engine::Engine;
use super::super::observation::{NO_METHOD, Observer};
use crate::ids::CallIx;
use crate::model::{Client, Method};
use crate::narrow::u16_of;
use crate::units::Span;

/// What a call is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Its method, counted from 1; `NO_METHOD` if its client does not tell them apart.
    pub method: u16,
    /// The uniform draw that decides its service time.
    pub demand: u64,
    pub deadline: Option<Span>,
}

impl Kind {
    /// Of a call with this draw.
    #[inline(always)]
    pub(crate) fn of(client: &Client, demand: u64) -> Kind {
        if client.methods.is_empty() {
            return Kind { method: NO_METHOD, demand, deadline: client.deadline };
        }
        Kind::by_method(client, demand)
    }

    /// The call's own draw decides its method, too, so that a mix changes no other call.
    #[inline(never)]
    fn by_method(client: &Client, demand: u64) -> Kind {
        let (i, demand) = Method::choose(&client.methods, demand);
        Kind { method: u16_of(i + 1), demand, deadline: client.methods[i].deadline }
    }

    /// The deadline of a call of this method.
    pub(crate) fn deadline_of(client: &Client, method: u16) -> Option<Span> {
        let of = usize::from(method).checked_sub(1).and_then(|i| client.methods.get(i));
        of.map_or(client.deadline, |method| method.deadline)
    }

    /// Which of the client's queues of deadlines it goes into: they are constant per method.
    #[inline(always)]
    pub(crate) fn queue(self) -> usize {
        self.method.saturating_sub(1).into()
    }
}

impl<O: Observer> Engine<'_, O> {
    /// What a call of a method costs that would take `work` by the server's laws.
    #[inline(never)]
    pub(crate) fn costs(&self, index: CallIx, work: Span) -> Span {
        let call = &self.calls[index];
        let client = self.originator(index).client;
        let method = &self.clients[client].settings.methods[usize::from(call.method) - 1];
        super::pace::longer(work, method.cost)
    }
}
