//! One line of a dataset.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// What identifies a paper: an integer or a string. 7 and `"7"` are different papers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaperId {
    /// A JSON integer.
    Integer(i64),
    /// A JSON integer too large for 64 bits, digit for digit as it stands in the file.
    BigInteger(Box<str>),
    /// A JSON string.
    Text(Box<str>),
}

impl fmt::Display for PaperId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(formatter),
            Self::BigInteger(text) | Self::Text(text) => text.fmt(formatter),
        }
    }
}

/// As in the file: integers as numbers (those beyond 64 bits need `serde_json` as the format), strings as strings.
impl Serialize for PaperId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::BigInteger(digits) => RawValue::from_string(digits.as_ref().to_owned())
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for PaperId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyId;

        impl Visitor<'_> for AnyId {
            type Value = PaperId;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an integer or a string")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<PaperId, E> {
                Ok(PaperId::Integer(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<PaperId, E> {
                Ok(i64::try_from(number)
                    .map_or_else(|_| PaperId::BigInteger(number.to_string().into()), PaperId::Integer))
            }

            // A reader of JSON turns integers beyond 64 bits into floats, which have lost digits.
            fn visit_f64<E: Error>(self, number: f64) -> Result<PaperId, E> {
                Err(E::invalid_value(Unexpected::Float(number), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<PaperId, E> {
                Ok(PaperId::Text(text.into()))
            }
        }

        deserializer.deserialize_any(AnyId)
    }
}

/// Whether the sentence cites the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// Class 0.
    NotCitation,
    /// Class 1.
    Citation,
}

impl Label {
    /// 0 or 1, the class's position in logits and counts.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self == Self::Citation)
    }
}

/// A value for each class; in JSON `{"0": …, "1": …}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByLabel<T> {
    /// Class 0.
    #[serde(rename = "0")]
    pub not_citation: T,
    /// Class 1.
    #[serde(rename = "1")]
    pub citation: T,
}

impl<T> From<[T; 2]> for ByLabel<T> {
    fn from([not_citation, citation]: [T; 2]) -> Self {
        Self { not_citation, citation }
    }
}

/// `N / (2·N_c)` for the counts `N_c` of the two classes, as scikit-learn's `class_weight="balanced"`; infinite for a class
/// without a row, not a number where both are.
#[must_use]
pub fn balanced_class_weights(counts: [usize; 2]) -> [f64; 2] {
    let rows = (counts[0] + counts[1]) as f64;
    counts.map(|count| rows / (2.0 * count as f64))
}

/// One usable line. Fields that are empty (missing, null, only white space, or a bare `NaN`) are `None`;
/// the others are kept as they stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The line in the file, from 1, blank lines counted.
    pub line: usize,
    /// The citing paper.
    pub original_paper_id: PaperId,
    /// The sentence that may cite.
    pub sentence: Option<Box<str>>,
    /// The candidate reference.
    pub ref_paper_id: Option<PaperId>,
    /// The reference's title.
    pub ref_paper_title: Option<Box<str>>,
    /// The reference's authors.
    pub ref_paper_authors: Option<Box<str>>,
    /// The reference's abstract or text.
    pub ref_paper_text: Option<Box<str>>,
    /// None only where the whole file has no label.
    pub label: Option<Label>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_json() {
        let written = r#"[7,"7",-1,9223372036854775808]"#;
        let ids: Vec<PaperId> = serde_json::from_str(written).unwrap();
        assert_eq!(ids[0], PaperId::Integer(7));
        assert_eq!(ids[1], PaperId::Text("7".into()));
        assert_eq!(ids[3], PaperId::BigInteger("9223372036854775808".into()));
        assert_eq!(serde_json::to_string(&ids).unwrap(), written);
        let huge = PaperId::BigInteger("123456789012345678901234567890".into());
        assert_eq!(serde_json::to_string(&huge).unwrap(), "123456789012345678901234567890");
        assert!(serde_json::from_str::<PaperId>("1.5").is_err());
    }

    #[test]
    fn class_weights_are_balanced() {
        assert_eq!(balanced_class_weights([3, 1]), [4.0 / 6.0, 2.0]);
        assert_eq!(balanced_class_weights([2, 0])[1], f64::INFINITY);
    }
}
