//! Where each module's parameters lie in the flat buffer.

use crate::model::ModelError;
use crate::model::parameter_set::Layout;
use std::ops::Range;

/// Weight (outputs × inputs, or LayerNorm's) and bias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::model) struct Place {
    pub weight: Range<usize>,
    pub bias: Range<usize>,
}

/// One layer.
#[derive(Debug, Clone)]
pub(in crate::model) struct LayerPlaces {
    pub query: Place,
    /// Keys before values.
    pub key_value: Place,
    pub attention_output: Place,
    pub attention_norm: Place,
    pub intermediate: Place,
    pub output: Place,
    pub output_norm: Place,
}

/// The whole model.
#[derive(Debug, Clone)]
pub(in crate::model) struct Places {
    pub words: Range<usize>,
    pub positions: Range<usize>,
    pub types: Range<usize>,
    pub embedding_norm: Place,
    pub layers: Vec<LayerPlaces>,
    pub pooler: Place,
    pub classifier: Place,
}

impl Places {
    pub(in crate::model) fn new(layout: &Layout, layers: usize) -> Result<Self, ModelError> {
        let range = |name: String| Ok::<_, ModelError>(layout.segment(&name)?.range.clone());
        let table = |name: &str| range(format!("bert.embeddings.{name}.weight"));
        let place = |name: &str| {
            Ok::<_, ModelError>(Place {
                weight: range(format!("{name}.weight"))?,
                bias: range(format!("{name}.bias"))?,
            })
        };
        let layer = |number: usize| {
            let part = |name: &str| place(&format!("bert.encoder.layer.{number}.{name}"));
            let (key, value) = (part("attention.self.key")?, part("attention.self.value")?);
            Ok::<_, ModelError>(LayerPlaces {
                query: part("attention.self.query")?,
                // They lie side by side (`Layout::new`).
                key_value: Place { weight: key.weight.start..value.weight.end, bias: key.bias.start..value.bias.end },
                attention_output: part("attention.output.dense")?,
                attention_norm: part("attention.output.LayerNorm")?,
                intermediate: part("intermediate.dense")?,
                output: part("output.dense")?,
                output_norm: part("output.LayerNorm")?,
            })
        };
        Ok(Self {
            words: table("word_embeddings")?,
            positions: table("position_embeddings")?,
            types: table("token_type_embeddings")?,
            embedding_norm: place("bert.embeddings.LayerNorm")?,
            layers: (0..layers).map(layer).collect::<Result<_, _>>()?,
            pooler: place("bert.pooler.dense")?,
            classifier: place("classifier")?,
        })
    }
}

/// Several parameters' parts of a buffer, to be written.
pub(in crate::model) fn parts<'a, const COUNT: usize>(
    values: &'a mut [f32],
    places: [&Range<usize>; COUNT],
) -> [&'a mut [f32]; COUNT] {
    // Different parameters do not overlap, and the buffer has the layout's length: this cannot fail.
    values.get_disjoint_mut(places.map(Clone::clone)).expect("parameters are disjoint parts of the buffer")
}
