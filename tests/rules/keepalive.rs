//! Is a client killed that pings every 30 s, as checklists recommend, by a server with default settings? Times are those that
//! were measured or derived for grpc-go 1.64 against itself (keepalive of 10 s and 30 s; too_many_pings after the third, or
//! fourth, ping), and derived for grpc-java's server. A round trip takes 1 ms, so that each ping comes up to 1 ms later than the
//! last: the times of five pings are sharp to 5 ms.

use evenkeel::model::stack::{self, Stack};
use evenkeel::model::{Enforcement, Keepalive, PingThrottle, StrikeRule, Wake};
use evenkeel::policy::enforcement::{Enforcer, Verdict};
use evenkeel::policy::keepalive::{Act, Due, Pinger, first_retransmission, slowed_down, tcp_gives_up};
use evenkeel::units::{Span, Time};
use proptest::prelude::*;

use crate::support::duel::{Calls, Duel, Life, fight};

const S: fn(u64) -> Span = Span::from_secs;
const RTT: Span = Span::from_millis(1);

/// A grpc-go client that pings after `time`, for 1,000 s, against a server with defaults.
fn duel(time: u64, permit: bool, server: Stack, calls: Calls) -> Duel {
    let keepalive = stack::client(Stack::Go).keepalive;
    let server = stack::server(server).enforcement.expect("this stack has a rule");
    Duel {
        client: Keepalive { time: S(time), timeout: S(10), permit_without_stream: permit, ..keepalive },
        server,
        rtt: Span::from_millis(1),
        calls,
        eager: true,
        slows_down: true,
        end: S(1_000),
    }
}

fn first(duel: Duel) -> Life {
    fight(duel).swap_remove(0)
}

fn without_bdp(mut duel: Duel) -> Duel {
    duel.client.bdp_ping = false;
    duel
}

#[track_caller]
fn assert_killed(duel: Duel, after_s: f64) {
    let after = first(duel).killed_after().expect("it is killed");
    assert!((0.0..0.006).contains(&(after - after_s)), "killed after {after} s, not {after_s}");
}

#[track_caller]
fn assert_survives(duel: Duel) {
    let lives = fight(duel);
    assert!(lives.len() == 1 && lives[0].goaway.is_none(), "{lives:?}");
}

#[test]
fn thirty_seconds_against_the_default_kill_quiet_streams_and_idle_connections() {
    for permit in [false, true] {
        assert_killed(duel(30, permit, Stack::Go, Calls::quiet_stream()), 90.0);
        assert_killed(without_bdp(duel(30, permit, Stack::Go, Calls::quiet_stream())), 120.0);
    }
    assert_killed(duel(30, true, Stack::Go, Calls::once(Span::ZERO)), 90.0);
    assert_killed(duel(30, true, Stack::Go, Calls::NONE), 120.0);
}

#[test]
fn thirty_seconds_against_the_default_leave_busy_and_sleeping_connections_alone() {
    assert_survives(duel(30, true, Stack::Go, Calls::every(S(20))));
    assert_survives(duel(30, false, Stack::Go, Calls::every(S(20))));
    assert_survives(duel(30, false, Stack::Go, Calls::once(Span::ZERO)));
    assert_survives(duel(30, false, Stack::Go, Calls::every(S(60))));
    let none = first(duel(30, false, Stack::Go, Calls::once(Span::ZERO)));
    assert_eq!((none.keepalive_pings().len(), none.pings.len()), (0, 1), "one BDP ping and no other");
}

/// The seven measurements with 10 s.
#[test]
fn ten_seconds_as_measured() {
    assert_killed(duel(10, true, Stack::Go, Calls::once(Span::ZERO)), 30.0);
    assert_killed(without_bdp(duel(10, true, Stack::Go, Calls::once(Span::ZERO))), 40.0);
    assert_killed(duel(10, false, Stack::Go, Calls::quiet_stream()), 30.0);
    assert_survives(duel(10, false, Stack::Go, Calls::once(Span::ZERO)));
    assert_survives(duel(10, true, Stack::Go, Calls::every(S(25))));
    assert_killed(duel(10, true, Stack::Go, Calls::every(S(35))), 30.0);
    assert_survives(duel(10, false, Stack::Go, Calls::every(S(35))));
}

#[test]
fn a_stream_after_dormancy_pings_at_once_and_costs_one_strike() {
    let life = first(duel(10, false, Stack::Go, Calls::every(S(35))));
    let pings: Vec<f64> = life.keepalive_pings().iter().take(3).map(|t| t.as_secs_f64()).collect();
    assert_eq!(pings, [35.0, 70.0, 105.0]);
    assert_eq!(life.strikes as usize, life.keepalive_pings().len());
}

#[test]
fn doubling_makes_quiet_streams_legal_after_four_kills_and_idle_ones_after_eight() {
    let mut quiet = duel(30, false, Stack::Go, Calls::quiet_stream());
    quiet.end = S(100_000);
    let lives = fight(quiet);
    assert_eq!(lives.iter().filter(|l| l.goaway.is_some()).count(), 4);
    let mut idle = duel(30, true, Stack::Go, Calls::NONE);
    idle.end = S(200_000);
    assert_eq!(fight(idle).iter().filter(|l| l.goaway.is_some()).count(), 8);
    // Connections without a call die at their fourth ping: 4 * 20 s, once 10 s were doubled.
    let second = fight(duel(10, true, Stack::Go, Calls::once(Span::ZERO))).swap_remove(1);
    assert!((second.killed_after().expect("killed") - 80.0).abs() < 0.006);
    assert_eq!(slowed_down(S(60), S(30)), S(60), "many at once double once");
}

#[test]
fn a_policy_that_permits_it_keeps_the_connection() {
    for calls in [Calls::NONE, Calls::once(Span::ZERO), Calls::quiet_stream()] {
        let mut d = duel(30, true, Stack::Go, calls);
        d.server = Enforcement { min_time: S(30), permit_without_stream: true, ..d.server };
        assert_survives(d);
    }
}

#[test]
fn javas_rule_counts_bdp_pings_and_forgives_old_connections_one() {
    assert_killed(duel(30, false, Stack::Java, Calls::quiet_stream()), 60.0);
    // A connection that is older than 5 min, with DATA sent at 400 s.
    let server = stack::server(Stack::Java).enforcement.expect("grpc-java has a rule");
    let mut old = Enforcer::new(Time::ZERO);
    old.sent();
    let verdicts = [400, 430, 460, 490].map(|s| old.ping(&server, Time::ZERO + S(s), 1));
    assert_eq!(verdicts, [Verdict::Fine, Verdict::Strike, Verdict::Strike, Verdict::TooManyPings]);
}

/// grpc-go measures against the last ping, grpc-java against the last valid one, or the opening.
#[test]
fn a_strike_moves_the_clock_in_grpc_go_and_not_in_grpc_java() {
    let verdicts = |stack| {
        let server = stack::server(stack).enforcement.expect("both have a rule");
        let mut enforcer = Enforcer::new(Time::ZERO);
        [200, 400, 600, 900].map(|s| enforcer.ping(&server, Time::ZERO + S(s), 1))
    };
    use Verdict::{Fine, Strike};
    assert_eq!(verdicts(Stack::Go), [Fine, Strike, Strike, Fine]);
    assert_eq!(verdicts(Stack::Java), [Strike, Fine, Strike, Fine]);
}

/// gRFC L116: two pings, then one a minute. With a call open the fifth is one too many for C-core's server; after the last DATA
/// of an idle connection the BDP ping is the first.
#[test]
fn c_core_slows_itself_down() {
    let core = stack::client(Stack::CCore).keepalive;
    let client = Keepalive { time: S(30), timeout: S(10), permit_without_stream: true, ..core };
    let seconds = |calls| {
        let life = first(Duel { client, ..duel(30, true, Stack::CCore, calls) });
        life.pings.iter().map(|p| p.0.as_secs_f64().round()).collect::<Vec<_>>()
    };
    assert_eq!(seconds(Calls::long(S(900), Span::ZERO)), [30.0, 60.0, 120.0, 180.0, 240.0]);
    assert_eq!(seconds(Calls::once(Span::ZERO)), [0.0, 30.0, 90.0, 150.0]);
}

/// After 35 s of quiet with a keepalive time of 10 s.
#[test]
fn c_core_wakes_at_its_next_tick_and_the_others_at_once() {
    let at = |s| Time::ZERO + S(s);
    for (stack, want) in [(Stack::Go, 35), (Stack::Java, 35), (Stack::CCore, 40)] {
        let keepalive = Keepalive { time: S(10), ..stack::client(stack).keepalive };
        let mut p = Pinger::new(Time::ZERO, RTT);
        assert_eq!(p.due(&keepalive, at(35)), Due::Never);
        p.stream_began();
        assert_eq!(p.due(&keepalive, at(35)), Due::Ping(at(want)), "{stack:?}");
        assert_eq!(p.due(&keepalive, at(3)), Due::Ping(at(10)), "{stack:?}: a stream before the timer fires");
    }
}

#[test]
fn a_dead_peer_is_found_after_time_and_timeout_or_by_tcp() {
    let keepalive = Keepalive { time: S(30), timeout: S(10), ..stack::client(Stack::Go).keepalive };
    let mut p = Pinger::new(Time::ZERO, RTT);
    p.stream_began();
    let at = |s| Time::ZERO + S(s);
    assert_eq!(p.due(&keepalive, at(1)), Due::Ping(at(30)));
    assert_eq!(p.timer(&keepalive, at(30)), Act::SendPing);
    assert_eq!(p.due(&keepalive, at(30)), Due::Close(at(40)));
    assert_eq!(p.timer(&keepalive, at(39)), Act::Wait);
    assert_eq!(p.timer(&keepalive, at(40)), Act::Close);
    // Data under way when the peer died: TCP_USER_TIMEOUT is `timeout`, and needs no ping.
    let mut p = Pinger::new(Time::ZERO, RTT);
    p.stream_began();
    p.lost(at(5));
    p.lost(at(7));
    assert_eq!(p.due(&keepalive, at(7)), Due::Close(at(15) + first_retransmission(RTT)));
    p.read(at(9));
    assert_eq!(p.due(&keepalive, at(9)), Due::Ping(at(39)));
    // A stack without it waits for the ping.
    let without = Keepalive { tcp_user_timeout: false, ..keepalive };
    p.lost(at(10));
    assert_eq!(p.due(&without, at(10)), Due::Ping(at(39)));
}

/// Two waits before TCP_USER_TIMEOUT counts; 15 retransmissions without it (measured: 942 to 945 s at a first wait of 220 ms).
/// A peer that is dead by the time the next ping is due gets none.
#[test]
fn a_connection_that_ends_with_its_next_ping_is_closed() {
    let timeout = S(10) - first_retransmission(RTT);
    let keepalive = Keepalive { time: S(10), timeout, tcp_user_timeout: true, ..stack::client(Stack::Go).keepalive };
    let mut p = Pinger::new(Time::ZERO, RTT);
    p.stream_began();
    p.lost(Time::ZERO);
    assert_eq!(p.due(&keepalive, Time::ZERO), Due::Close(Time::ZERO + S(10)));
    let later = Keepalive { timeout: keepalive.timeout + Span(1), ..keepalive };
    assert_eq!(p.due(&later, Time::ZERO), Due::Ping(Time::ZERO + S(10)));
}

#[test]
fn tcps_clocks_go_by_the_round_trip() {
    assert_eq!(first_retransmission(Span::from_millis(30)), Span::from_millis(460));
    assert_eq!(tcp_gives_up(Span::from_millis(20)), Span::from_micros(225_060_000) + S(720));
}

#[test]
fn the_servers_own_keepalive_pings_idle_clients_after_two_hours() {
    let keepalive = stack::server(Stack::Go).keepalive.expect("grpc-go's server pings");
    let p = Pinger::new(Time::ZERO, RTT);
    assert_eq!(p.due(&keepalive, Time::ZERO), Due::Ping(Time::ZERO + S(7_200)));
}

fn any_keepalive() -> impl Strategy<Value = Keepalive> {
    let throttle =
        proptest::option::of((1u32..4, 1u64..90).prop_map(|(free, s)| PingThrottle { free, interval: S(s) }));
    (1u64..600, 1u64..60, any::<bool>(), any::<bool>(), any::<bool>(), throttle).prop_map(
        |(time, timeout, permit, tick, bdp_ping, throttle)| Keepalive {
            time: S(time),
            timeout: S(timeout),
            permit_without_stream: permit,
            wake: if tick { Wake::NextTick } else { Wake::AtOnce },
            bdp_ping,
            throttle,
            tcp_user_timeout: true,
            tcp_user_timeout_of_dials: false,
            slow_down: true,
        },
    )
}

fn any_calls() -> impl Strategy<Value = Calls> {
    prop_oneof![
        Just(Calls::NONE),
        (0u64..100).prop_map(|s| Calls::once(S(s))),
        (1u64..700).prop_map(|s| Calls::every(S(s))),
        Just(Calls::quiet_stream()),
        (1u64..900).prop_map(|s| Calls::long(S(s), S(2_000))),
    ]
}

fn any_rule() -> impl Strategy<Value = StrikeRule> {
    prop_oneof![Just(StrikeRule::Go), Just(StrikeRule::Core), Just(StrikeRule::Java)]
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn keepalive_pings_are_never_closer_than_their_time(client in any_keepalive(), calls in any_calls()) {
        let server = Enforcement { min_time: Span::ZERO, permit_without_stream: true, max_ping_strikes: 0, rule: StrikeRule::Go };
        let rtt = Span::from_millis(1);
        for life in fight(Duel { client, server, rtt, calls, eager: true, slows_down: true, end: S(5_000) }) {
            prop_assert_eq!(life.goaway, None);
            let pings = life.keepalive_pings();
            prop_assert!(pings.windows(2).all(|w| w[1].since(w[0]) >= client.time));
        }
    }

    /// Whoever keeps to `min_time` while the server permits it, or has streams, gets no strike: without BDP pings, which are
    /// sent whatever the server's policy.
    #[test]
    fn a_client_that_keeps_to_the_minimum_gets_no_strike(
        client in any_keepalive(), calls in any_calls(), less in 0u64..600, go in any::<bool>(),
    ) {
        let client = Keepalive { bdp_ping: false, ..client };
        let min_time = client.time - S(less);
        let rule = if go { StrikeRule::Go } else { StrikeRule::Core };
        let server = Enforcement { min_time, permit_without_stream: true, max_ping_strikes: 2, rule };
        let rtt = Span::from_millis(1);
        for life in fight(Duel { client, server, rtt, calls, eager: true, slows_down: true, end: S(5_000) }) {
            prop_assert_eq!((life.strikes, life.goaway), (0, None));
        }
    }

    /// More than `max_ping_strikes` strikes since anything was sent end the connection, and nothing else does.
    #[test]
    fn a_verdict_is_final_after_the_strikes_allowed(
        gaps in proptest::collection::vec((0u64..700, 0u8..4, 0u32..2), 1..60), rule in any_rule(), most in 1u32..4,
    ) {
        let server = Enforcement { min_time: S(300), permit_without_stream: false, max_ping_strikes: most, rule };
        let mut enforcer = Enforcer::new(Time::ZERO);
        let (mut now, mut strikes) = (Time::ZERO, 0);
        for (gap, sent, streams) in gaps {
            now += S(gap);
            if sent == 0 {
                enforcer.sent();
                strikes = 0;
            }
            match enforcer.ping(&server, now, streams) {
                Verdict::Fine => {}
                Verdict::Strike => strikes += 1,
                Verdict::TooManyPings => {
                    prop_assert_eq!(strikes, most);
                    return Ok(());
                }
            }
            prop_assert!(strikes <= most);
        }
    }
}
