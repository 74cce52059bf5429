//! What a trainer must remember to go on bit for bit.

use serde::{Deserialize, Serialize};

/// Where training stands, between two steps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// Training examples; a checkpoint fits only as many.
    pub examples: usize,
    /// Epochs evaluated.
    pub epoch: usize,
    /// Optimizer steps done in the epoch; all of them where only its evaluation is missing.
    pub step_in_epoch: usize,
    /// Optimizer steps done.
    pub step: u64,
    /// Since the last report.
    pub window: Window,
    /// The lowest validation loss so far.
    #[serde(with = "exact")]
    pub best_loss: f64,
}

/// What has gathered since the last report.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Window {
    /// Of the steps' losses.
    #[serde(with = "exact")]
    pub loss_sum: f64,
    pub steps: u64,
    pub examples: u64,
    pub tokens: u64,
    /// Seconds of fitting.
    #[serde(with = "exact")]
    pub seconds: f64,
}

/// Numbers as text in the shortest form that Rust reads back exactly: JSON has no infinity, and readers of JSON may
/// round the last bit.
mod exact {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_exactly() {
        let mut position = Position { best_loss: f64::INFINITY, step: 17, ..Default::default() };
        position.window.loss_sum = 0.1 + 0.2;
        position.window.seconds = 1.0 / 3.0;
        let json = serde_json::to_string(&position).unwrap();
        assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position);
    }
}
