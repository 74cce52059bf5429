//! The sample dataset, embedded in the program.

use super::{Dataset, DatasetError};
use std::path::Path;

/// The sample as a file would hold it: JSON lines, some of them unusable on purpose.
#[must_use]
pub fn sample_dataset_bytes() -> &'static [u8] {
    include_bytes!("../../assets/sample/sample.jsonl")
}

impl Dataset {
    /// The sample, read; its path is `sample.jsonl`, which need not exist.
    ///
    /// # Errors
    /// As [`Dataset::from_bytes`]; the tests prove that the sample reads.
    pub fn sample() -> Result<Self, DatasetError> {
        Self::from_bytes(Path::new("sample.jsonl"), sample_dataset_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Cleaning, LintKind, Report, Split, SplitSettings, clean};

    #[test]
    fn the_sample_shows_everything() {
        let sample = Dataset::sample().unwrap();
        let report = Report::of(&sample, Cleaning::default());
        assert_eq!((report.rows, report.papers, report.rejected.len()), (83, 24, 2));
        let absent = [
            LintKind::SentenceInReference,
            LintKind::ReferenceIsCitingPaper,
            LintKind::EmptySentence,
            LintKind::LongSentence,
            LintKind::OneLabelCandidates,
        ];
        for kind in LintKind::ALL {
            let found = report.lint.iter().any(|finding| finding.kind == kind);
            assert_eq!(found, !absent.contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn the_sample_can_be_trained_on() {
        let sample = Dataset::sample().unwrap();
        let kept = clean(&sample.records, Cleaning::default());
        let split = Split::by_paper(&sample.records, &kept, SplitSettings::default()).unwrap();
        split.check_trainable().unwrap();
        assert!(split.parts().iter().all(|(_, part)| part.labels[0] > 0 && part.labels[1] > 0));
    }
}
