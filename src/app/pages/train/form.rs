//! What the form holds, and how its text becomes settings: pure, so that it can be tested without a window.

use crate::model::{DeviceChoice, Precision};
use crate::training::Hyperparameters;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Where the base model comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaseKind {
    #[default]
    Bundled,
    Folder,
    Hub,
}

/// A number that the user may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Field {
    LearningRate,
    Epochs,
    BatchSize,
    Accumulation,
    MaxLength,
    WeightDecay,
    Seed,
    LogEvery,
    Threads,
}

impl Field {
    /// Those that every run has; [`Field::Threads`] stands under "More".
    pub const HYPERPARAMETERS: [Self; 8] = [
        Self::LearningRate,
        Self::Epochs,
        Self::BatchSize,
        Self::Accumulation,
        Self::MaxLength,
        Self::WeightDecay,
        Self::Seed,
        Self::LogEvery,
    ];

    /// Its name on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::LearningRate => "Learning rate",
            Self::Epochs => "Epochs",
            Self::BatchSize => "Batch size",
            Self::Accumulation => "Accumulation",
            Self::MaxLength => "Maximum length",
            Self::WeightDecay => "Weight decay",
            Self::Seed => "Seed",
            Self::LogEvery => "Log every",
            Self::Threads => "Threads",
        }
    }

    /// What it does, in one plain line.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::LearningRate => "How far one step moves the weights: too high and training falls apart",
            Self::Epochs => "How many times training goes through all its rows",
            Self::BatchSize => "Rows that are looked at together: more needs more memory",
            Self::Accumulation => "Batches added up before a step: 2 acts like twice the batch size in the same memory",
            Self::MaxLength => "Tokens read of a sentence and its reference; what is longer is cut",
            Self::WeightDecay => "A gentle pull of the weights towards zero, against learning by heart",
            Self::Seed => "The same seed on the same machine gives the same model",
            Self::LogEvery => "Steps between two points of the loss curve",
            Self::Threads => "Processor threads to use; empty for all cores",
        }
    }
}

/// The form's text, remembered between sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    pub base: BaseKind,
    pub base_folder: String,
    pub base_hub: String,
    /// What is typed in each field.
    pub texts: BTreeMap<Field, String>,
    pub device: DeviceChoice,
    pub precision: Option<Precision>,
    /// Empty: the default place.
    pub runs_folder: String,
    /// Empty: a name from the time and the base model.
    pub run_name: String,
}

impl Default for Form {
    fn default() -> Self {
        let mut form = Self {
            base: BaseKind::Bundled,
            base_folder: String::new(),
            base_hub: "allenai/scibert_scivocab_uncased".to_owned(),
            texts: BTreeMap::new(),
            device: DeviceChoice::Auto,
            precision: None,
            runs_folder: String::new(),
            run_name: String::new(),
        };
        form.reset_hyperparameters();
        form
    }
}

/// The numbers of a form without mistakes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers {
    pub hyperparameters: Hyperparameters,
    /// None: all cores.
    pub threads: Option<usize>,
}

impl Form {
    /// Puts the notebook's values back.
    pub fn reset_hyperparameters(&mut self) {
        self.texts.clear();
        self.complete();
    }

    /// Gives fields that nothing is remembered of, such as those of a later version, the notebook's values.
    pub fn complete(&mut self) {
        let values = Hyperparameters::default();
        for (field, text) in [
            (Field::LearningRate, scientific(values.learning_rate)),
            (Field::Epochs, values.epochs.to_string()),
            (Field::BatchSize, values.batch_size.to_string()),
            (Field::Accumulation, values.accumulation.to_string()),
            (Field::MaxLength, values.max_length.to_string()),
            (Field::WeightDecay, values.weight_decay.to_string()),
            (Field::Seed, values.seed.to_string()),
            (Field::LogEvery, values.log_every.to_string()),
            (Field::Threads, String::new()),
        ] {
            self.texts.entry(field).or_insert(text);
        }
    }

    /// The text of a field, to edit.
    pub fn text_mut(&mut self, field: Field) -> &mut String {
        self.texts.entry(field).or_default()
    }

    fn text(&self, field: Field) -> &str {
        self.texts.get(&field).map_or("", |text| text.trim())
    }

    /// The base model as `citelink train --base` takes it.
    #[must_use]
    pub fn base_name(&self) -> &str {
        match self.base {
            BaseKind::Bundled => "bundled",
            BaseKind::Folder => self.base_folder.trim(),
            BaseKind::Hub => self.base_hub.trim(),
        }
    }

    /// The numbers, or what is wrong with each field. `positions` is the longest input of the base model, where it
    /// is known.
    pub fn numbers(&self, positions: Option<usize>) -> Result<Numbers, BTreeMap<Field, String>> {
        let mut problems = BTreeMap::new();
        let mut whole = |field, range: RangeInclusive<usize>| {
            whole_number(self.text(field), range).unwrap_or_else(|problem| {
                problems.insert(field, problem);
                0
            })
        };
        let longest = positions.unwrap_or(512);
        let mut values = Hyperparameters {
            epochs: whole(Field::Epochs, 1..=1000),
            batch_size: whole(Field::BatchSize, 1..=1024),
            accumulation: whole(Field::Accumulation, 1..=1024),
            max_length: whole(Field::MaxLength, 8..=longest),
            log_every: whole(Field::LogEvery, 1..=1_000_000),
            ..Hyperparameters::default()
        };
        let threads = match self.text(Field::Threads) {
            "" => None,
            _ => Some(whole(Field::Threads, 1..=1024)),
        };
        match parse_number(self.text(Field::LearningRate)) {
            Some(rate) if rate > 0.0 && rate <= 1.0 => values.learning_rate = rate,
            _ => insert(&mut problems, Field::LearningRate, "a number above 0 and up to 1, such as 2e-5"),
        }
        match parse_number(self.text(Field::WeightDecay)) {
            Some(decay) if (0.0..1.0).contains(&decay) => values.weight_decay = decay,
            _ => insert(&mut problems, Field::WeightDecay, "a number from 0 to below 1, such as 0.01"),
        }
        match self.text(Field::Seed).parse() {
            Ok(seed) => values.seed = seed,
            Err(_) => insert(&mut problems, Field::Seed, "a whole number from 0, such as 42"),
        }
        if problems.is_empty() { Ok(Numbers { hyperparameters: values, threads }) } else { Err(problems) }
    }
}

fn insert(problems: &mut BTreeMap<Field, String>, field: Field, problem: &str) {
    problems.insert(field, problem.to_owned());
}

fn whole_number(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.replace([',', '_'], "").parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("a whole number from {} to {}", range.start(), range.end()))
}

/// A finite number, or None.
pub fn parse_number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Numbers separated by commas or white space, without repeats; an error names the first that is none.
pub fn parse_list<T: PartialEq>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let mut numbers = Vec::new();
    for word in text.split(|character: char| character == ',' || character.is_whitespace()) {
        if word.is_empty() {
            continue;
        }
        let number = parse(word).ok_or_else(|| format!("“{word}” cannot be used here"))?;
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    if numbers.is_empty() { Err("at least one number, separated by commas".to_owned()) } else { Ok(numbers) }
}

/// A small number the way people write learning rates: 2e-5.
#[must_use]
pub fn scientific(number: f64) -> String {
    if number == 0.0 || (1e-3..1e4).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_starts_with_the_notebooks_values() {
        let numbers = Form::default().numbers(None).unwrap();
        assert_eq!(numbers, Numbers { hyperparameters: Hyperparameters::default(), threads: None });
        assert_eq!(Form::default().texts[&Field::LearningRate], "2e-5");
        let mut remembered: Form = serde_json::from_str(r#"{"texts": {"Epochs": "7"}}"#).unwrap();
        remembered.complete();
        assert_eq!(remembered.numbers(None).unwrap().hyperparameters.epochs, 7);
    }

    #[test]
    fn each_mistake_is_told_beside_its_field() {
        let mut form = Form::default();
        for (field, text) in [
            (Field::LearningRate, "-1"),
            (Field::Epochs, "0"),
            (Field::BatchSize, "eight"),
            (Field::MaxLength, "600"),
            (Field::WeightDecay, "nan"),
            (Field::Seed, "1.5"),
            (Field::Threads, "0"),
        ] {
            *form.text_mut(field) = text.to_owned();
        }
        let problems = form.numbers(None).unwrap_err();
        assert_eq!(problems.len(), 7);
        assert_eq!(problems[&Field::MaxLength], "a whole number from 8 to 512");
        assert!(!problems.contains_key(&Field::LogEvery));
    }

    #[test]
    fn the_longest_input_is_the_base_models() {
        let form = Form::default();
        assert_eq!(form.numbers(Some(128)).unwrap_err()[&Field::MaxLength], "a whole number from 8 to 128");
    }

    #[test]
    fn lists_are_read_once_each() {
        assert_eq!(parse_list("1e-5, 2e-5 2e-5,3e-5", parse_number).unwrap(), [1e-5, 2e-5, 3e-5]);
        assert!(parse_list(" , ", parse_number).is_err());
        assert!(parse_list("1e-5, x", parse_number).unwrap_err().contains('x'));
    }

    #[test]
    fn small_numbers_are_written_as_people_do() {
        assert_eq!(scientific(2e-5), "2e-5");
        assert_eq!(scientific(1.5e-5), "1.5e-5");
        assert_eq!(scientific(0.01), "0.01");
    }
}
