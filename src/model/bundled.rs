//! The model embedded in the program.

use super::{ModelError, SavedModel};

/// Opens the embedded model.
pub(super) fn open() -> Result<SavedModel, ModelError> {
    todo!()
}
