use super::parse as read;
use super::*;

const FILE: &str = "\
groups:
  - name: shares
    interval: 30s
    labels: { team: shop, tier: 1 }
    rules:
      - { record: 'job:calls:rate2m', expr: 'sum by (job) (rate(calls_total[2m]))' }
  - name: alerts
    query_offset: 10s
    limit: 0
    rules:
      - alert: Uneven
        expr: >
          job:calls:rate2m > 2
        for: 5m
        keep_firing_for: 1h30m
        labels: { severity: warning, pod: '{{ $labels.pod }}' }
        annotations: { summary: '{{ $value }} times' }
      - alert: Now
        expr: 1
";

#[test]
fn rules_are_read_with_what_their_groups_say() {
    let file = read("rules.yaml", FILE).unwrap();
    let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let [record] = &file.records[..] else { panic!("{file:?}") };
    assert_eq!((record.name.as_str(), record.interval), ("job:calls:rate2m", Some(Span::from_secs(30))));
    assert_eq!(record.labels, labels(&[("team", "shop"), ("tier", "1")]));
    let [uneven, now] = &file.alerts[..] else { panic!("{file:?}") };
    assert_eq!((uneven.rule.expr.trim(), uneven.rule.offset), ("job:calls:rate2m > 2", Span::from_secs(10)));
    assert_eq!((uneven.lasts, uneven.keeps), (Span::from_secs(300), Span::from_secs(5400)));
    assert_eq!(uneven.rule.labels, labels(&[("pod", "{{ $labels.pod }}"), ("severity", "warning")]));
    assert_eq!(uneven.rule.position.to_string(), "rules.yaml:11:16");
    assert_eq!((now.rule.expr.as_str(), now.lasts, now.keeps), ("1", Span::ZERO, Span::ZERO));
}

#[test]
fn a_manifest_of_the_operator_is_a_rule_file() {
    let indented: String = FILE.lines().map(|line| format!("  {line}\n")).collect();
    let manifest = format!(
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {{ name: x }}\nspec:\n{indented}"
    );
    let found = read("rules.yaml", &manifest).unwrap();
    assert_eq!(found.alerts.len(), 2);
    assert_eq!(found.alerts[0].rule.position.to_string(), "rules.yaml:15:18");
}

#[test]
fn what_is_wrong_is_said_with_its_position() {
    let of_rule = |rule: &str| format!("groups:\n- name: g\n  rules:\n  - {rule}\n");
    for (text, position, says) in [
        (String::new(), Some((1, 1)), "`groups` is missing"),
        ("groups: []".to_owned(), Some((1, 9)), "there is no alert"),
        ("groups: [{ rules: [] }]".to_owned(), Some((1, 10)), "`name` is missing"),
        ("groups: [{ name: g }, { name: g }]".to_owned(), Some((1, 31)), "two groups of the name `g`"),
        ("groups: [{ name: g, limit: 3 }]".to_owned(), Some((1, 28)), "`limit` is not evaluated"),
        ("groups: [{ name: g, interval: soon }]".to_owned(), Some((1, 31)), "expected a duration of Prometheus"),
        ("groups: [{ name: g, rulez: [] }]".to_owned(), Some((1, 21)), "unknown key `rulez`"),
        (of_rule("{ alert: A }"), Some((4, 5)), "`expr` is missing"),
        (of_rule("{ alert: A, expr: '' }"), Some((4, 23)), "`expr` is missing"),
        (of_rule("{ expr: up }"), Some((4, 5)), "one of `alert` and `record`"),
        (of_rule("{ alert: A, record: b, expr: up }"), Some((4, 25)), "only one of `alert` and `record`"),
        (of_rule("{ alert: A, expr: up, for: 5 }"), Some((4, 32)), "found `5`"),
        (of_rule("{ alert: A, expr: up, for: 1m30 }"), Some((4, 32)), "found `1m30`"),
        (of_rule("{ alert: A, expr: up, for: [1m] }"), Some((4, 32)), "expected text, found a list"),
        (of_rule("{ alert: A, expr: up, labels: [a] }"), Some((4, 35)), "found a list"),
        (of_rule("{ alert: A, expr: up, keep_firing: 5m }"), Some((4, 27)), "unknown key `keep_firing`"),
        (of_rule("{ alert: A, expr: up, labels: { v: '{{ $value }}' } }"), Some((4, 40)), "depends on the value"),
        (of_rule("{ record: a b, expr: up }"), Some((4, 15)), "no name of a metric"),
        (of_rule("{ record: a, expr: up, for: 5m }"), Some((4, 33)), "does not fire"),
        (of_rule("{ alert: A, expr: up"), None, "not YAML"),
    ] {
        let wrong = read("rules.yaml", &text).unwrap_err();
        let problem = &wrong.problems()[0];
        assert!(problem.message.contains(says), "{text}: {wrong}");
        let at = wrong.position(problem).map(|(_, line, column)| (line, column));
        assert!(position.is_none() || at == position, "{text}: {at:?}\n{wrong}");
        assert_eq!(wrong.exit_status(), 2);
    }
    let several = read("r.yaml", "groups: [{ name: g, interval: x, rules: [{ alert: A, for: y }] }]").unwrap_err();
    assert_eq!(several.problems().len(), 3, "{several}");
}
