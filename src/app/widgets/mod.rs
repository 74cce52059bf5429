//! What more than one page draws.
//!
//! | file | what it draws |
//! | --- | --- |
//! | `numbers` | no widgets: counts (`2,057`), decimals, percentages, durations, bytes as text |
//! | `export` | no widgets: [`CsvTable`] (CSV and text), PNG |
//! | `layout` | [`page`], [`card`], [`section`], [`primary_button`], [`field_row`], [`warning`]; [`at_end`], [`before_panel`]: the order of the Tab key |
//! | `figure` | [`figure_card`] and [`figure_row`]: a label with its exact number |
//! | `label` | [`class_label`], [`class_marker`]: CITATION and `NOT_CITATION` as marker and text |
//! | `empty_state` | [`EmptyState`]: what to do where there is nothing yet |
//! | `progress` | [`progress_strip`]: bar, figure, time left and Cancel of a job |
//! | `plot` | [`PlotCard`]: a titled plot with axis names, “Save as CSV…”, “Save as PNG…” |
//! | `tabs` | [`tabs()`]: sub-views of a page |
//! | `table` | [`table_card`], [`export_menu`]: a small table that can be copied and saved |
//!
//! Files are saved with [`Shared::save_file`](super::shared::Shared::save_file), which asks where, writes off the frame
//! and says so.

pub mod empty_state;
pub mod export;
pub mod figure;
pub mod label;
pub mod layout;
pub mod numbers;
pub mod plot;
pub mod progress;
pub mod table;
pub mod tabs;

pub use empty_state::EmptyState;
pub use export::CsvTable;
pub use figure::{figure_card, figure_row};
pub use label::{class_label, class_marker};
pub use layout::{Beside, at_end, before_panel, card, field_row, page, primary_button, section, warning};
pub use plot::PlotCard;
pub use progress::{Unit, progress_strip};
pub use table::{export_menu, table_card};
pub use tabs::tabs;
