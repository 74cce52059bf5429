//! Numbers in the shape of a model's parameters: the parameters themselves, their gradients, an optimizer's moments.

#[cfg(any(test, feature = "cuda"))]
use super::gpu::GpuParameters;
use super::weights::parameters;
use super::{BertConfig, ModelError};
use candle_core::{DType, Device, Tensor, Var};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One number (f32) for each element of each parameter.
#[derive(Debug)]
pub enum ParameterSet {
    /// On the processor: all in one buffer.
    Flat(FlatParameters),
    /// Tensors by name, on any device.
    Tensors(BTreeMap<String, Var>),
    /// On an NVIDIA GPU: all in one buffer.
    #[cfg(any(test, feature = "cuda"))]
    Gpu(GpuParameters),
}

/// All parameters in one buffer, which optimizers and norms go through in one pass.
#[derive(Debug, Clone)]
pub struct FlatParameters {
    layout: Arc<Layout>,
    pub values: Vec<f32>,
}

/// Where each parameter lies in the buffer.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// In the order of the buffer.
    segments: Vec<Segment>,
    /// Index into `segments`.
    by_name: BTreeMap<String, usize>,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub name: String,
    pub shape: Vec<usize>,
    pub range: Range<usize>,
}

impl Layout {
    /// The parameters of a configuration in the order of the forward pass, except that a layer's query, key and value
    /// weights lie side by side, and their biases too, so that one product computes all three.
    #[must_use]
    pub fn new(config: &BertConfig) -> Self {
        let mut parameters = parameters(config);
        let place = |name: &str| match name.split_once(".attention.self.") {
            Some((layer, part)) if part.ends_with("bias") => (layer.len(), 1),
            Some((layer, _)) => (layer.len(), 0),
            None => (0, 0),
        };
        // Six neighbours at a time; the sort is stable.
        for parameters in parameters.chunk_by_mut(|(left, _), (right, _)| place(left).0 > 0 && place(right).0 > 0) {
            parameters.sort_by_key(|(name, _)| place(name));
        }
        let mut end = 0;
        let segments: Vec<Segment> = parameters
            .into_iter()
            .map(|(name, shape)| {
                let start = end;
                end += shape.iter().product::<usize>();
                Segment { name, shape, range: start..end }
            })
            .collect();
        let by_name = segments.iter().enumerate().map(|(index, segment)| (segment.name.clone(), index)).collect();
        Self { segments, by_name }
    }

    /// In the order of the buffer.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The parameter of this name.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`].
    pub fn segment(&self, name: &str) -> Result<&Segment, ModelError> {
        let index = self
            .by_name
            .get(name)
            .ok_or_else(|| ModelError::MissingTensor { path: "the model".into(), name: name.to_owned() })?;
        Ok(&self.segments[*index])
    }

    /// Names and shapes, in the order of the buffer.
    fn shapes(&self) -> Vec<(&str, &[usize])> {
        self.segments.iter().map(|segment| (segment.name.as_str(), segment.shape.as_slice())).collect()
    }

    /// Numbers in all.
    #[must_use]
    pub fn length(&self) -> usize {
        self.segments.last().map_or(0, |segment| segment.range.end)
    }
}

impl FlatParameters {
    /// Zeros.
    #[must_use]
    pub fn zeros(layout: Arc<Layout>) -> Self {
        let values = vec![0.0; layout.length()];
        Self { layout, values }
    }

    /// Where each parameter lies.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }
}

impl ParameterSet {
    /// Zeros of the same shape in the same place.
    ///
    /// # Errors
    /// [`ModelError::Tensor`].
    pub fn zeros_like(&self) -> Result<Self, ModelError> {
        Ok(match self {
            Self::Flat(flat) => Self::Flat(FlatParameters::zeros(flat.layout.clone())),
            Self::Tensors(tensors) => {
                let mut zeros = BTreeMap::new();
                for (name, tensor) in tensors {
                    zeros.insert(name.clone(), Var::zeros(tensor.shape(), DType::F32, tensor.device())?);
                }
                Self::Tensors(zeros)
            }
            #[cfg(any(test, feature = "cuda"))]
            Self::Gpu(parameters) => Self::Gpu(parameters.zeros_like()?),
        })
    }

    /// Names and shapes.
    #[must_use]
    pub fn shapes(&self) -> Vec<(&str, &[usize])> {
        match self {
            Self::Flat(flat) => flat.layout.shapes(),
            Self::Tensors(tensors) => tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.dims())).collect(),
            #[cfg(any(test, feature = "cuda"))]
            Self::Gpu(parameters) => parameters.layout().shapes(),
        }
    }

    /// A copy of one parameter, f32 on the processor.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::Tensor`].
    pub fn tensor(&self, name: &str) -> Result<Tensor, ModelError> {
        match self {
            Self::Flat(flat) => {
                let segment = flat.layout.segment(name)?;
                Ok(Tensor::from_slice(&flat.values[segment.range.clone()], segment.shape.as_slice(), &Device::Cpu)?)
            }
            Self::Tensors(tensors) => {
                let tensor = tensors
                    .get(name)
                    .ok_or_else(|| ModelError::MissingTensor { path: "the model".into(), name: name.to_owned() })?;
                Ok(tensor.as_detached_tensor().copy()?.to_device(&Device::Cpu)?)
            }
            #[cfg(any(test, feature = "cuda"))]
            Self::Gpu(parameters) => {
                let segment = parameters.layout().segment(name)?;
                let values = parameters.read(segment.range.clone())?;
                Ok(Tensor::from_vec(values, segment.shape.as_slice(), &Device::Cpu)?)
            }
        }
    }

    /// Copies a tensor of the same shape, from any device, into one parameter.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::WrongShape`], [`ModelError::Tensor`].
    pub fn set(&mut self, name: &str, tensor: &Tensor) -> Result<(), ModelError> {
        let expected = self.shapes().iter().find(|(known, _)| *known == name).map(|(_, shape)| shape.to_vec());
        match expected {
            None => return Err(ModelError::MissingTensor { path: "the model".into(), name: name.to_owned() }),
            Some(expected) if expected != tensor.dims() => {
                let found = tensor.dims().to_vec();
                return Err(ModelError::WrongShape {
                    path: "the model".into(),
                    name: name.to_owned(),
                    found,
                    expected,
                });
            }
            Some(_) => {}
        }
        let tensor = tensor.to_dtype(DType::F32)?;
        match self {
            Self::Flat(flat) => {
                let range = flat.layout.segment(name)?.range.clone();
                let values: Vec<f32> = tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
                flat.values[range].copy_from_slice(&values);
            }
            Self::Tensors(tensors) => {
                if let Some(variable) = tensors.get(name) {
                    variable.set(&tensor.to_device(variable.device())?.copy()?)?;
                }
            }
            #[cfg(any(test, feature = "cuda"))]
            Self::Gpu(parameters) => {
                let range = parameters.layout().segment(name)?.range.clone();
                let values: Vec<f32> = tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
                parameters.write(range, &values)?;
            }
        }
        Ok(())
    }

    /// Makes all numbers zero.
    ///
    /// # Errors
    /// [`ModelError::Tensor`].
    pub fn clear(&mut self) -> Result<(), ModelError> {
        match self {
            Self::Flat(flat) => {
                use rayon::prelude::*;
                flat.values.par_chunks_mut(1 << 16).for_each(|values| values.fill(0.0));
            }
            Self::Tensors(tensors) => {
                for tensor in tensors.values() {
                    tensor.set(&tensor.as_detached_tensor().zeros_like()?)?;
                }
            }
            #[cfg(any(test, feature = "cuda"))]
            Self::Gpu(parameters) => parameters.clear()?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> BertConfig {
        BertConfig {
            vocab_size: 11,
            hidden_size: 4,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 6,
            ..BertConfig::default()
        }
    }

    #[test]
    fn query_key_and_value_lie_side_by_side() {
        let layout = Layout::new(&config());
        let range = |name: &str| layout.segment(name).unwrap().range.clone();
        for layer in 0..2 {
            let part = |name: &str| range(&format!("bert.encoder.layer.{layer}.attention.self.{name}"));
            for kind in ["weight", "bias"] {
                let [query, key, value] = ["query", "key", "value"].map(|name| part(&format!("{name}.{kind}")));
                assert_eq!((query.end, key.end), (key.start, value.start));
            }
        }
        let mut end = 0;
        for segment in layout.segments() {
            assert_eq!(segment.range.start, end);
            assert_eq!(segment.range.len(), segment.shape.iter().product::<usize>());
            end = segment.range.end;
        }
        assert_eq!(layout.length(), end);
        assert_eq!(layout.segments().len(), parameters(&config()).len());
    }

    #[test]
    fn tensors_go_in_and_come_out() {
        let flat = FlatParameters::zeros(Arc::new(Layout::new(&config())));
        let variable = Var::zeros(2, DType::F32, &Device::Cpu).unwrap();
        let sets =
            [ParameterSet::Flat(flat), ParameterSet::Tensors(BTreeMap::from([("classifier.bias".into(), variable)]))];
        for mut set in sets {
            let tensor = Tensor::new(&[1.5f32, -2.0], &Device::Cpu).unwrap();
            set.set("classifier.bias", &tensor).unwrap();
            let found = |set: &ParameterSet| set.tensor("classifier.bias").unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(found(&set), [1.5, -2.0]);
            assert_eq!(found(&set.zeros_like().unwrap()), [0.0, 0.0]);
            assert!(matches!(set.set("nothing", &tensor), Err(ModelError::MissingTensor { .. })));
            let long = Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap();
            assert!(matches!(set.set("classifier.bias", &long), Err(ModelError::WrongShape { .. })));
            set.clear().unwrap();
            assert_eq!(found(&set), [0.0, 0.0]);
        }
    }
}
