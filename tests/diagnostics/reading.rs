//! Texts, keys, types, numbers and names.

use super::run;

#[test]
fn what_is_not_yaml() {
    run(&[
        ("«", "E004", "nothing in this file"),
        ("# only a comment\n«", "E004", "evenkeel init"),
        ("name: a«: b\n", "E001", "mapping values"),
        ("name: a\nservers:\n\t«- name: api\n", "E001", "spaces"),
        ("name: «[1, 2\n", "E001", "unclosed"),
        ("NAME\nservers: «*nope\n", "E001", "anchor"),
        ("NAME\n«---\nname: b\n", "E005", "one YAML document"),
        ("name: a«\0b\n", "E001", "unexpected character"),
        ("«hello\n", "E009", "a map of keys"),
        ("«- name: a\n", "E009", "found a list"),
    ]);
}

#[test]
fn keys() {
    run(&[
        ("NAME\n«serverz: 1\nSERVERS\nGHZ\n", "E008", "did you mean `servers`?"),
        ("NAME\nservers: [{ name: api, «replica: 5 }]\nGHZ\n", "E008", "did you mean `replicas`?"),
        ("NAME\nservers: [{ name: api, «serviceTime: 5ms }]\nGHZ\n", "E008", "did you mean `service_time`?"),
        ("NAME\nSERVERS\nGHZ\ncluster:\n  dns: { «tttl: 3s }\n", "E008", "`cache`"),
        (
            "NAME\nservers: [{ name: api, «max_connection_age: 5m }]\nGHZ\n",
            "E008",
            "write `grpc: { max_connection_age: … }`",
        ),
        ("NAME\nservers: [{ name: api, «pre_stop: 5s }]\nGHZ\n", "E008", "a key of `termination`"),
        ("NAME\nSERVERS\nclients: [{ name: web, load: { «rate: 5 } }]\n", "E008", "write `open: { rate: … }`"),
        ("NAME\nSERVERS\nGHZ\nservice: { «port_name: tcp-a }\n", "E008", "opaque: true"),
        ("NAME\nservers: [{ name: api, grpc: { «banana: 1 } }]\nGHZ\n", "E008", "known here: `max_connection_age`"),
        ("NAME\nservers: [{ name: api, replicas: 1, «replicas: 2 }]\nGHZ\n", "E007", "written twice"),
        ("NAME\nSERVERS\n«NAME\nGHZ\n", "E007", "`name`"),
        ("«servers: [{ name: api }]\nGHZ\n", "E012", "the scenario needs the key `name`"),
        ("«NAME\nGHZ\n", "E012", "`servers`"),
        ("NAME\nservers: [«{ replicas: 1 }]\nGHZ\n", "E012", "a server needs the key `name`"),
        ("NAME\nSERVERS\nclients: [«{ name: web }]\n", "E012", "a client needs the key `load`"),
        (
            "NAME\nSERVERS\nclients: [{ name: web, keepalive: «{ timeout: 1s }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E012",
            "`keepalive` needs the key `time`",
        ),
        ("NAME\nSERVERS\nclients: [{ name: web, load: { closed: «{ requests: 5 } } }]\n", "E012", "`concurrency`"),
        ("NAME\nMIN\nSERVERS\nclients: [{ name: web, load: «closed }]\n", "E009", "found the text `closed`"),
        ("NAME\nSERVERS\nGHZ\ncluster: { rtt: 1ms, connect: { exponential: «{ min: 1ms } } }\n", "E012", "`mean`"),
        ("NAME\nservers: «[]\nGHZ\n", "E017", "empty"),
        ("NAME\nSERVERS\nclients: «[]\n", "E017", "`clients`"),
    ]);
}

#[test]
fn types_and_quantities() {
    run(&[
        ("NAME\nservers: «{ name: api }\nGHZ\n", "E009", "expected a list"),
        ("NAME\nservers: [«api]\nGHZ\n", "E009", "found the text `api`"),
        ("name: «5\nSERVERS\nGHZ\n", "E009", "in quotes"),
        ("NAME\nservers: [{ name: api, replicas: «lots }]\nGHZ\n", "E010", "a whole number"),
        ("NAME\nservers: [{ name: api, replicas: «-1 }]\nGHZ\n", "E010", "a whole number"),
        ("NAME\nservers: [{ name: api, replicas: «1.5 }]\nGHZ\n", "E010", "found the number 1.5"),
        ("NAME\nservers: [{ name: api, replicas: «[1] }]\nGHZ\n", "E009", "found a list"),
        ("NAME\nservers: [{ name: api, startup: «5 }]\nGHZ\n", "E010", "a duration with its unit"),
        ("NAME\nservers: [{ name: api, startup: «5 s }]\nGHZ\n", "E010", "the units are"),
        ("NAME\nservers: [{ name: api, startup: «1d }]\nGHZ\n", "E010", "ns, us, ms, s, m and h"),
        ("NAME\nservers: [{ name: api, startup: «-5s }]\nGHZ\n", "E010", "negative"),
        ("NAME\nSERVERS\nCLIENTS\nduration: «721h\n", "E010", "30 days"),
        ("NAME\nSERVERS\nCLIENTS\nduration: «99999999999999999999999h\n", "E010", "30 days"),
        ("NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { rate: «.nan } } }]\n", "E010", "a number"),
        ("NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { rate: «.inf } } }]\n", "E010", "a number"),
        ("NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { rate: «5k } } }]\n", "E010", "`5k`"),
        (
            "NAME\nSERVERS\nclients: [{ name: web, wait_for_ready: «yes, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E009",
            "`true` or `false`",
        ),
        ("NAME\nservers: [{ name: api, strategy: { max_surge: «25.5% } }]\nGHZ\n", "E010", "such as `25%`"),
        (
            "NAME\nSERVERS\nclients: [{ name: web, policy: «roundrobin, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E011",
            "did you mean `round_robin`?",
        ),
        ("NAME\nSERVERS\nGHZ\nservice: { type: «Headles }\n", "E011", "`Headless`"),
        ("NAME\nservers: [{ name: api, service_time: { «gauss: 1ms } }]\nGHZ\n", "E011", "`lognormal`"),
        (
            "NAME\nSERVERS\nclients: [{ name: web, load: { closed: { concurrency: 1 }, open: «{ rate: 1 } } }]\n",
            "E020",
            "has `closed` and `open`",
        ),
        ("NAME\nSERVERS\nclients: [{ name: web, load: «{} }]\n", "E020", "`closed`, `open` and `streams`"),
    ]);
}

#[test]
fn ranges_and_names() {
    run(&[
        ("NAME\nSERVERS\nGHZ\ncluster: { nodes: «0 }\n", "E013", "at least 1"),
        (
            "NAME\nSERVERS\nclients: [{ name: web, keepalive: { time: «1us }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E013",
            "at least 1ms",
        ),
        ("NAME\nservers: [{ name: api, replicas: «100001 }]\nGHZ\n", "E013", "100000"),
        ("NAME\nservers: [{ name: api, concurrency: «65537 }]\nGHZ\n", "E013", "65536"),
        ("NAME\nservers: [{ name: api, replicas: «18446744073709551615 }]\nGHZ\n", "E013", "the most is 100000"),
        ("NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { rate: «1e10 } } }]\n", "E013", "`rate`"),
        ("NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { rate: «-5 } } }]\n", "E013", "must be from 0"),
        ("NAME\nMIN\nSERVERS\nclients: [{ name: «web, load: { open: { rate: 0 } } }]\n", "E013", "asks for nothing"),
        ("NAME\nMIN\nSERVERS\nCLIENTS\nwindow: «0s\n", "E013", "above 0"),
        ("NAME\nMIN\nSERVERS\nCLIENTS\nwindow: «1us\n", "E013", "60000000 windows"),
        ("NAME\nMIN\nservers: [{ name: api, replicas: 1000 }]\nCLIENTS\nwindow: «1ms\n", "E013", "rows"),
        (
            "«NAME\nMIN\nservers: [{ name: x, replicas: 60000 }, { name: y, replicas: 60000 }]\nCLIENTS\n",
            "E013",
            "120000 pods",
        ),
        (
            "«NAME\nMIN\nSERVERS\nclients: [{ name: web, replicas: 10000, channels: 10000, load: { open: { rate: 1 } } }]\n",
            "E013",
            "100000000 channels",
        ),
        ("«NAME\nMIN\nservers: [{ name: api, replicas: 40000 }]\nCLIENTS\n", "E013", "12000000 rows"),
        ("«NAME\nservers: [{ name: api, replicas: 4000 }]\nGHZ\n", "E013", "12000000 rows"),
        (
            "«NAME\nMIN\nwindow: 30s\ncluster: { nodes: 2000 }\nservers: [{ name: api, replicas: 60000 }]\nCLIENTS\n",
            "E013",
            "120000000 endpoints",
        ),
        (
            "«NAME\nMIN\nservice: { type: Headless }\nservers: [{ name: api, replicas: 2000 }]\nclients: [{ name: web, policy: round_robin, replicas: 3000, channels: 2, load: { open: { rate: 1 } } }]\n",
            "E013",
            "12000000 connections to all pods",
        ),
        (
            "«NAME\nMIN\nservice: { type: Headless }\nservers: [{ name: api, replicas: 2000 }]\nclients: [{ name: web, replicas: 30000, load: { open: { rate: 1 } } }]\n",
            "E013",
            "60000000 addresses",
        ),
        (
            "«NAME\nMIN\nwindow: 30s\nservers: [{ name: api }, { name: x, replicas: 60000 }]\nCLIENTS\ntimeline: [{ at: 1s, scale: { server: api, replicas: 60000 } }]\n",
            "E013",
            "120000 pods (with those that the timeline adds)",
        ),
        ("NAME\nservers: [{ name: api, service_time: { pareto: { min: 1ms, alpha: «1 } } }]\nGHZ\n", "E013", "above 1"),
        (
            "NAME\nservers: [{ name: api, service_time: { mixture: [{ weight: «0, of: 1ms }] } }]\nGHZ\n",
            "E013",
            "above 0",
        ),
        ("NAME\nservers: [{ name: api, strategy: { max_unavailable: «101% } }]\nGHZ\n", "E013", "100%"),
        ("NAME\nservers: [{ name: «My_Server }]\nGHZ\n", "E014", "lower-case letters"),
        ("name: «-a\nSERVERS\nGHZ\n", "E014", "letter or digit at both ends"),
        ("name: «../../etc\nSERVERS\nGHZ\n", "E014", "`../../etc`"),
        ("NAME\nservers: [{ name: api }, { name: «api }]\nGHZ\n", "E015", "used twice"),
        (
            "NAME\nservers: [{ name: ghz }]\nclients: [{ name: «ghz, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E015",
            "`ghz`",
        ),
    ]);
}
