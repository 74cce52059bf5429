//! Which of the two logits is the citation's: decided by the names that a model's files give the classes.

use super::inference_config::{INFERENCE_CONFIG, id_to_label, label_to_id};
use super::{BertConfig, InferenceConfig, ModelError, SavedModel};
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::path::Path;

/// What a file says of the order of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Nothing, or no more than Hugging Face's `LABEL_0` and `LABEL_1`.
    Unnamed,
    /// Class 1 is the citation.
    Usual,
    /// Class 0 is the citation.
    Reversed,
}

/// Puts the classes of an opened classifier into the usual order, 0 `NOT_CITATION` and 1 `CITATION`: where its files name
/// them the other way round, the rows of the classifier change places. `config.json` decides before
/// `inference_config.json`. A base model has no classes yet, and those of a model for something else are left alone: it
/// can be fine-tuned, but [`SavedModel::check_classes`] refuses to score with it.
///
/// # Errors
/// [`ModelError::Malformed`] where the two files contradict each other, [`ModelError::Tensor`].
pub(super) fn put_in_order(model: &mut SavedModel, folder: &Path) -> Result<(), ModelError> {
    if !model.weights.tensors.contains_key("classifier.weight") {
        return Ok(());
    }
    let order = match (of_config(&model.config), of_inference(model.inference.as_ref())) {
        (Err(_), _) | (_, Err(_)) => return Ok(()),
        (Ok(Order::Unnamed), Ok(order)) | (Ok(order), Ok(Order::Unnamed)) => order,
        (Ok(one), Ok(other)) if one == other => one,
        _ => {
            return Err(ModelError::Malformed {
                path: folder.join(INFERENCE_CONFIG),
                reason: "its id2label has the classes in another order than that of config.json: correct the one that \
                         is wrong"
                    .to_owned(),
            });
        }
    };
    if order == Order::Reversed {
        for name in ["classifier.weight", "classifier.bias"] {
            // A tensor of another shape is an error that has its own message.
            if let Some(tensor) = model.weights.tensors.get_mut(name).filter(|tensor| tensor.dims().first() == Some(&2))
            {
                *tensor = Tensor::cat(&[tensor.narrow(0, 1, 1)?, tensor.narrow(0, 0, 1)?], 0)?;
            }
        }
        tracing::info!("{} has its classes in reverse; they were put in order", folder.display());
    }
    // What is known of the model from here on is said in the usual order.
    model.config.other.remove("id2label");
    model.config.other.remove("label2id");
    if let Some(inference) = &mut model.inference {
        inference.id2label = id_to_label();
        inference.label2id = label_to_id();
    }
    Ok(())
}

impl SavedModel {
    /// Whether the model's two classes are citation or not.
    ///
    /// # Errors
    /// [`ModelError::Malformed`], naming the file and the field that says otherwise.
    pub fn check_classes(&self) -> Result<(), ModelError> {
        let malformed = |file: &str| {
            let path = Path::new(&self.name).join(file);
            move |reason| ModelError::Malformed { path, reason }
        };
        of_config(&self.config).map_err(malformed("config.json"))?;
        of_inference(self.inference.as_ref()).map_err(malformed(INFERENCE_CONFIG))?;
        Ok(())
    }
}

fn of_config(config: &BertConfig) -> Result<Order, String> {
    match (config.other.get("id2label"), config.other.get("num_labels")) {
        (Some(names), _) => {
            let names: BTreeMap<String, String> = serde_json::from_value(names.clone())
                .map_err(|failure| format!("its id2label does not name classes: {failure}"))?;
            order_of(&names)
        }
        (None, Some(count)) if count.as_u64() != Some(2) => {
            Err(format!("its num_labels is {count}, where the 2 classes of citation or not are needed"))
        }
        _ => Ok(Order::Unnamed),
    }
}

fn of_inference(inference: Option<&InferenceConfig>) -> Result<Order, String> {
    inference.map_or(Ok(Order::Unnamed), |inference| order_of(&inference.id2label))
}

fn order_of(names: &BTreeMap<String, String>) -> Result<Order, String> {
    let listed: Vec<(&str, String)> =
        names.iter().map(|(id, name)| (id.as_str(), name.trim().to_uppercase().replace([' ', '-'], "_"))).collect();
    let listed: Vec<(&str, &str)> = listed.iter().map(|(id, name)| (*id, name.as_str())).collect();
    match listed.as_slice() {
        [("0", "NOT_CITATION"), ("1", "CITATION")] => Ok(Order::Usual),
        [("0", "CITATION"), ("1", "NOT_CITATION")] => Ok(Order::Reversed),
        [] | [("0", "LABEL_0"), ("1", "LABEL_1")] => Ok(Order::Unnamed),
        _ => {
            let found: Vec<String> = names.iter().map(|(id, name)| format!("{id}: {name}")).collect();
            Err(format!(
                "its id2label is {{{}}}, where NOT_CITATION and CITATION are needed: the model was trained for \
                 something else",
                found.join(", ")
            ))
        }
    }
}
