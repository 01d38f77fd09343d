use super::*;

fn values(argument: &str) -> Result<Vec<String>, String> {
    axis(argument).map(|axis| axis.values).map_err(|wrong| wrong.why)
}

#[test]
fn lists_and_ranges() {
    for (argument, wanted) in [
        ("a.b=1m,5m,30m", &["1m", "5m", "30m"][..]),
        ("a=x", &["x"]),
        ("p={ a: [1, 2], b: 3 },round_robin, 'x,y'", &["{ a: [1, 2], b: 3 }", "round_robin", "'x,y'"]),
        ("n=1..10:10", &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]),
        ("n=10..0:3,20", &["10", "5", "0", "20"]),
        ("n=0..1.0:5", &["0", "0.25", "0.5", "0.75", "1.0"]),
        ("n=0.1..0.4:4", &["0.1", "0.2", "0.3", "0.4"]),
        ("n=1..1000:log4", &["1", "10", "100", "1000"]),
        ("s=10%..30%:3", &["10%", "20%", "30%"]),
        ("t=1m..30m:log5", &["1m", "2m20s", "5m29s", "12m49s", "30m"]),
        ("t=1s..2s:4", &["1s", "1.333333333s", "1.666666667s", "2s"]),
        ("t=1ms..1s:log4", &["1ms", "10ms", "100ms", "1s"]),
    ] {
        assert_eq!(values(argument).unwrap(), wanted, "{argument}");
    }
}

#[test]
fn what_is_no_list_says_why() {
    for (argument, says) in [
        ("a", "no `=`"),
        ("a=", "not complete"),
        ("=1", "not complete"),
        ("a=1,,2", "empty"),
        ("a=1,2,1", "`1` is there twice"),
        ("a=1..5", "how many values"),
        ("a=1..5:x", "not a number of values"),
        ("a=1..5:1", "from 2 to"),
        ("a=1..5:1000000", "from 2 to"),
        ("a=1..3:4", "whole numbers stay whole"),
        ("a=5..5:2", "the same"),
        ("a=0..5:log3", "above zero"),
        ("a=1m..5:3", "not two numbers"),
        ("a=x..y:3", "not two numbers"),
    ] {
        let why = values(argument).unwrap_err();
        assert!(why.contains(says), "{argument}: {why}");
    }
    for (arguments, says, place) in [
        (&["a=1", "a=2"][..], "twice", "--vary:1:1"),
        (&["a[0].b=1", "a.0.b=2"], "`a.0.b` is varied twice", "--vary:1:1"),
        (&["a=1..9999:9999", "b=1..9999:9999"], "more than", "--vary:1:1"),
        (&["a.b=1, ,2"], "a value is empty", "--vary:1:8"),
        (&["a.b=1,5..x:3"], "not two numbers", "--vary:1:7"),
        (&["a.b=1,\u{1b}[31m"], "control character", "--vary:1:1"),
    ] {
        let said = Grid::parse("--vary", &owned(arguments)).unwrap_err().to_string();
        assert!(said.contains(says) && said.contains(place), "{arguments:?}: {said}");
    }
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|a| (*a).to_owned()).collect()
}

#[test]
fn a_place_in_a_cell_is_a_place_in_the_argument() {
    let arguments = owned(&["a[0].bc=1, xy,5..9:3", "d={ e: 1 },{ e: f }"]);
    let grid = Grid::parse("--vary", &arguments).unwrap();
    assert_eq!((grid.cells(), grid.sets(3)), (10, owned(&["a.0.bc=xy", "d={ e: f }"])));
    for (cell, set, part, wanted) in [
        (3, 0, "bc", (0, "bc")),
        (3, 0, "0", (0, "0")),
        (3, 0, "xy", (0, "xy")),
        (6, 0, "7", (0, "5..9:3")),
        (3, 1, "f", (1, "f")),
        (3, 1, "{ e: f }", (1, "{ e: f }")),
    ] {
        let set = &grid.sets(cell)[set];
        let start = set.rfind(part).unwrap();
        let (i, at) = grid.typed(cell, set, start..start + part.len(), &arguments).unwrap();
        assert_eq!((i, &arguments[i][at]), wanted, "{set}");
    }
}

#[test]
fn the_last_axis_turns_fastest() {
    let grid = Grid::parse("--vary", &owned(&["s.0.n=1,2", "c.0.n=x,y,z", "c.0.policy=p"])).unwrap();
    assert_eq!(grid.cells(), 6);
    assert_eq!(grid.values(0), ["1", "x", "p"]);
    assert_eq!(grid.values(1), ["1", "y", "p"]);
    assert_eq!(grid.values(5), ["2", "z", "p"]);
    assert_eq!(grid.sets(3), ["s.0.n=2", "c.0.n=x", "c.0.policy=p"]);
    assert_eq!(grid.label(3), "s.0.n=2 c.0.n=x policy=p");
    assert_eq!(Grid::default().cells(), 1);
}
