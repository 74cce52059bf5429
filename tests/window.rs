//! The window's journeys, without a display: each page has its own file under `tests/window/`.

#[path = "window/harness.rs"]
mod harness;
#[path = "window/shell.rs"]
mod shell;
