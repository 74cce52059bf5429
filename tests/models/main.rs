//! Model folders: what `PyTorch` and Hugging Face write, what this program writes, and what is damaged.

use citelink::model::{BertConfig, InferenceConfig, ModelError, ModelSource, SavedModel, Weights, parameters};
use citelink::progress::Unwatched;
use std::path::{Path, PathBuf};

mod hub;
mod mutations;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(name)
}

/// Element `place` of every tensor that `goldens/model_folders.py` made, given the length of the tensor's name.
fn golden_value(name: &str, place: usize) -> f32 {
    ((place * 37 + 11 * name.len()) % 101) as f32 / 64.0 - 50.0 / 64.0
}

fn assert_golden(model: &SavedModel, folder: &str) {
    for (name, tensor) in &model.weights.tensors {
        let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        for (place, value) in values.into_iter().enumerate() {
            assert_eq!(value, golden_value(name, place), "{folder}: element {place} of {name}");
        }
    }
}

#[test]
fn folders_of_every_kind_open() {
    for (folder, has_pooler, has_classifier) in [
        ("hugging_face", true, true),
        ("old_layout", false, false),
        ("zip_half", true, false),
        ("zip_views", true, true),
        ("old_views", true, true),
        ("parts", true, true),
    ] {
        let path = fixture(folder);
        let mut model = SavedModel::open(&path).unwrap();
        assert_golden(&model, folder);
        assert_eq!(model.weights.tensors.contains_key("bert.pooler.dense.weight"), has_pooler, "{folder}");
        assert_eq!(model.weights.tensors.contains_key("classifier.weight"), has_classifier, "{folder}");
        assert_eq!(model.tokenizer.encode("The model", "cites the paper.", 16).unwrap().ids.len(), 9, "{folder}");
        model.weights.complete(&model.config, 1, &path).unwrap();
        let expected = parameters(&model.config);
        assert_eq!(model.weights.tensors.len(), expected.len());
        for (name, shape) in expected {
            assert_eq!(model.weights.tensors[&name].dims(), shape, "{folder}: {name}");
        }
    }
}

#[test]
fn the_folder_that_hugging_face_wrote_keeps_its_settings() {
    let model = SavedModel::open(&fixture("hugging_face")).unwrap();
    assert_eq!(model.threshold(), 0.25);
    assert_eq!(model.max_length(), 16);
    let inference = model.inference.unwrap();
    assert_eq!((inference.learning_rate, inference.num_epochs, inference.batch_size), (2e-5, 4, 8));
    assert_eq!(inference.label2id["CITATION"], 1);
    let base = SavedModel::open(&fixture("old_layout")).unwrap();
    assert_eq!((base.threshold(), base.max_length(), base.inference), (0.5, 16, None));
}

#[test]
fn what_is_saved_opens_again_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let model = SavedModel::open(&fixture("hugging_face")).unwrap();
    model.save(folder.path()).unwrap();
    let again = SavedModel::open(folder.path()).unwrap();
    assert_golden(&again, "saved");
    assert_eq!(again.weights.tensors.len(), model.weights.tensors.len());
    assert_eq!(again.inference, model.inference);
    assert_eq!(again.config.vocab_size, model.config.vocab_size);

    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"], serde_json::json!(["BertForSequenceClassification"]));
    assert_eq!(config["model_type"], "bert");
    assert_eq!(config["id2label"], serde_json::json!({"0": "NOT_CITATION", "1": "CITATION"}));
    assert_eq!(config["use_cache"], true, "a field of the base model that this program does not know");
    for (name, value) in [("hidden_size", 8), ("num_hidden_layers", 1), ("vocab_size", 63)] {
        assert_eq!(config[name], value);
    }
    assert!(config.get("max_length").is_none() && config.get("transformers_version").is_none());
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "config.json",
            "inference_config.json",
            "model.safetensors",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.txt"
        ]
    );

    // Saved as a base model, the threshold of what was there before does not stay.
    SavedModel { inference: None, ..model }.save(folder.path()).unwrap();
    assert_eq!(InferenceConfig::read(folder.path()).unwrap(), None);
}

#[test]
fn a_base_models_missing_parts_are_random_and_reproducible() {
    let path = fixture("old_layout");
    let values = |seed| {
        let mut model = SavedModel::open(&path).unwrap();
        model.weights.complete(&model.config, seed, &path).unwrap();
        let classifier = model.weights.tensors.remove("classifier.weight").unwrap();
        let bias: Vec<f32> = model.weights.tensors["classifier.bias"].to_vec1().unwrap();
        assert_eq!(bias, [0.0, 0.0]);
        classifier.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(values(42), values(42));
    assert_ne!(values(42), values(43));
    assert!(values(42).iter().all(|value| value.abs() < 0.2 && *value != 0.0));
}

#[test]
fn random_weights_are_distributed_as_bert_initialises() {
    let config = BertConfig { vocab_size: 200, hidden_size: 64, num_hidden_layers: 1, ..BertConfig::default() };
    let weights = Weights::random(&config, 3);
    let table = &weights.tensors["bert.embeddings.position_embeddings.weight"];
    let values: Vec<f32> = table.flatten_all().unwrap().to_vec1().unwrap();
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / values.len() as f64;
    // 512 × 64 values: the standard errors are 0.0001 and 0.4 %.
    assert!(mean.abs() < 0.0006, "{mean}");
    assert!((variance.sqrt() - 0.02).abs() < 0.0005, "{}", variance.sqrt());
    let words = &weights.tensors["bert.embeddings.word_embeddings.weight"];
    assert!(words.get(0).unwrap().to_vec1::<f32>().unwrap().iter().all(|&value| value == 0.0), "the padding token");
    assert!(words.get(1).unwrap().to_vec1::<f32>().unwrap().iter().all(|&value| value != 0.0));
    let norm: Vec<f32> = weights.tensors["bert.embeddings.LayerNorm.weight"].to_vec1().unwrap();
    assert!(norm.iter().all(|&value| value == 1.0));
}

#[test]
fn a_missing_tensor_and_a_wrong_shape_are_named() {
    let path = fixture("hugging_face");
    let mut model = SavedModel::open(&path).unwrap();
    let query = "bert.encoder.layer.0.attention.self.query.weight";
    let tensor = model.weights.tensors.remove(query).unwrap();
    let failure = model.weights.clone().complete(&model.config, 0, &path).unwrap_err();
    assert!(matches!(&failure, ModelError::MissingTensor { name, .. } if name == query));
    assert!(failure.to_string().contains(query) && failure.to_string().contains("hugging_face"), "{failure}");

    model.weights.tensors.insert(query.to_owned(), tensor.narrow(0, 0, 4).unwrap());
    let failure = model.weights.complete(&model.config, 0, &path).unwrap_err();
    assert!(failure.to_string().contains("[4, 8]") && failure.to_string().contains("[8, 8]"), "{failure}");
}

#[test]
fn models_are_named_by_folder_hub_id_or_bundled() {
    assert_eq!(ModelSource::parse("bundled"), ModelSource::Bundled);
    assert_eq!(
        ModelSource::parse("allenai/scibert_scivocab_uncased"),
        ModelSource::Hub("allenai/scibert_scivocab_uncased".to_owned())
    );
    assert_eq!(ModelSource::parse("bert-base-uncased"), ModelSource::Hub("bert-base-uncased".to_owned()));
    assert_eq!(ModelSource::parse("tests/fixtures"), ModelSource::Folder(PathBuf::from("tests/fixtures")));
    assert_eq!(ModelSource::parse("/no/such/model"), ModelSource::Folder(PathBuf::from("/no/such/model")));

    let path = fixture("hugging_face");
    let loaded = ModelSource::parse(path.to_str().unwrap()).load(&Unwatched).unwrap();
    assert_eq!(loaded.name, path.display().to_string());
    assert_eq!(ModelSource::Bundled.load(&Unwatched).unwrap().name, "bundled");
}

#[test]
fn folders_that_are_no_models_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| SavedModel::open(path).unwrap_err().to_string();
    assert!(message(Path::new("/no/such/folder")).contains("no such folder"));
    assert!(message(folder.path()).contains("no config.json"));
    std::fs::create_dir(folder.path().join("best")).unwrap();
    std::fs::copy(fixture("hugging_face/config.json"), folder.path().join("best/config.json")).unwrap();
    let best = folder.path().join("best");
    assert!(message(folder.path()).contains(best.to_str().unwrap()), "a run folder leads to its best model");
    assert!(message(&best).contains("tokenizer.json"));
    std::fs::copy(fixture("hugging_face/tokenizer.json"), best.join("tokenizer.json")).unwrap();
    assert!(message(&best).contains("model.safetensors"));

    std::fs::write(best.join("config.json"), r#"{"model_type": "roberta"}"#).unwrap();
    assert!(message(&best).contains("roberta"));
}
