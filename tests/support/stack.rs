//! A thread with as much stack as a program's main thread has, where files are read. Threads of tests have a quarter of it, and code that is not optimised
//! needs half a MiB per 16 levels of YAML.

use std::thread;

/// In bytes.
const MAIN: usize = 8 << 20;

/// Runs it there; a panic there is one here.
pub fn on_a_main_stack(run: impl FnOnce() + Send + 'static) {
    let started = thread::Builder::new().stack_size(MAIN).spawn(run);
    if let Err(panic) = started.expect("a thread").join() {
        std::panic::resume_unwind(panic);
    }
}
