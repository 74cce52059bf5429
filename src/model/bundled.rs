//! The model embedded in the program: the files of `assets/model`, which `citelink create` and `citelink train` made.

use super::folder::check_vocabulary;
use super::{BertConfig, InferenceConfig, ModelError, SavedModel, Weights};
use crate::pairs::PairTokenizer;
use std::path::Path;

/// What the model calls itself.
pub(super) const BUNDLED: &str = "bundled";

static CONFIG: &[u8] = include_bytes!("../../assets/model/config.json");
static TOKENIZER: &[u8] = include_bytes!("../../assets/model/tokenizer.json");
static WEIGHTS: &[u8] = include_bytes!("../../assets/model/model.safetensors");
static INFERENCE: &[u8] = include_bytes!("../../assets/model/inference_config.json");

/// Opens the embedded model; the weights are read where they lie in the program.
pub(super) fn open() -> Result<SavedModel, ModelError> {
    let file = |name: &str| Path::new(BUNDLED).join(name);
    let config = BertConfig::from_json(CONFIG, &file("config.json"))?;
    let tokenizer = PairTokenizer::from_json(TOKENIZER, &file("tokenizer.json"))?;
    check_vocabulary(&tokenizer, &config, Path::new(BUNDLED))?;
    let weights = Weights::from_safetensors(WEIGHTS, &file("model.safetensors"))?;
    let inference = InferenceConfig::from_json(INFERENCE, &file("inference_config.json"))?;
    Ok(SavedModel { name: BUNDLED.to_owned(), config, weights, tokenizer, inference: Some(inference) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_whole() {
        let mut model = open().unwrap();
        let names: Vec<String> = model.weights.tensors.keys().cloned().collect();
        model.weights.complete(&model.config, 0, Path::new(BUNDLED)).unwrap();
        assert!(names.iter().eq(model.weights.tensors.keys()), "complete has nothing to add and nothing to drop");
        assert!(model.max_length() <= crate::pairs::MAX_LENGTH);
    }
}
