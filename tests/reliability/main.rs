//! Nothing lost, nothing mixed, always stoppable, and told where and why. One program, so that its tests share the processors.

#[path = "../experiments/desk.rs"]
mod desk;
#[path = "../support/stack.rs"]
mod stack;

mod accounts;
mod endings;
mod faults;
mod folders;
mod fuzz;
mod interrupts;
mod memory;
mod mutate;
mod oracle;
mod printing;
mod reading;
mod simulation;
mod sweeps;

/// Two properties, of which one is refuted.
const PROPERTIES: &str = "\
properties:
  - name: calls
    says: there are calls
    scenario: &s
      duration: 2s
      service: { type: Headless }
      servers: [{ name: s, replicas: 3 }]
      clients: [{ name: web, replicas: 3, load: { open: { rate: 50 } } }]
    draw: &d { servers.s.replicas: 2..4, clients.web.replicas: 1..4 }
    claim: requests.ok > 0
    holds: always
  - name: no-calls
    says: there are none
    scenario: *s
    draw: *d
    claim: requests.ok < 1
    holds: always
    expected: refuted
";
