//! `checkpoint.safetensors`: a trainer's full state in one file.
//!
//! The tensors (parameters and both moments, f32) are the file's tensors, the position is the entry `position` of its
//! metadata. Both ways one tensor is in memory at a time beside the state itself.

use super::RunError;
use crate::model::write_safetensors;
use crate::training::TrainerState;
use candle_core::{Device, Tensor};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// The largest header that is believed, as in the reference implementation of safetensors.
const LARGEST_HEADER: u64 = 100_000_000;

/// Bytes of an f32.
const SIZE: usize = 4;

/// Writes the state to a temporary name and renames it into place; the earlier checkpoint stays where that fails.
///
/// # Errors
/// [`RunError::File`].
pub(super) fn write_checkpoint(path: &Path, state: &TrainerState) -> Result<(), RunError> {
    write_safetensors(path, &state.tensors, &serde_json::json!({"position": state.position.to_string()}))
        .map_err(|source| RunError::File { path: path.to_owned(), source })
}

/// Reads a state; None where there is no checkpoint.
///
/// # Errors
/// [`RunError::File`], [`RunError::Malformed`] where the file is not one that [`write_checkpoint`] wrote.
pub(super) fn read_checkpoint(path: &Path) -> Result<Option<TrainerState>, RunError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => RunError::Malformed {
            path: path.to_owned(),
            reason: format!("it is no checkpoint ({source}); delete it to train from the start"),
        },
        _ => RunError::File { path: path.to_owned(), source },
    };
    match File::open(path) {
        Ok(file) => read_state(file).map(Some).map_err(failed),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(source)),
    }
}

/// A tensor's place in the file.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

fn read_state(file: File) -> io::Result<TrainerState> {
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let mut size = [0; 8];
    file.read_exact(&mut size)?;
    let size = u64::from_le_bytes(size);
    if size > LARGEST_HEADER || size + 8 > length {
        return Err(invalid("its header is longer than the file"));
    }
    let mut header = vec![0; size as usize];
    file.read_exact(&mut header)?;
    let mut header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&header)?;
    let position = header
        // The order of the others is that of the file's data.
        .shift_remove("__metadata__")
        .and_then(|metadata| metadata["position"].as_str().map(serde_json::from_str))
        .ok_or_else(|| invalid("it has no position"))??;
    let mut tensors = BTreeMap::new();
    let mut end = 0_usize;
    for (name, entry) in header {
        let Entry { dtype, shape, data_offsets } = serde_json::from_value(entry)?;
        let elements = shape.iter().try_fold(1, |product: usize, &side| product.checked_mul(side));
        let bytes = elements.and_then(|elements| elements.checked_mul(SIZE));
        let fits = bytes.is_some_and(|bytes| data_offsets == [end, end.saturating_add(bytes)]);
        end = data_offsets[1];
        if dtype != "F32" || !fits || end as u64 > length - size - 8 {
            return Err(invalid(&format!("tensor {name} is out of place")));
        }
        let mut bytes = vec![0; data_offsets[1] - data_offsets[0]];
        file.read_exact(&mut bytes)?;
        let (chunks, _) = bytes.as_chunks::<SIZE>();
        let values: Vec<f32> = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).map_err(io::Error::other)?;
        tensors.insert(name, tensor);
    }
    Ok(TrainerState { tensors, position })
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> TrainerState {
        let values = vec![0.1_f32, -0.0, f32::MIN_POSITIVE, 1e30, 3.0, 4.0];
        let matrix = Tensor::from_vec(values, (2, 3), &Device::Cpu).unwrap();
        let vector = Tensor::new(&[7.0_f32, 8.0], &Device::Cpu).unwrap();
        TrainerState {
            tensors: BTreeMap::from([("parameter.a".to_owned(), matrix), ("first_moment.b".to_owned(), vector)]),
            position: serde_json::json!({"step": 17, "loss": "0.30000000000000004"}),
        }
    }

    fn bits(state: &TrainerState) -> Vec<(String, Vec<usize>, Vec<u32>)> {
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let bits = |tensor: &Tensor| values(tensor).into_iter().map(f32::to_bits).collect();
        state.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec(), bits(tensor))).collect()
    }

    #[test]
    fn a_state_reads_back_bit_for_bit() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("checkpoint.safetensors");
        assert!(read_checkpoint(&path).unwrap().is_none());
        write_checkpoint(&path, &sample()).unwrap();
        let read = read_checkpoint(&path).unwrap().unwrap();
        assert_eq!(bits(&read), bits(&sample()));
        assert_eq!(read.position, sample().position);
        // Other programs can look into it, too.
        let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
        assert_eq!(tensors.len(), 2);
    }

    #[test]
    fn whatever_is_cut_off_is_noticed() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("checkpoint.safetensors");
        write_checkpoint(&path, &sample()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(matches!(read_checkpoint(&path), Err(RunError::Malformed { .. })), "{length} bytes");
        }
    }

    #[test]
    fn huge_declared_sizes_are_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("checkpoint.safetensors");
        for header in [
            r#"{"__metadata__":{"position":"{}"},"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,0]}}"#,
            r#"{"__metadata__":{"position":"{}"},"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#,
            r#"{"__metadata__":{"position":"{}"},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        ] {
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            std::fs::write(&path, &bytes).unwrap();
            assert!(matches!(read_checkpoint(&path), Err(RunError::Malformed { .. })), "{header}");
        }
        std::fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
        assert!(matches!(read_checkpoint(&path), Err(RunError::Malformed { .. })));
    }
}
