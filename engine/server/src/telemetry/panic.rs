//! Panics say where, never what: a payload may hold a piece of a message.

/// Replaces the default hook, which prints the payload.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("unknown", 0), |at| (at.file(), at.line()));
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        metrics::counter!("sluice_panics_total").increment(1);
        tracing::error!(file, line, thread, "a panic was caught");
    }));
}
