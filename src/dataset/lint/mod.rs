//! Signs of noise in a dataset: what one row shows (`row`) and what only several show together (`groups`).

mod groups;
mod row;

pub(super) use groups::{Candidates, Groups};
pub(super) use row::RowLints;

use super::Record;
use super::tally::Tally;
use super::{Cleaning, view::View};

/// How many lines a finding lists.
pub const LISTED_LINES: usize = 100;

/// Fewer words than this make a sentence too short to tell what it cites.
pub(super) const SHORT_SENTENCE_WORDS: usize = 8;
/// More words than this are more than one sentence.
pub(super) const LONG_SENTENCE_WORDS: usize = 100;
/// Fewer characters than this say little about a paper.
pub(super) const SHORT_TEXT_CHARS: usize = 100;
/// Lengths at which known extractions cut reference texts.
pub(super) const CUT_TEXT_CHARS: [usize; 2] = [500, 2000];

/// A kind of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LintKind {
    /// The same sentence and reference with both labels.
    ContradictoryLabels,
    /// The same paper, sentence and reference more than once with the same label.
    DuplicatePair,
    /// The same sentence under more than one citing paper.
    SentenceInSeveralPapers,
    /// The reference's text contains the sentence.
    SentenceInReference,
    /// The reference is the citing paper itself.
    ReferenceIsCitingPaper,
    /// A sentence with several candidates, all of one label.
    OneLabelCandidates,
    /// A sentence with one candidate only.
    SingleCandidate,
    /// No sentence.
    EmptySentence,
    /// A sentence of fewer than 8 words.
    ShortSentence,
    /// A sentence of more than 100 words.
    LongSentence,
    /// A citation mark such as `[12]` or `(Meyer, 2019)` left in the sentence.
    CitationMark,
    /// No reference text.
    EmptyText,
    /// A reference text of fewer than 100 characters.
    ShortText,
    /// A reference text of exactly 500 or 2,000 characters.
    CutText,
    /// No title.
    MissingTitle,
    /// HTML, XML or LaTeX in the sentence, title or text.
    Markup,
    /// Replacement characters, control characters or wrongly decoded letters.
    DamagedText,
    /// A citing paper's id of the rarer kind, where some are integers and some are strings.
    MixedPaperIds,
    /// A reference's id of the rarer kind.
    MixedReferenceIds,
}

impl LintKind {
    /// Every kind, the most serious first.
    pub const ALL: [Self; 19] = [
        Self::ContradictoryLabels,
        Self::DuplicatePair,
        Self::SentenceInSeveralPapers,
        Self::SentenceInReference,
        Self::ReferenceIsCitingPaper,
        Self::OneLabelCandidates,
        Self::SingleCandidate,
        Self::EmptySentence,
        Self::ShortSentence,
        Self::LongSentence,
        Self::CitationMark,
        Self::EmptyText,
        Self::ShortText,
        Self::CutText,
        Self::MissingTitle,
        Self::Markup,
        Self::DamagedText,
        Self::MixedPaperIds,
        Self::MixedReferenceIds,
    ];

    /// A short name to show.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ContradictoryLabels => "Contradictory labels",
            Self::DuplicatePair => "Duplicate pair",
            Self::SentenceInSeveralPapers => "Sentence in several papers",
            Self::SentenceInReference => "Sentence inside the reference",
            Self::ReferenceIsCitingPaper => "Reference is the citing paper",
            Self::OneLabelCandidates => "Candidates all of one label",
            Self::SingleCandidate => "Only one candidate",
            Self::EmptySentence => "No sentence",
            Self::ShortSentence => "Very short sentence",
            Self::LongSentence => "Very long sentence",
            Self::CitationMark => "Citation mark in the sentence",
            Self::EmptyText => "No reference text",
            Self::ShortText => "Very short reference text",
            Self::CutText => "Reference text cut off",
            Self::MissingTitle => "No title",
            Self::Markup => "Markup",
            Self::DamagedText => "Damaged characters",
            Self::MixedPaperIds => "Paper ids of two kinds",
            Self::MixedReferenceIds => "Reference ids of two kinds",
        }
    }

    /// What it means, in one plain line.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::ContradictoryLabels => {
                "The same sentence and reference are labelled both 0 and 1, so one of the labels is wrong"
            }
            Self::DuplicatePair => {
                "The same paper, sentence and reference occur more than once and count more than they should"
            }
            Self::SentenceInSeveralPapers => {
                "The same sentence stands under several papers, so the split may put it into training and test at once"
            }
            Self::SentenceInReference => {
                "The reference's text contains the sentence itself, which gives the answer away or is a mix-up"
            }
            Self::ReferenceIsCitingPaper => "The candidate has the id of the paper that the sentence comes from",
            Self::OneLabelCandidates => {
                "All candidates of the sentence have the same label, so it cannot show whether a ranking is right"
            }
            Self::SingleCandidate => "The sentence has only one candidate, so there is nothing to rank",
            Self::EmptySentence => "The sentence is empty, so cleaning drops the row",
            Self::ShortSentence => "A sentence of fewer than 8 words rarely says what it cites",
            Self::LongSentence => "More than 100 words are probably several sentences that were not separated",
            Self::CitationMark => {
                "A mark such as [12] or (Meyer, 2019) is left in the sentence and may give the answer away"
            }
            Self::EmptyText => "The reference has no text, so cleaning drops the row unless rows with a title are kept",
            Self::ShortText => "A reference text of fewer than 100 characters says little about the paper",
            Self::CutText => "The text has exactly 500 or 2,000 characters, so it was probably cut off there",
            Self::MissingTitle => "The reference has no title, so the model sees only its text",
            Self::Markup => "The text contains what looks like HTML, XML or LaTeX rather than plain language",
            Self::DamagedText => "Characters were lost or wrongly decoded before the dataset was written",
            Self::MixedPaperIds => {
                "Some paper ids are integers and some are strings; 7 and \"7\" count as different papers"
            }
            Self::MixedReferenceIds => {
                "Some reference ids are integers and some are strings, as when two extractions were mixed"
            }
        }
    }
}

/// Where one kind of noise occurs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LintFinding {
    /// What was found.
    pub kind: LintKind,
    /// On how many lines.
    pub count: usize,
    /// The first 100 of these lines.
    pub lines: Vec<usize>,
}

/// Looks for every kind of noise; kinds that do not occur are left out. Candidates are counted among the rows that
/// cleaning by default keeps.
#[must_use]
pub fn lint(records: &[Record]) -> Vec<LintFinding> {
    let mut tally = Tally::new(Cleaning::default());
    for record in records {
        tally.add(&View::of(record));
    }
    tally.lint_and_candidates().0
}

/// A count of lines and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines {
    count: usize,
    first: Vec<usize>,
}

impl Lines {
    /// Notes a line after all lines noted before.
    fn push(&mut self, line: usize) {
        self.count += 1;
        if self.first.len() < LISTED_LINES {
            self.first.push(line);
        }
    }

    /// Adds lines that come after these.
    fn append(&mut self, later: Self) {
        self.count += later.count;
        let room = LISTED_LINES - self.first.len();
        self.first.extend(later.first.into_iter().take(room));
    }

    fn of_unordered(mut lines: Vec<usize>) -> Self {
        let count = lines.len();
        lines.sort_unstable();
        lines.truncate(LISTED_LINES);
        Self { count, first: lines }
    }

    pub(super) fn into_finding(self, kind: LintKind) -> Option<LintFinding> {
        (self.count > 0).then_some(LintFinding { kind, count: self.count, lines: self.first })
    }
}
