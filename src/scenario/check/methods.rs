//! A mix of methods.

use super::client::no_share;
use super::{Check, MAX_ITEMS};
use crate::model::{LEAST_DEADLINE, Method};
use crate::printable::is_shown;
use crate::scenario::diagnostic::quoted;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::load::MethodFile;
use crate::scenario::quantity::{Duration, Share};
use crate::scenario::rules::Code;
use crate::units::Span;

const LEAST_COST: f64 = 0.001;
const MOST_COST: f64 = 10_000.0;
/// Shares are written with a few digits.
const SLACK: f64 = 1e-6;

pub(super) fn methods(cx: &mut Check<'_>, list: Key<Vec<At<MethodFile>>>, client_deadline: &Key<Span>) -> Vec<Method> {
    let Some(place) = list.as_ref().map(|l| l.place) else { return Vec::new() };
    let files = cx.items(list, "methods", MAX_ITEMS);
    if files.len() < 2 {
        cx.problem(Code::NoEffect, place, "`methods` has no effect with fewer than two: calls are all alike then");
        return Vec::new();
    }
    if files.iter().all(|f| f.value.deadline.is_some()) {
        cx.no_effect(client_deadline, "deadline", "on calls whose methods all have their own");
    }
    let count = files.len();
    let mut methods: Vec<Method> = Vec::with_capacity(count);
    for file in files {
        methods.extend(method(cx, file, &methods, client_deadline));
    }
    let sum = methods.last().map_or(0.0, |m| m.until);
    if methods.len() < count {
        return Vec::new();
    }
    if (sum - 1.0).abs() > SLACK {
        let percent = (sum * 1e6).round() / 1e4;
        cx.problem(Code::Contradiction, place, format!("the shares of `methods` add up to {percent}%, not to 100%"));
        return Vec::new();
    }
    methods.iter_mut().for_each(|m| m.until /= sum);
    methods
}

/// The next method; its `until` is the sum of the shares so far.
fn method(
    cx: &mut Check<'_>,
    At { value, place }: At<MethodFile>,
    before: &[Method],
    client_deadline: &Key<Span>,
) -> Option<Method> {
    let MethodFile { name, share, cost, deadline } = value;
    let name = cx.required(name, "name", place, "a method");
    let share = cx.required(share, "share", place, "a method").and_then(|share| positive_share(cx, share));
    let cost = cost.map_or(1.0, |cost| cx.number(&cost, "cost", LEAST_COST, MOST_COST));
    let deadline = own_deadline(cx, deadline).or(client_deadline.as_ref().map(|d| d.value));
    let At { value: name, place } = name?;
    if name.is_empty() || !name.chars().all(is_shown) {
        cx.problem(
            Code::BadName,
            place,
            "the name of a method is a text on one line, such as `Search` or `/shop.Cart/Add`",
        );
    } else if before.iter().any(|m| m.name == name) {
        cx.problem(Code::DuplicateName, place, format!("a method {} is there already", quoted(&name)));
    }
    let until = before.last().map_or(0.0, |m| m.until) + share?;
    Some(Method { name, until, cost, deadline })
}

fn own_deadline(cx: &mut Check<'_>, key: Key<Duration>) -> Option<Span> {
    let At { value: Duration(span), place } = key?;
    if span < LEAST_DEADLINE {
        cx.problem(Code::OutOfRange, place, format!("`deadline` is {span}, and must be at least {LEAST_DEADLINE}"));
        return None;
    }
    Some(span)
}

fn positive_share(cx: &mut Check<'_>, At { value: Share(share), place }: At<Share>) -> Option<f64> {
    let fits = share > 0.0 && share <= 1.0;
    if !fits {
        no_share(cx, place, share, "`share` must be above 0, and at most 100%");
    }
    fits.then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix() -> Vec<Method> {
        [("a", 0.25), ("b", 0.75), ("c", 1.0)]
            .map(|(name, until)| Method { name: name.to_owned(), until, cost: 1.0, deadline: None })
            .to_vec()
    }

    /// What is left of the draw runs through the whole range, in order, within each method.
    #[test]
    fn a_draw_is_split_into_the_method_and_a_draw() {
        for (u, method, rest) in
            [(0.0, 0, 0.0), (0.125, 0, 0.5), (0.25, 1, 0.0), (0.5, 1, 0.5), (0.75, 2, 0.0), (0.9, 2, 0.6)]
        {
            let (i, draw) = Method::choose(&mix(), (u * 2f64.powi(64)) as u64);
            assert!(i == method && (draw as f64 / 2f64.powi(64) - rest).abs() < 1e-15, "{u}: {i} {draw}");
        }
        assert_eq!(Method::choose(&mix(), u64::MAX).0, 2);
    }
}
