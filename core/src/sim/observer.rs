//! Who is told what happens.

use super::observation::{FailureReason, Observation, PodId};
use crate::units::{Span, Time};

/// What an interceptor inside a process sees of calls (go-grpc-middleware's, gRFC A66's). A client's `method` is its index in the client's list,
/// from 1; `NO_METHOD` without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intercepted {
    /// An application made a call.
    Called {
        /// Index of the client in the model.
        client: u32,
        /// Its method.
        method: u16,
    },
    /// A pod took an attempt of a call, or a stream.
    Received {
        /// Which pod.
        pod: PodId,
        /// Index of the client in the model whose application made it.
        client: u32,
        /// Its method.
        method: u16,
    },
    /// A pod is done with what it took.
    Handled {
        /// Which pod.
        pod: PodId,
        /// Index of the client in the model whose application made it.
        client: u32,
        /// Its method.
        method: u16,
        /// Since it was received: what it waited in the pod, and its service.
        took: Span,
        /// With which status its handler returned.
        how: Handled,
    },
    /// A message of a stream came to a pod.
    Message {
        /// Which pod.
        pod: PodId,
        /// Index of the client in the model whose application sent it.
        client: u32,
    },
}

/// How a pod is done with a call, as its own process sees it: whether the caller still waits is not known to a handler that does not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It was served. Its caller may have given it up meanwhile.
    Served,
    /// It was answered with an error.
    Answered(FailureReason),
    /// The queue was full.
    Refused,
    /// Its deadline passed while it waited in the queue, or was an open stream.
    Expired,
    /// Its caller, or the connection, went away while it waited in the queue or was an open stream. A gateway that gives a call up cancels it in
    /// service, too.
    Cancelled,
}

/// Sees a run. Observers can be combined: a tuple of observers is an observer.
pub trait Observer {
    /// Called for each observation, in the order of events.
    fn observe(&mut self, at: Time, what: &Observation<'_>);

    /// Whether windows come with what each connection did in them: it takes time for each connection and window.
    fn wants_connections(&self) -> bool {
        false
    }

    /// Whether [`Observer::intercept`] is to be called.
    #[inline]
    fn intercepts(&self) -> bool {
        false
    }

    /// Called for what processes see of calls, in the order of events. It follows from the model and the observations, so that digests do not
    /// cover it.
    #[inline]
    fn intercept(&mut self, _at: Time, _what: &Intercepted) {}
}

/// Sees nothing.
impl Observer for () {
    #[inline]
    fn observe(&mut self, _: Time, _: &Observation<'_>) {}
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    #[inline]
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        self.0.observe(at, what);
        self.1.observe(at, what);
    }

    fn wants_connections(&self) -> bool {
        self.0.wants_connections() || self.1.wants_connections()
    }

    #[inline]
    fn intercepts(&self) -> bool {
        self.0.intercepts() || self.1.intercepts()
    }

    #[inline]
    fn intercept(&mut self, at: Time, what: &Intercepted) {
        self.0.intercept(at, what);
        self.1.intercept(at, what);
    }
}

impl<T: Observer + ?Sized> Observer for &mut T {
    #[inline]
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        (**self).observe(at, what);
    }

    fn wants_connections(&self) -> bool {
        (**self).wants_connections()
    }

    #[inline]
    fn intercepts(&self) -> bool {
        (**self).intercepts()
    }

    #[inline]
    fn intercept(&mut self, at: Time, what: &Intercepted) {
        (**self).intercept(at, what);
    }
}
