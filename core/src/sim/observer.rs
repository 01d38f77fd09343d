//! Who is told what happens.

use super::observation::Observation;
use crate::units::Time;

/// Sees a run. Observers can be combined: a tuple of observers is an observer.
pub trait Observer {
    /// Called for each observation, in the order of events.
    fn observe(&mut self, at: Time, what: &Observation<'_>);

    /// Whether windows come with what each connection did in them: it takes time for each connection and window.
    fn wants_connections(&self) -> bool {
        false
    }
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
}

impl<T: Observer + ?Sized> Observer for &mut T {
    #[inline]
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        (**self).observe(at, what);
    }

    fn wants_connections(&self) -> bool {
        (**self).wants_connections()
    }
}
