//! Pods that nothing comes back from: a node that hangs or is cut off. The clients' connections stay: connection tracking keeps the
//! flow, and nobody sends a FIN or a RST.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, FailureReason, Observer, PodPhase};
use super::super::schedule::Rank;
use super::super::world::{ConnectionState, Handle};
use crate::ids::{ConnectionIx, PodId};
use crate::model::Protocol;
use crate::policy::keepalive::tcp_gives_up;
use crate::units::{Span, Time};

/// How long Linux tries to connect by itself: seven SYNs (`tcp_syn_retries` is 6), each wait twice the last.
const TCP_CONNECT_TIMEOUT: Span = Span::from_secs(127);
/// How long an HTTP/1.1 client waits for a connection: the dialer of Go's `http.DefaultTransport`.
const HTTP1_CONNECT_TIMEOUT: Span = Span::from_secs(30);
/// When Linux sends a SYN again (`TCP_TIMEOUT_INIT`), and looks at TCP_USER_TIMEOUT for the first time.
const SECOND_SYN: Span = Span::from_secs(1);

impl<O: Observer> Engine<'_, O> {
    /// What the pod was doing is lost; nobody is told.
    pub(crate) fn begin_black_hole(&mut self, pod: PodId, lasts: Option<Span>, unready_after: Option<Span>) {
        if !self.black_holes.insert(pod) {
            return;
        }
        let p = &mut self.pods[pod];
        (p.listening, p.serving) = (false, false);
        let incarnation = p.incarnation;
        let connections: Vec<_> = p.connections.iter().map(|&c| self.connections.handle(c)).collect();
        self.lose_work(pod);
        for connection in connections {
            if self.lanes[connection.index].state == ConnectionState::Connecting {
                self.no_answer(connection);
            }
        }
        for (after, over) in [(unready_after, false), (lasts, true)] {
            if let Some(after) = after {
                self.after(after, Rank::World, Event::BlackHole { pod, incarnation, over });
            }
        }
    }

    pub(crate) fn on_black_hole(&mut self, pod: PodId, incarnation: u32, over: bool) {
        if self.pods[pod].incarnation != incarnation || !self.black_holes.contains(&pod) {
            return;
        }
        let phase = self.pods[pod].phase;
        if over {
            self.black_holes.remove(&pod);
            let p = &mut self.pods[pod];
            for connection in &p.connections {
                self.unacknowledged.remove(connection);
            }
            (p.listening, p.serving) = (!p.draining, true);
            self.on_readiness_back(pod);
        } else if phase == PodPhase::Ready {
            self.become_unready(pod);
        }
    }

    /// A dial that gets no answer ends when its client gives up.
    pub(crate) fn no_answer(&mut self, handle: Handle<ConnectionIx>) {
        let replica = self.replica_of(handle.index);
        let client = self.clients[self.replicas[replica].client].settings;
        let takes = match &client.protocol {
            Protocol::Http1(_) => HTTP1_CONNECT_TIMEOUT,
            Protocol::Grpc(grpc) => {
                let tcp = grpc.keepalive.filter(|k| k.tcp_user_timeout_of_dials).map(|k| k.timeout.max(SECOND_SYN));
                let own = grpc.connect_timeout.unwrap_or(TCP_CONNECT_TIMEOUT).min(TCP_CONNECT_TIMEOUT);
                tcp.map_or(own, |tcp| tcp.min(own))
            }
        };
        let at = (self.connections[handle.index].opened + takes).max(self.now);
        self.schedule.at(at, Rank::Expiry, Event::DialTimeout(handle));
    }

    /// A request did not reach its pod. If that is because of a black hole, the client's TCP waits for an acknowledgement.
    pub(crate) fn request_lost(&mut self, pod: PodId, connection: ConnectionIx, sent: Time) {
        if self.black_holes.contains(&pod) {
            self.lost(connection, sent);
            self.send_again(connection, sent);
        }
    }

    /// TCP sends again what was sent at `sent`, until it gives up. What is set to be given up sooner (TCP_USER_TIMEOUT) is closed by keepalive.
    fn send_again(&mut self, connection: ConnectionIx, sent: Time) {
        let handle = self.connections.handle(connection);
        let waits = self.unacknowledged.get(&connection).is_some_and(|(of, _)| *of == handle);
        if waits || self.has_user_timeout(connection) {
            return;
        }
        let at = sent + tcp_gives_up(self.model.cluster.rtt);
        self.unacknowledged.insert(connection, (handle, at));
        self.schedule.at(at, Rank::Expiry, Event::TcpTimeout(handle));
    }

    pub(crate) fn on_tcp_timeout(&mut self, handle: Handle<ConnectionIx>) {
        let now = (handle, self.now);
        let waits = self.unacknowledged.get(&handle.index).is_some_and(|of| *of == now);
        if waits && self.connections.get(handle).is_some() && !self.lanes[handle.index].dead {
            self.reset_by_client(handle, (CloseReason::TcpTimeout, FailureReason::TcpTimeout));
        }
    }
}
