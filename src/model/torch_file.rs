//! Reading `pytorch_model.bin` in both of its layouts: since `PyTorch` 1.6 a zip archive of a pickle and one file for each
//! storage; before that a row of pickles (a magic number, the layout's version, facts about the machine, the state dict,
//! the storages' keys) followed by the storages.

use super::ModelError;
use super::element::{ElementType, element_count};
use super::pickle::{self, Pickle, Storage, TensorRecord, Value};
use super::weights::{Weights, translate};
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

/// The first pickle of the older layout, 0x1950a86a20f9469cfc6c as a little-endian number.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The older layout's only version.
const VERSION: i64 = 1001;

/// Adds the tensors of a file of `length` bytes to `weights`.
pub(super) fn read(
    source: &mut (impl Read + Seek),
    length: u64,
    origin: &Path,
    weights: &mut Weights,
) -> Result<(), ModelError> {
    let malformed = |reason: String| ModelError::Malformed { path: origin.to_owned(), reason };
    let file_error = |source| ModelError::File { path: origin.to_owned(), source };
    let mut start = [0; 4];
    let filled = source.read(&mut start).map_err(file_error)?;
    source.rewind().map_err(file_error)?;
    let layout = match &start[..filled] {
        b"PK\x03\x04" => zip_layout(source, length),
        [0x80, ..] => old_layout(source, length),
        _ => Err("it is no PyTorch file; download it again".to_owned()),
    }
    .map_err(malformed)?;

    let entries = layout
        .state
        .entries(&layout.state.value)
        .ok_or_else(|| malformed("it holds no state dict; save the model's weights alone".to_owned()))?;
    let mut declared_bytes: u64 = 0;
    for (key, value) in entries {
        let (Value::Text(given_name), Value::Tensor(record)) = (key, value) else { continue };
        let Some(name) = translate(given_name) else { continue };
        let place =
            place(record, &layout.storages).map_err(|reason| malformed(format!("tensor {given_name} {reason}")))?;
        // A file can show the same numbers any number of times; a BERT model's tensors have nothing in common.
        declared_bytes = element_count(&record.shape)
            .and_then(|count| (count as u64).checked_mul(place.element.size() as u64))
            .and_then(|bytes| declared_bytes.checked_add(bytes.max(place.bytes)))
            .filter(|&bytes| bytes <= length)
            .ok_or_else(|| {
                malformed(format!("tensor {given_name} of shape {:?} is larger than the file", record.shape))
            })?;
        let mut data = vec![0; place.bytes as usize];
        source.seek(SeekFrom::Start(place.start)).map_err(file_error)?;
        source.read_exact(&mut data).map_err(file_error)?;
        let values = arrange(place.element.to_f32(&data), record);
        weights.insert(name, &record.shape, values, origin)?;
    }
    Ok(())
}

/// A state dict and where its storages lie in the file.
struct Layout {
    state: Pickle,
    /// First byte and number of bytes, by key.
    storages: HashMap<Rc<str>, (u64, u64)>,
}

/// The storages that a state dict uses.
fn storages(state: &Pickle) -> impl Iterator<Item = &Rc<Storage>> {
    state.entries(&state.value).unwrap_or_default().iter().filter_map(|(_, value)| match value {
        Value::Tensor(record) => Some(&record.storage),
        _ => None,
    })
}

fn zip_layout(source: &mut (impl Read + Seek), length: u64) -> Result<Layout, String> {
    let damaged = |failure: zip::result::ZipError| format!("its archive is damaged ({failure}); download it again");
    let mut archive = zip::ZipArchive::new(source).map_err(damaged)?;
    let folder = archive
        .file_names()
        .find_map(|name| name.ok()?.strip_suffix("data.pkl").map(str::to_owned))
        .ok_or("it is an archive without data.pkl, so no PyTorch file")?;
    if let Ok(mut order) = archive.by_name(&format!("{folder}byteorder")) {
        let mut text = String::new();
        if (&mut order).take(16).read_to_string(&mut text).is_ok() && text.trim() != "little" {
            return Err("its numbers are not little-endian".to_owned());
        }
    }
    let state = pickle::read(&mut archive.by_name(&format!("{folder}data.pkl")).map_err(damaged)?)?;
    let mut places = HashMap::new();
    for storage in storages(&state) {
        if places.contains_key(&storage.key) {
            continue;
        }
        let entry = archive.by_name(&format!("{folder}data/{}", storage.key)).map_err(damaged)?;
        if entry.compression() != zip::CompressionMethod::Stored {
            return Err("its archive is compressed, which PyTorch's is not".to_owned());
        }
        let start = entry.data_start().ok_or("its archive is damaged; download it again")?;
        if start.checked_add(entry.size()).is_none_or(|end| end > length) {
            return Err(format!("storage {} lies outside the file, which is cut off or damaged", storage.key));
        }
        places.insert(Rc::clone(&storage.key), (start, entry.size()));
    }
    Ok(Layout { state, storages: places })
}

fn old_layout(source: &mut (impl Read + Seek), length: u64) -> Result<Layout, String> {
    let cut_off = |_| "it is cut off; download it again".to_owned();
    match pickle::read(source)?.value {
        Value::Large(number) if *number == MAGIC => {}
        _ => return Err("it is a pickle but no PyTorch file".to_owned()),
    }
    match pickle::read(source)?.value {
        Value::Int(VERSION) => {}
        _ => return Err("it has an unknown version of PyTorch's older layout".to_owned()),
    }
    let machine = pickle::read(source)?;
    for (key, value) in machine.entries(&machine.value).unwrap_or_default() {
        if let (Value::Text(key), Value::Bool(false)) = (key, value)
            && key.as_ref() == "little_endian"
        {
            return Err("its numbers are not little-endian".to_owned());
        }
    }
    let state = pickle::read(source)?;
    let keys = pickle::read(source)?;
    let keys = keys.items(&keys.value).ok_or("its list of storages is damaged")?;
    let classes: HashMap<&str, &str> =
        storages(&state).map(|storage| (storage.key.as_ref(), storage.class.as_ref())).collect();
    let mut places = HashMap::new();
    let mut position = source.stream_position().map_err(cut_off)?;
    for key in keys {
        let Value::Text(key) = key else { return Err("its list of storages is damaged".to_owned()) };
        let class = classes.get(key.as_ref()).ok_or_else(|| format!("no tensor uses its storage {key}"))?;
        let size = number_size(class).ok_or_else(|| format!("its storage {key} is a {class}, which is not known"))?;
        let mut count = [0; 8];
        source.seek(SeekFrom::Start(position)).map_err(cut_off)?;
        source.read_exact(&mut count).map_err(cut_off)?;
        let count = u64::from_le_bytes(count);
        let start = position + 8;
        let end = count
            .checked_mul(size)
            .and_then(|bytes| start.checked_add(bytes))
            .filter(|&end| end <= length)
            .ok_or_else(|| format!("storage {key} lies outside the file, which is cut off or damaged"))?;
        places.insert(Rc::clone(key), (start, end - start));
        position = end;
    }
    Ok(Layout { state, storages: places })
}

/// Bytes of one number of a storage's class.
fn number_size(class: &str) -> Option<u64> {
    Some(match class {
        "torch.DoubleStorage" | "torch.LongStorage" => 8,
        "torch.FloatStorage" | "torch.IntStorage" => 4,
        "torch.HalfStorage" | "torch.BFloat16Storage" | "torch.ShortStorage" => 2,
        "torch.ByteStorage" | "torch.CharStorage" | "torch.BoolStorage" => 1,
        _ => return None,
    })
}

/// A stretch of the file that holds a tensor's numbers.
struct Place {
    start: u64,
    bytes: u64,
    element: ElementType,
}

/// Where a tensor lies, once everything that it declares has been checked against the file.
fn place(record: &TensorRecord, storages: &HashMap<Rc<str>, (u64, u64)>) -> Result<Place, String> {
    let storage = &record.storage;
    let element = match storage.class.as_ref() {
        "torch.FloatStorage" => ElementType::F32,
        "torch.HalfStorage" => ElementType::F16,
        "torch.BFloat16Storage" => ElementType::Bf16,
        "torch.DoubleStorage" => ElementType::F64,
        other => return Err(format!("is stored as {other}, which holds no weights")),
    };
    let &(start, available) = storages.get(&storage.key).ok_or("uses a storage that the file does not have")?;
    let outside = || "lies outside its storage; the file is damaged".to_owned();
    let first = storage.start.checked_add(record.offset).ok_or_else(outside)?;
    let span = span(record).ok_or_else(outside)?;
    let size = element.size() as u64;
    let skipped = (first as u64).checked_mul(size).ok_or_else(outside)?;
    let bytes = (span as u64).checked_mul(size).ok_or_else(outside)?;
    let end = skipped.checked_add(bytes).ok_or_else(outside)?;
    if end > available || record.offset.saturating_add(span) > storage.length {
        return Err(outside());
    }
    Ok(Place { start: start + skipped, bytes, element })
}

/// Numbers from a tensor's first to its last; None where that is more than the machine can count.
fn span(record: &TensorRecord) -> Option<usize> {
    if record.shape.contains(&0) {
        return Some(0);
    }
    record
        .shape
        .iter()
        .zip(&record.strides)
        .try_fold(1_usize, |span, (&size, &stride)| (size - 1).checked_mul(stride)?.checked_add(span))
}

/// Puts a tensor's numbers into row-major order.
fn arrange(values: Vec<f32>, record: &TensorRecord) -> Vec<f32> {
    let count = record.shape.iter().product();
    let mut expected = 1;
    let in_order = record.shape.iter().zip(&record.strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size;
        fits
    });
    if in_order || count == 0 {
        return values;
    }
    let mut index = vec![0; record.shape.len()];
    let mut position = 0;
    let mut arranged = Vec::with_capacity(count);
    for _ in 0..count {
        arranged.push(values[position]);
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            position += record.strides[axis];
            if index[axis] < record.shape[axis] {
                break;
            }
            position -= record.strides[axis] * record.shape[axis];
            index[axis] = 0;
        }
    }
    arranged
}
