//! Named tensors, read from `.safetensors` and both layouts of `pytorch_model.bin`.

use super::{BertConfig, ModelError, counter_random, safetensors_file, torch_file};
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// f32 tensors on the processor by Hugging Face's names (`bert.*`, `classifier.*`), old names translated.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    pub tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Reads a weights file of either kind and checks every declared size before allocating. Tensors that the classifier
    /// has no use for (the masked-language-model head, position numbers) are left out. The list of parts of a sharded
    /// `.safetensors` file (`model.safetensors.index.json`) stands for its parts.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::Malformed`].
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let file_error = |source| ModelError::File { path: path.to_owned(), source };
        if path.extension().is_some_and(|extension| extension == "json") {
            return safetensors_file::read_parts(path);
        }
        let file = File::open(path).map_err(file_error)?;
        let length = file.metadata().map_err(file_error)?.len();
        let mut reader = BufReader::new(file);
        let mut weights = Self::default();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            safetensors_file::read(&mut reader, length, path, &mut weights)?;
        } else {
            torch_file::read(&mut reader, length, path, &mut weights)?;
        }
        Ok(weights)
    }

    /// Reads a `.safetensors` file that is already in memory, copying nothing but the tensors themselves.
    ///
    /// # Errors
    /// [`ModelError::Malformed`], naming `origin`.
    pub fn from_safetensors(bytes: &[u8], origin: &Path) -> Result<Self, ModelError> {
        let mut weights = Self::default();
        safetensors_file::read(&mut std::io::Cursor::new(bytes), bytes.len() as u64, origin, &mut weights)?;
        Ok(weights)
    }

    /// Adds a tensor that a file calls `name`; `name` has already been translated.
    ///
    /// # Errors
    /// [`ModelError::Malformed`] where the name is there already or the values do not fill the shape.
    pub(super) fn insert(
        &mut self,
        name: String,
        shape: &[usize],
        values: Vec<f32>,
        origin: &Path,
    ) -> Result<(), ModelError> {
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).map_err(|failure| ModelError::Malformed {
            path: origin.to_owned(),
            reason: format!("tensor {name}: {failure}"),
        })?;
        if self.tensors.contains_key(&name) {
            return Err(ModelError::Malformed {
                path: origin.to_owned(),
                reason: format!("it has two tensors {name}"),
            });
        }
        self.tensors.insert(name, tensor);
        Ok(())
    }

    /// Random weights of a shape, as Hugging Face initialises BERT: N(0, `initializer_range`) for matrices and
    /// embeddings (zero for the padding token), zero biases, one for `LayerNorm` weights. Same seed, same weights.
    #[must_use]
    pub fn random(config: &BertConfig, seed: u64) -> Self {
        Self::filled(config, |name, shape| random_values(name, shape, config, seed))
    }

    /// All parameters of a shape, each with the values that `values` gives for its name and shape, row after row.
    pub(super) fn filled(config: &BertConfig, values: impl Fn(&str, &[usize]) -> Vec<f32>) -> Self {
        let tensors = parameters(config)
            .into_iter()
            .filter_map(|(name, shape)| {
                // The tensor library refuses a shape for none of `parameters`.
                let tensor = Tensor::from_vec(values(&name, &shape), shape, &Device::Cpu).ok()?;
                Some((name, tensor))
            })
            .collect();
        Self { tensors }
    }

    /// Adds what a base model lacks (classifier, pooler) from [`random`](Self::random), drops what is not the
    /// classifier's (the masked-language-model head), and checks every shape.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`] for anything but classifier and pooler, [`ModelError::WrongShape`].
    pub fn complete(&mut self, config: &BertConfig, seed: u64, origin: &Path) -> Result<(), ModelError> {
        let expected = parameters(config);
        // Shapes first: a missing tensor is made only once the file's own tensors have confirmed the configuration.
        for (name, shape) in &expected {
            match self.tensors.get(name) {
                Some(tensor) if tensor.dims() == shape.as_slice() => {}
                Some(tensor) => {
                    return Err(ModelError::WrongShape {
                        path: origin.to_owned(),
                        name: name.clone(),
                        found: tensor.dims().to_vec(),
                        expected: shape.clone(),
                    });
                }
                None if name.starts_with("classifier.") || name.starts_with("bert.pooler.") => {}
                None => return Err(ModelError::MissingTensor { path: origin.to_owned(), name: name.clone() }),
            }
        }
        let mut found = std::mem::take(&mut self.tensors);
        for (name, shape) in expected {
            let values = || random_values(&name, &shape, config, seed);
            let missing = || Tensor::from_vec(values(), shape.as_slice(), &Device::Cpu).ok();
            if let Some(tensor) = found.remove(&name).or_else(missing) {
                self.tensors.insert(name, tensor);
            }
        }
        Ok(())
    }

    /// Writes `model.safetensors` (atomically, with `format: pt` metadata).
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        safetensors_file::write(path, &self.tensors, &serde_json::json!({"format": "pt"}))
            .map_err(|source| ModelError::File { path: path.to_owned(), source })
    }
}

/// A file's name for a tensor, as this program calls it; None for what the classifier has no use for.
///
/// Checkpoints from before 2019 write `gamma` and `beta`; a bare `BertModel` leaves out the `bert.` prefix; one saved
/// from `PyTorch`'s data-parallel wrapper carries `module.`.
pub(super) fn translate(name: &str) -> Option<String> {
    let name = name.strip_prefix("module.").unwrap_or(name);
    let name = match name.rsplit_once('.') {
        Some((owner, "gamma")) => format!("{owner}.weight"),
        Some((owner, "beta")) => format!("{owner}.bias"),
        _ => name.to_owned(),
    };
    if name.ends_with("embeddings.position_ids") || name.ends_with("embeddings.token_type_ids") {
        return None;
    }
    let is_inner = ["embeddings.", "encoder.", "pooler."].iter().any(|part| name.starts_with(part));
    match name {
        name if name.starts_with("bert.") || name.starts_with("classifier.") => Some(name),
        name if is_inner => Some(format!("bert.{name}")),
        _ => None,
    }
}

/// Names and shapes of the classifier's parameters, in the order of the forward pass.
#[must_use]
pub fn parameters(config: &BertConfig) -> Vec<(String, Vec<usize>)> {
    let hidden = config.hidden_size;
    let mut list = Vec::new();
    let mut add = |name: String, shape: &[usize]| list.push((name, shape.to_vec()));
    for (name, rows) in [
        ("word_embeddings", config.vocab_size),
        ("position_embeddings", config.max_position_embeddings),
        ("token_type_embeddings", config.type_vocab_size),
    ] {
        add(format!("bert.embeddings.{name}.weight"), &[rows, hidden]);
    }
    add("bert.embeddings.LayerNorm.weight".to_owned(), &[hidden]);
    add("bert.embeddings.LayerNorm.bias".to_owned(), &[hidden]);
    for layer in 0..config.num_hidden_layers {
        let layer = format!("bert.encoder.layer.{layer}");
        for (name, outputs, inputs) in [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", config.intermediate_size, hidden),
            ("output.dense", hidden, config.intermediate_size),
        ] {
            add(format!("{layer}.{name}.weight"), &[outputs, inputs]);
            add(format!("{layer}.{name}.bias"), &[outputs]);
        }
        for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
            add(format!("{layer}.{name}.weight"), &[hidden]);
            add(format!("{layer}.{name}.bias"), &[hidden]);
        }
    }
    add("bert.pooler.dense.weight".to_owned(), &[hidden, hidden]);
    add("bert.pooler.dense.bias".to_owned(), &[hidden]);
    add("classifier.weight".to_owned(), &[2, hidden]);
    add("classifier.bias".to_owned(), &[2]);
    list
}

/// One parameter's values in [`Weights::random`].
pub(super) fn random_values(name: &str, shape: &[usize], config: &BertConfig, seed: u64) -> Vec<f32> {
    let count = shape.iter().product();
    if name.ends_with("LayerNorm.weight") {
        return vec![1.0; count];
    }
    if name.rsplit('.').next() == Some("bias") {
        return vec![0.0; count];
    }
    let mut values = normal(count, config.initializer_range, seed, site(name));
    if name == "bert.embeddings.word_embeddings.weight" {
        let row = config.pad_token_id as usize * config.hidden_size;
        values[row..row + config.hidden_size].fill(0.0);
    }
    values
}

/// Normally distributed values by the Box–Muller transform, each from its own counter.
pub(super) fn normal(count: usize, deviation: f64, seed: u64, site: u64) -> Vec<f32> {
    // 53 random bits as a number in (0, 1], where the logarithm is finite.
    let uniform = |index: u64| ((counter_random(seed, 0, site, index) >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    (0..count as u64)
        .into_par_iter()
        .map(|index| {
            let radius = (-2.0 * uniform(2 * index).ln()).sqrt();
            let angle = std::f64::consts::TAU * uniform(2 * index + 1);
            (deviation * radius * angle.cos()) as f32
        })
        .collect()
}

/// A number for a parameter's name (64-bit FNV-1a), so that its values do not depend on which others there are.
pub(super) fn site(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
