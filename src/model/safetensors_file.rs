//! Reading and writing `.safetensors`: eight bytes with the header's length, a JSON header, and the tensors' bytes
//! (<https://github.com/huggingface/safetensors#format>).
//!
//! The `safetensors` crate wants the whole file in one buffer; this reader goes from tensor to tensor, so that memory holds
//! the model once, and leaves out the tensors that nobody asked for.

use super::ModelError;
use super::element::{ElementType, element_count};
use super::weights::{Weights, translate};
use crate::files::write_atomically;
use candle_core::Tensor;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Largest header read, as in the `safetensors` crate.
const LARGEST_HEADER: u64 = 100_000_000;

#[derive(Debug, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// Writes f32 tensors with the header's metadata (text by name): to a temporary name that is renamed into place, so that
/// an earlier file stays where that fails.
///
/// # Errors
/// What the disk or reading a tensor back from its device fails with.
pub(crate) fn write(path: &Path, tensors: &BTreeMap<String, Tensor>, metadata: &serde_json::Value) -> io::Result<()> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), metadata.clone());
    let mut end = 0;
    for (name, tensor) in tensors {
        let start = end;
        end += tensor.elem_count() * ElementType::F32.size();
        let entry = serde_json::json!({"dtype": "F32", "shape": tensor.dims(), "data_offsets": [start, end]});
        header.insert(name.clone(), entry);
    }
    let mut header = serde_json::Value::Object(header).to_string();
    // Spaces at the header's end put the first tensor on an 8-byte boundary, which readers that map the file like.
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    write_atomically(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for tensor in tensors.values() {
            let values: Vec<f32> = tensor.flatten_all().and_then(|flat| flat.to_vec1()).map_err(io::Error::other)?;
            for part in values.chunks(16 * 1024) {
                let bytes: Vec<u8> = part.iter().flat_map(|value| value.to_le_bytes()).collect();
                file.write_all(&bytes)?;
            }
        }
        Ok(())
    })
}

/// Adds the tensors of a file of `length` bytes to `weights`.
pub(super) fn read(
    source: &mut (impl Read + Seek),
    length: u64,
    origin: &Path,
    weights: &mut Weights,
) -> Result<(), ModelError> {
    let malformed = |reason: String| ModelError::Malformed { path: origin.to_owned(), reason };
    let file_error = |source| ModelError::File { path: origin.to_owned(), source };

    let mut size = [0; 8];
    if length < 8 {
        return Err(malformed("it is too short to be a .safetensors file; download it again".to_owned()));
    }
    source.read_exact(&mut size).map_err(file_error)?;
    let header_length = u64::from_le_bytes(size);
    let data_length = length
        .checked_sub(8)
        .and_then(|rest| rest.checked_sub(header_length))
        .filter(|_| header_length <= LARGEST_HEADER)
        .ok_or_else(|| malformed(format!("its header claims {header_length} bytes; the file is cut off or damaged")))?;
    let mut header = vec![0; header_length as usize];
    source.read_exact(&mut header).map_err(file_error)?;
    let header: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&header).map_err(|failure| malformed(format!("its header is damaged ({failure})")))?;

    let mut read_bytes: u64 = 0;
    for (given_name, entry) in header {
        if given_name == "__metadata__" {
            continue;
        }
        let Some(name) = translate(&given_name) else { continue };
        let entry: Entry = serde_json::from_value(entry).map_err(|failure| {
            malformed(format!("the header's entry for tensor {given_name} is damaged ({failure})"))
        })?;
        let element = match entry.dtype.as_str() {
            "F16" => ElementType::F16,
            "BF16" => ElementType::Bf16,
            "F32" => ElementType::F32,
            "F64" => ElementType::F64,
            other => return Err(malformed(format!("tensor {given_name} holds {other} numbers, which are no weights"))),
        };
        let [start, end] = entry.data_offsets;
        let declared = element_count(&entry.shape).and_then(|count| count.checked_mul(element.size()));
        let bytes = end.checked_sub(start).filter(|_| end <= data_length).ok_or_else(|| {
            malformed(format!("tensor {given_name} lies outside the file, which is cut off or damaged"))
        })?;
        if declared.map(|declared| declared as u64) != Some(bytes) {
            return Err(malformed(format!(
                "tensor {given_name} has {bytes} bytes, which is not what its shape {:?} needs",
                entry.shape
            )));
        }
        // Entries that share their bytes could claim any amount of memory.
        read_bytes += bytes;
        if read_bytes > data_length {
            return Err(malformed("its tensors overlap; the file is damaged".to_owned()));
        }
        let mut data = vec![0; bytes as usize];
        source.seek(SeekFrom::Start(8 + header_length + start)).map_err(file_error)?;
        source.read_exact(&mut data).map_err(file_error)?;
        weights.insert(name, &entry.shape, element.to_f32(&data), origin)?;
    }
    Ok(())
}

/// `model.safetensors.index.json`: which file holds which tensor.
#[derive(Debug, Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Reads all files that an index names.
pub(super) fn read_parts(index: &Path) -> Result<Weights, ModelError> {
    let malformed = |reason: String| ModelError::Malformed { path: index.to_owned(), reason };
    let json = std::fs::read(index).map_err(|source| ModelError::File { path: index.to_owned(), source })?;
    let listed: Index = serde_json::from_slice(&json).map_err(|failure| malformed(failure.to_string()))?;
    let mut names: Vec<String> = listed.weight_map.into_values().collect();
    names.sort_unstable();
    names.dedup();
    let mut weights = Weights::default();
    for name in names {
        // The parts lie beside their index; a name that leads elsewhere is not one that Hugging Face writes.
        if name.contains(['/', '\\']) || !name.ends_with(".safetensors") {
            return Err(malformed(format!("it names the part {name:?}, which is no file of this folder")));
        }
        let path = index.with_file_name(name);
        let file_error = |source| ModelError::File { path: path.clone(), source };
        let file = std::fs::File::open(&path).map_err(file_error)?;
        let length = file.metadata().map_err(file_error)?.len();
        read(&mut std::io::BufReader::new(file), length, &path, &mut weights)?;
    }
    Ok(weights)
}
