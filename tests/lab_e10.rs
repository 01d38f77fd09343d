//! E10: how soon a client with keepalive leaves a black hole. Under load it is TCP_USER_TIMEOUT, set to the keepalive timeout,
//! that ends the connection, and not the ping. The rule gives the earliest time; what TCP adds to it (round trips, their
//! variance, a probe with new data instead of a retransmission) is positive and not modelled, so the comparison is one-sided
//! below, and above with the time of the next mechanism: the ping.

mod support;

use evenkeel::policy::keepalive::{Due, Pinger};
use evenkeel::scenario::model::Keepalive;
use evenkeel::scenario::stack::{self, Stack};
use evenkeel::units::{Span, Time};
use support::lab;

/// Times in the table are rounded to 1 ms, twice.
const RESOLUTION_S: f64 = 0.001;

/// When a client closes its connection whose first call was lost at time zero, in seconds. It last read something one call
/// before that, a quarter of a second, and goes on calling.
fn closed_after(tcp_user_timeout: bool) -> f64 {
    let client = stack::client(Stack::CCore).keepalive;
    let (time, timeout) = (Span::from_secs(2), Span::from_secs(1));
    let keepalive =
        Keepalive { time, timeout, permit_without_stream: true, tcp_user_timeout, throttle: None, ..client };
    let begin = Time::ZERO + Span::from_secs(5);
    let mut pinger = Pinger::new(Time::ZERO + Span::from_millis(4_750));
    pinger.lost(begin);
    let mut now = begin;
    loop {
        match pinger.due(&keepalive, now) {
            Due::Close(at) => return at.since(begin).as_secs_f64(),
            Due::Ping(at) => {
                now = at;
                let _ = pinger.timer(&keepalive, now);
            }
            Due::Never => unreachable!("pings are permitted"),
        }
    }
}

#[test]
fn tcp_closes_the_connection_and_not_the_ping() {
    let measured = lab::e10_black_hole();
    let earliest = closed_after(true);
    let late: Vec<f64> = measured.iter().map(|s| s - earliest).collect();
    println!("later than {earliest} s by {late:.3?}");
    assert!(late.iter().all(|s| *s >= -RESOLUTION_S), "{late:?}");
    // Wrong model: the client waits for an answer to its ping.
    let by_ping = closed_after(false);
    assert!(measured.iter().all(|s| *s < by_ping - RESOLUTION_S), "{by_ping}");
}
