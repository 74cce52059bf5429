//! What the bundled model reaches, from `assets/model/figures.json`, so that the page can say how weak it is.

use serde::Deserialize;

/// An area under the ROC curve that is less than this above that of guessing is no better than guessing in use.
const AT_CHANCE: f64 = 0.05;

/// Figures on a labelled development set that shares no paper with the training data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct ModelFigures {
    pub dev: DevelopmentFigures,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct DevelopmentFigures {
    pub roc_auc: f64,
    pub top1: f64,
    pub chance_top1: f64,
    pub f1: f64,
    pub all_positive_f1: f64,
    pub word_overlap: WordOverlapFigures,
}

/// What counting shared words reaches on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct WordOverlapFigures {
    pub roc_auc: Option<f64>,
    pub top1: Option<f64>,
}

impl ModelFigures {
    /// The bundled model's figures; None where none are recorded.
    pub(super) fn bundled() -> Option<Self> {
        serde_json::from_str(include_str!("../../../../assets/model/figures.json")).ok()
    }

    /// Whether it tells citations from others no better than a coin does.
    pub(super) fn is_at_chance(&self) -> bool {
        self.dev.roc_auc < 0.5 + AT_CHANCE
    }

    /// What to know before taking its probabilities for an answer; None where it deserves some trust.
    pub(super) fn caution(&self) -> Option<String> {
        let auc = self.dev.roc_auc;
        let overlap = self
            .dev
            .word_overlap
            .roc_auc
            .map_or(String::new(), |overlap| format!(", counting shared words {overlap:.3}"));
        if self.is_at_chance() {
            Some(format!(
                "Bundled: at chance on its test data (ROC AUC {auc:.3}, guessing 0.500{overlap}), for trying out only. \
                 Train a model for real answers"
            ))
        } else if self.is_weak() {
            Some(format!(
                "Bundled: weak on its test data (ROC AUC {auc:.3}, guessing 0.500{overlap}), for trying out only. \
                 Train a model for real answers"
            ))
        } else {
            None
        }
    }

    /// Whether counting shared words, or guessing, does as well.
    fn is_weak(&self) -> bool {
        let dev = &self.dev;
        let overlap = dev.word_overlap;
        dev.roc_auc <= overlap.roc_auc.unwrap_or(0.5).max(0.5)
            || dev.top1 <= overlap.top1.unwrap_or(dev.chance_top1).max(dev.chance_top1)
    }

    /// One line for the page.
    pub(super) fn line(&self) -> String {
        let dev = &self.dev;
        let or_unknown = |figure: Option<f64>| figure.map_or("unknown".to_owned(), |figure| format!("{figure:.3}"));
        format!(
            "On sentences it has not seen, it ranks a true reference first for {:.3} of them (chance {:.3}, word \
             overlap {}); ROC AUC {:.3} (chance 0.500, word overlap {}); F1 {:.3} (calling everything a citation {:.3})",
            dev.top1,
            dev.chance_top1,
            or_unknown(dev.word_overlap.top1),
            dev.roc_auc,
            or_unknown(dev.word_overlap.roc_auc),
            dev.f1,
            dev.all_positive_f1,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_loses_to_shared_words_is_called_weak() {
        let json = |auc: f64, top1: f64| {
            format!(
                r#"{{"dev": {{"roc_auc": {auc}, "top1": {top1}, "chance_top1": 0.392, "f1": 0.54,
                "all_positive_f1": 0.53, "word_overlap": {{"roc_auc": 0.7, "top1": 0.65}}}}}}"#
            )
        };
        let weak: ModelFigures = serde_json::from_str(&json(0.62, 0.7)).unwrap();
        let caution = weak.caution().unwrap();
        assert!(caution.contains("weak") && caution.contains("counting shared words 0.700"), "{caution}");
        assert!(weak.line().contains("ROC AUC 0.620 (chance 0.500, word overlap 0.700)"), "{}", weak.line());
        let strong: ModelFigures = serde_json::from_str(&json(0.8, 0.7)).unwrap();
        assert_eq!(strong.caution(), None);
        let guessing: ModelFigures = serde_json::from_str(&json(0.514, 0.39)).unwrap();
        assert!(guessing.caution().unwrap().contains("at chance on its test data (ROC AUC 0.514"));
    }
}
