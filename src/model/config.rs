//! Hugging Face's `config.json` for BERT.

use super::ModelError;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The shape of a BERT model.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct BertConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    /// Only `gelu` (erf) is supported.
    pub hidden_act: String,
    pub hidden_dropout_prob: f64,
    pub attention_probs_dropout_prob: f64,
    pub max_position_embeddings: usize,
    pub type_vocab_size: usize,
    pub initializer_range: f64,
    pub layer_norm_eps: f64,
    pub pad_token_id: u32,
    /// The file's other fields, kept for whoever reads the saved model.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for BertConfig {
    fn default() -> Self {
        Self {
            vocab_size: 30_522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            hidden_act: "gelu".to_owned(),
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: 0,
            other: Map::new(),
        }
    }
}

impl BertConfig {
    /// Reads and checks `config.json` (`origin` is named in errors).
    ///
    /// # Errors
    /// [`ModelError::Malformed`] for anything that is not a BERT shape within sane limits.
    pub fn from_json(json: &[u8], origin: &Path) -> Result<Self, ModelError> {
        let malformed = |reason: String| ModelError::Malformed { path: origin.to_owned(), reason };
        let document: Map<String, Value> =
            serde_json::from_slice(json).map_err(|failure| malformed(format!("it is no JSON object ({failure})")))?;
        match document.get("model_type") {
            Some(Value::String(kind)) if kind == "bert" => {}
            Some(kind) => return Err(malformed(format!("the model is of type {kind}; only bert can be used"))),
            // Files from before 2020 do not name the type.
            None if document.contains_key("vocab_size") && document.contains_key("hidden_size") => {}
            None => return Err(malformed("it does not describe a BERT model".to_owned())),
        }
        // Explicit nulls stand for the default, as in Python.
        let given = document.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let config: Self =
            serde_json::from_value(Value::Object(given)).map_err(|failure| malformed(failure.to_string()))?;
        config.check().map_err(malformed)?;
        Ok(config)
    }

    /// The whole `config.json` of a classifier of this shape, for Hugging Face to read.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut document = Map::new();
        document.insert("architectures".to_owned(), json!(["BertForSequenceClassification"]));
        document.insert("model_type".to_owned(), json!("bert"));
        // A struct of numbers, strings and JSON values always becomes a JSON object.
        if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
            for (name, value) in fields {
                if !REPLACED_FIELDS.contains(&name.as_str()) {
                    document.insert(name, value);
                }
            }
        }
        document.insert("id2label".to_owned(), json!({"0": "NOT_CITATION", "1": "CITATION"}));
        document.insert("label2id".to_owned(), json!({"NOT_CITATION": 0, "CITATION": 1}));
        document.insert("dtype".to_owned(), json!("float32"));
        Value::Object(document)
    }

    /// What makes the shape one that cannot be computed, in words.
    fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: usize, least: usize, most: usize| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(format!("{name} is {value}, where {least} to {most} makes sense"))
            }
        };
        within("vocab_size", self.vocab_size, 5, 2_000_000)?;
        within("hidden_size", self.hidden_size, 1, 16_384)?;
        within("num_hidden_layers", self.num_hidden_layers, 1, 256)?;
        within("num_attention_heads", self.num_attention_heads, 1, 1024)?;
        within("intermediate_size", self.intermediate_size, 1, 131_072)?;
        within("max_position_embeddings", self.max_position_embeddings, 8, 65_536)?;
        within("type_vocab_size", self.type_vocab_size, 2, 1024)?;
        within("pad_token_id", self.pad_token_id as usize, 0, self.vocab_size - 1)?;
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err(format!(
                "hidden_size {} cannot be shared out among {} attention heads",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if self.hidden_act != "gelu" {
            return Err(format!("the activation {} is not supported, only gelu", self.hidden_act));
        }
        for (name, value, least, below) in [
            ("hidden_dropout_prob", self.hidden_dropout_prob, 0.0, 1.0),
            ("attention_probs_dropout_prob", self.attention_probs_dropout_prob, 0.0, 1.0),
            ("initializer_range", self.initializer_range, 0.0, 10.0),
            ("layer_norm_eps", self.layer_norm_eps, 0.0, 1.0),
        ] {
            if !(least..below).contains(&value) {
                return Err(format!("{name} is {value}, where {least} to {below} makes sense"));
            }
        }
        match self.other.get("position_embedding_type") {
            None => {}
            Some(Value::String(kind)) if kind == "absolute" => {}
            Some(kind) => return Err(format!("position embeddings of type {kind} are not supported, only absolute")),
        }
        for switch in ["is_decoder", "add_cross_attention"] {
            if self.other.get(switch) == Some(&Value::Bool(true)) {
                return Err(format!("{switch} is true, but only encoders are supported"));
            }
        }
        Ok(())
    }
}

/// Fields of a base model's file that do not hold for the classifier made from it.
const REPLACED_FIELDS: [&str; 14] = [
    "_name_or_path",
    "architectures",
    "dtype",
    "finetuning_task",
    "id2label",
    "label2id",
    "max_length",
    "model_type",
    "num_labels",
    "problem_type",
    "quantization_config",
    "torch_dtype",
    "transformers_version",
    "auto_map",
];
