//! The window's journeys, without a display: each page has its own file under `tests/window/`.

#[path = "window/check.rs"]
mod check;
#[path = "window/dataset.rs"]
mod dataset;
#[path = "window/harness.rs"]
mod harness;
#[path = "window/shell.rs"]
mod shell;
#[path = "window/threshold.rs"]
mod threshold;
#[path = "window/train.rs"]
mod train;
