//! Scoring, ranking and measuring through the public interface and the command line, with a tiny model of random
//! weights made on the spot.

use citelink::checking::{CheckError, Reference, ScoreFileError, Scorer, evaluate, read_references, score_file};
use citelink::dataset::{Cleaning, Dataset, reference_block};
use citelink::evaluation::{Metrics, probability_of, roc_auc};
use citelink::model::{Compute, CreateSettings, SavedModel, create_model};
use citelink::progress::{Progress, Unwatched};
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A folder with a model and its text, made once for all tests.
fn model_folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let text = folder.path().join("text.txt");
            std::fs::write(&text, sentences().join("\n")).unwrap();
            let settings =
                CreateSettings { vocabulary: 400, layers: 2, hidden: 32, heads: 2, intermediate: 64, seed: 3 };
            create_model(&[text], settings, &Unwatched).unwrap().save(&folder.path().join("model")).unwrap();
            folder
        })
        .path()
}

fn scorer() -> Scorer {
    let model = SavedModel::open(&model_folder().join("model")).unwrap();
    Scorer::new(&model, &Compute::processor()).unwrap()
}

fn sentences() -> Vec<String> {
    let subjects = ["mice", "neural networks", "galaxies", "proteins", "languages"];
    let verbs = ["were studied by", "depend on", "differ from", "are related to"];
    let objects = ["sleep", "attention", "gravity", "folding", "grammar", "memory"];
    let mut sentences = Vec::new();
    for (row, subject) in subjects.iter().enumerate() {
        for verb in verbs {
            for object in &objects[row % 2..] {
                sentences.push(format!("The {subject} {verb} {object} in several experiments."));
            }
        }
    }
    sentences
}

/// Dataset rows of 8 papers: each sentence with a true and a false candidate, of very different lengths.
fn rows() -> Vec<Value> {
    let mut rows = Vec::new();
    for (position, sentence) in sentences().into_iter().take(32).enumerate() {
        for label in [1, 0] {
            let text = if label == 1 { sentence.repeat(position % 7 + 1) } else { "Stars shine.".repeat(position + 1) };
            rows.push(serde_json::json!({
                "original_paper_id": position / 4, "sentence": sentence, "ref_paper_id": format!("r{position}"),
                "ref_paper_title": "On things", "ref_paper_authors": null, "ref_paper_text": text, "label": label,
            }));
        }
    }
    rows
}

fn write_lines(folder: &Path, name: &str, lines: &[String]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

fn citelink(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_citelink")).args(arguments).output().unwrap()
}

#[test]
fn batches_do_not_change_probabilities() {
    let scorer = scorer();
    let pairs: Vec<(String, String)> = rows()
        .iter()
        .map(|row| (row["sentence"].as_str().unwrap().to_owned(), row["ref_paper_text"].as_str().unwrap().to_owned()))
        .collect();
    let together = scorer.score(&pairs, &Unwatched).unwrap();
    assert_eq!(together.len(), pairs.len());
    for (pair, scored) in pairs.iter().zip(&together) {
        let alone = scorer.score(std::slice::from_ref(pair), &Unwatched).unwrap()[0];
        assert!((alone.probability - scored.probability).abs() < 1e-6, "{alone:?} {scored:?}");
        assert_eq!(scored.probability, probability_of(scored.logits));
    }
    let distinct = together.windows(2).filter(|two| two[0].probability != two[1].probability).count();
    assert!(distinct > pairs.len() / 2, "the model tells pairs apart");
    assert!(scorer.score::<String, String>(&[], &Unwatched).unwrap().is_empty());
}

/// A copy of the model whose files name the classes as given; a field is left out where it is null.
fn renamed(folder: &Path, config: Value, inference: &Value) -> PathBuf {
    let copy = folder.join(format!("{}", std::fs::read_dir(folder).unwrap().count()));
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(model_folder().join("model")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let json = std::fs::read(copy.join("config.json")).unwrap();
    let mut document: Value = serde_json::from_slice(&json).unwrap();
    document["id2label"] = config;
    document.as_object_mut().unwrap().remove("label2id");
    std::fs::write(copy.join("config.json"), document.to_string()).unwrap();
    let document = serde_json::json!({"threshold": 0.25, "id2label": inference});
    let given: serde_json::Map<String, Value> =
        document.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
    std::fs::write(copy.join("inference_config.json"), Value::Object(given).to_string()).unwrap();
    copy
}

#[test]
fn classes_go_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let usual = || serde_json::json!({"0": "NOT_CITATION", "1": "CITATION"});
    let reversed = || serde_json::json!({"0": "CITATION", "1": "NOT_CITATION"});
    let unnamed = || serde_json::json!({"0": "LABEL_0", "1": "LABEL_1"});
    let pairs = [("Mice sleep.", "Mice depend on sleep."), ("Galaxies.", "Several experiments.")];
    let logits = |path: &Path| -> Vec<[f32; 2]> {
        let scorer = Scorer::new(&SavedModel::open(path).unwrap(), &Compute::processor()).unwrap();
        assert_eq!(scorer.threshold(), 0.25);
        scorer.score(&pairs, &Unwatched).unwrap().iter().map(|scored| scored.logits).collect()
    };
    let expected: Vec<[f32; 2]> = scorer().score(&pairs, &Unwatched).unwrap().iter().map(|it| it.logits).collect();
    assert!(expected.iter().all(|[no, yes]| no != yes));
    for (config, inference) in
        [(usual(), usual()), (unnamed(), Value::Null), (Value::Null, unnamed()), (unnamed(), usual())]
    {
        assert_eq!(logits(&renamed(folder.path(), config, &inference)), expected);
    }
    let swapped: Vec<[f32; 2]> = expected.iter().map(|&[no, yes]| [yes, no]).collect();
    for (config, inference) in [
        (reversed(), reversed()),
        (reversed(), Value::Null),
        (unnamed(), reversed()),
        (serde_json::json!({"0": "citation", "1": "Not citation"}), unnamed()),
    ] {
        let path = renamed(folder.path(), config, &inference);
        assert_eq!(logits(&path), swapped);
        // Saved again it is a usual one, and not turned round twice.
        let copy = path.join("copy");
        SavedModel::open(&path).unwrap().save(&copy).unwrap();
        assert_eq!(logits(&copy), swapped);
        let names: Value = serde_json::from_slice(&std::fs::read(copy.join("config.json")).unwrap()).unwrap();
        assert_eq!(names["id2label"], usual());
        let names: Value = serde_json::from_slice(&std::fs::read(copy.join("inference_config.json")).unwrap()).unwrap();
        assert_eq!((&names["id2label"], &names["label2id"]["CITATION"]), (&usual(), &serde_json::json!(1)));
    }
    for (config, inference, file) in [
        (serde_json::json!({"0": "entailment", "1": "neutral", "2": "contradiction"}), Value::Null, "config.json"),
        (serde_json::json!({"0": "NEGATIVE", "1": "POSITIVE"}), usual(), "config.json"),
        (usual(), serde_json::json!({"0": "no", "1": "yes"}), "inference_config.json"),
        (usual(), serde_json::json!({"0": "a", "1": "b", "2": "c"}), "inference_config.json"),
        (usual(), reversed(), "inference_config.json"),
        (reversed(), usual(), "inference_config.json"),
    ] {
        let path = renamed(folder.path(), config, &inference);
        let refused = SavedModel::open(&path)
            .map_err(CheckError::from)
            .and_then(|model| Scorer::new(&model, &Compute::processor()))
            .unwrap_err()
            .to_string();
        assert!(refused.contains(path.join(file).to_str().unwrap()) && refused.contains("id2label"), "{refused}");
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let scorer = scorer();
    let long = "mice sleep ".repeat(600);
    let scored =
        scorer.score(&[("Mice sleep.", long.as_str()), (long.as_str(), "Mice."), ("Mice.", "Sleep.")], &Unwatched);
    let scored = scored.unwrap();
    assert!(!scored[0].sentence_cut && scored[0].reference_tokens_cut > 500, "{:?}", scored[0]);
    assert!(scored[1].sentence_cut, "{:?}", scored[1]);
    assert!(!scored[2].sentence_cut && scored[2].reference_tokens_cut == 0, "{:?}", scored[2]);
}

#[test]
fn candidates_are_ranked_as_they_are_scored() {
    let scorer = scorer();
    let reference =
        |title: &str, text: &str| Reference { title: title.to_owned(), authors: String::new(), text: text.to_owned() };
    let candidates = [
        reference("Stars", "Stars shine."),
        reference("Twin", "Proteins fold."),
        reference("Sleep in mice", ""),
        reference("Twin", "Proteins fold."),
    ];
    let sentence = "The mice depend on sleep.";
    let ranked = scorer.check(sentence, &candidates, &Unwatched).unwrap();
    let pairs: Vec<(&str, String)> =
        candidates.iter().map(|candidate| (sentence, reference_block(candidate.parts()))).collect();
    let scored = scorer.score(&pairs, &Unwatched).unwrap();
    for candidate in &ranked.candidates {
        assert_eq!(candidate.probability, scored[candidate.index].probability);
        assert_eq!(candidate.title_only, candidate.index == 2);
    }
    assert!(ranked.candidates.is_sorted_by(|a, b| a.probability >= b.probability && a.rank + 1 == b.rank));
    let place = |index| ranked.candidates.iter().position(|candidate| candidate.index == index).unwrap();
    assert_eq!(place(1) + 1, place(3), "ties stay in input order");

    assert!(matches!(scorer.check(" \n", &candidates, &Unwatched), Err(CheckError::EmptySentence)));
    let with_empty = [candidates[0].clone(), reference(" ", "\t")];
    assert!(matches!(scorer.check(sentence, &with_empty, &Unwatched), Err(CheckError::EmptyCandidate { number: 2 })));
    assert!(scorer.check(sentence, &[], &Unwatched).unwrap().candidates.is_empty());
}

#[test]
fn scoring_can_be_cancelled() {
    struct Unwanted;
    impl Progress for Unwanted {
        fn report(&self, _done: u64, _total: u64) {}

        fn cancelled(&self) -> bool {
            true
        }
    }
    assert!(matches!(scorer().score(&[("a", "b")], &Unwanted), Err(CheckError::Cancelled)));
}

#[test]
fn scored_files_keep_each_line_and_add_answers() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines: Vec<String> = rows().iter().map(ToString::to_string).collect();
    lines.insert(1, "  ".to_owned());
    lines.insert(
        2,
        r#"{ "x" : NaN,"sentence": "Mice \u0073leep.", "big":123456789012345678901234567890, "ref_paper_text":NaN}"#
            .to_owned(),
    );
    let input = write_lines(folder.path(), "in.jsonl", &lines);
    let output = folder.path().join("out.jsonl");
    let scorer = scorer();
    let done = score_file(&input, &scorer, &output, &Unwatched).unwrap();

    let written = std::fs::read_to_string(&output).unwrap();
    let written: Vec<&str> = written.lines().collect();
    let expected: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!((written.len(), done.rows), (expected.len(), expected.len()));
    let mut citations = 0;
    for (written, source) in written.iter().zip(expected) {
        let answers = written.strip_prefix(source.strip_suffix('}').unwrap()).expect("the line as it was");
        let answers: Value = serde_json::from_str(&format!("{{{}", answers.trim_start_matches(','))).unwrap();
        let probability = answers["probability"].as_f64().unwrap();
        let predicted = u64::from(probability >= scorer.threshold());
        assert_eq!(answers["predicted"].as_u64(), Some(predicted), "{written}");
        citations += usize::try_from(predicted).unwrap();
    }
    assert_eq!(done.citations, citations);

    // Scored again, the answers are replaced, not doubled.
    let again = folder.path().join("again.jsonl");
    score_file(&output, &scorer, &again, &Unwatched).unwrap();
    let keys: Value = serde_json::from_str(std::fs::read_to_string(&again).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(keys.as_object().unwrap().len(), 9);
}

#[test]
fn a_line_that_cannot_be_scored_ends_it_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.jsonl");
    std::fs::write(&output, "old").unwrap();
    let scorer = scorer();
    for (bad, reason) in [
        ("{\"sentence\": null, \"ref_paper_text\": \"x\"}", "there is no sentence"),
        ("{\"sentence\": \"x\"", "not valid JSON"),
        ("[]", "not a JSON object but an array"),
        ("{\"sentence\": 3}", "sentence must be a string, not an integer"),
    ] {
        let lines = ["{\"sentence\": \"a\", \"ref_paper_text\": \"b\"}".to_owned(), String::new(), bad.to_owned()];
        let input = write_lines(folder.path(), "in.jsonl", &lines);
        let failure = score_file(&input, &scorer, &output, &Unwatched).unwrap_err();
        assert!(matches!(failure, ScoreFileError::Line { line: 3, .. }), "{failure}");
        assert!(failure.to_string().contains(reason), "{failure}");
        assert_eq!(std::fs::read_to_string(&output).unwrap(), "old");
    }
    let blank = write_lines(folder.path(), "blank.jsonl", &["\n\n".to_owned()]);
    assert!(matches!(score_file(&blank, &scorer, &output, &Unwatched), Err(ScoreFileError::Empty { .. })));
    let missing = folder.path().join("missing.jsonl");
    assert!(matches!(score_file(&missing, &scorer, &output, &Unwatched), Err(ScoreFileError::File { .. })));
}

#[test]
fn a_model_is_measured_beside_the_baselines() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = rows().iter().map(ToString::to_string).collect();
    let path = write_lines(folder.path(), "data.jsonl", &lines);
    let dataset = Dataset::read(&path, &Unwatched).unwrap();
    let scorer = scorer();
    let report = evaluate(&dataset, Cleaning::default(), &scorer, None, &Unwatched).unwrap();
    assert_eq!((report.rows, report.threshold), (64, 0.5));
    assert_eq!((report.ranking.sentences, report.ranking.chance_top1), (32, 0.5));
    // One true candidate of two: first or second.
    assert_eq!(report.ranking.chance_mrr, 0.75);
    // True candidates repeat their sentence; false ones share no word with it.
    let overlap = report.baselines.word_overlap;
    assert_eq!((overlap.metrics.f1, overlap.roc_auc, overlap.ranking.top1), (1.0, Some(1.0), 1.0));
    let all = report.baselines.all_positive;
    assert_eq!(all.metrics, Metrics { accuracy: 0.5, precision: 0.5, recall: 1.0, f1: 2.0 / 3.0 });
    assert_eq!((all.roc_auc, all.average_precision, all.ranking.top1), (Some(0.5), Some(0.5), 0.5));

    let blocks: Vec<(String, String)> = rows()
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            (text("sentence"), format!("On things. {}", text("ref_paper_text").trim()))
        })
        .collect();
    let probabilities: Vec<f64> =
        scorer.score(&blocks, &Unwatched).unwrap().iter().map(|scored| scored.probability).collect();
    let labels: Vec<bool> = rows().iter().map(|row| row["label"] == 1).collect();
    assert_eq!(report.roc_auc, roc_auc(&labels, &probabilities));
    let interval = report.intervals.roc_auc.unwrap();
    assert!((interval.low..=interval.high).contains(&report.roc_auc.unwrap()) && interval.low < interval.high);

    let everything = evaluate(&dataset, Cleaning::default(), &scorer, Some(0.0), &Unwatched).unwrap();
    assert_eq!(everything.metrics, all.metrics);

    let unlabelled: Vec<String> = rows()
        .into_iter()
        .map(|mut row| {
            row.as_object_mut().unwrap().remove("label");
            row.to_string()
        })
        .collect();
    let dataset = Dataset::read(&write_lines(folder.path(), "bare.jsonl", &unlabelled), &Unwatched).unwrap();
    assert!(matches!(evaluate(&dataset, Cleaning::default(), &scorer, None, &Unwatched), Err(CheckError::Unlabelled)));
}

#[test]
fn commands_print_one_document_and_fail_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let model = model_folder().join("model");
    let model = model.to_str().unwrap();
    let references = write_lines(
        folder.path(),
        "references.jsonl",
        &["{\"ref_paper_title\": \"Stars\"}".to_owned(), "{\"ref_paper_text\": \"Mice sleep.\"}".to_owned()],
    );
    assert_eq!(read_references(&references).unwrap().len(), 2);
    let references = references.to_str().unwrap();
    let checked = citelink(&[
        "check",
        "--model",
        model,
        "--sentence",
        "Mice sleep.",
        "--references",
        references,
        "--json",
        "--device",
        "cpu",
        "--threads",
        "1",
    ]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let document: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(document["threshold"], 0.5);
    assert_eq!(document["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(document["candidates"][0]["rank"], 1);

    let mut csv = "probability,label\n".to_owned();
    for row in 0..40 {
        writeln!(csv, "{},{}", f64::from(row) / 40.0, u8::from(row % 3 == 0)).unwrap();
    }
    let predictions = folder.path().join("p.csv");
    std::fs::write(&predictions, csv).unwrap();
    let swept = citelink(&["sweep", predictions.to_str().unwrap(), "--json"]);
    let document: Value = serde_json::from_slice(&swept.stdout).unwrap();
    let points = document["points"].as_array().unwrap();
    assert_eq!(points.len(), 33);
    let keys: Vec<&str> = points[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["threshold", "accuracy", "precision", "recall", "f1"]);
    assert!(points.contains(&document["best"]));

    let lines: Vec<String> = rows().iter().map(ToString::to_string).collect();
    let data = write_lines(folder.path(), "data.jsonl", &lines);
    let evaluated = citelink(&["evaluate", data.to_str().unwrap(), "--model", model, "--threshold", "0.4", "--json"]);
    let document: Value = serde_json::from_slice(&evaluated.stdout).unwrap();
    assert_eq!((&document["rows"], &document["threshold"]), (&Value::from(64), &Value::from(0.4)));
    for key in ["accuracy", "precision", "recall", "f1", "roc_auc", "average_precision"] {
        assert!(document[key].is_number(), "{key}");
        assert!(document["baselines"]["word_overlap"][key].is_number(), "{key}");
        assert!(document["intervals"][key]["low"].is_number(), "{key}");
    }
    assert_eq!(document["ranking"]["sentences"], 32);

    let missing = citelink(&["score", "/nowhere.jsonl", "--model", model, "--out", "/nowhere/out.jsonl"]);
    assert_eq!((missing.status.code(), missing.stdout.len()), (Some(1), 0));
    let message = String::from_utf8(missing.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("/nowhere.jsonl"), "{message}");
    assert_eq!(citelink(&["sweep", "p.csv", "--points", "0"]).status.code(), Some(2));
}
