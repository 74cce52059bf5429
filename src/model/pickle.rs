//! Reading the pickles of `PyTorch` weight files, without running what they say.
//!
//! A pickle is a program for a small stack machine (described in Python's `pickletools`) that can call any Python
//! function. This machine knows the handful of calls that state dicts need and refuses every other by name. What it holds
//! is bounded by the bytes that it reads: nothing that a pickle declares is believed before it is there.

use std::collections::HashMap;
use std::io::Read;
use std::rc::Rc;

/// A value that a state dict may hold.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// A whole number of more than eight bytes, little-endian, as it stands.
    Large(Rc<[u8]>),
    Text(Rc<str>),
    Tuple(Rc<Tuple>),
    /// Position among [`Pickle::lists`].
    List(usize),
    /// Position among [`Pickle::dictionaries`].
    Dictionary(usize),
    /// A Python class or function, `module.name`.
    Global(Rc<str>),
    Storage(Rc<Storage>),
    Tensor(Rc<TensorRecord>),
    /// Something that is of no use here: a float, bytes.
    Other,
}

/// A tuple; its depth is bounded so that dropping it cannot exhaust the stack.
#[derive(Debug)]
pub(super) struct Tuple {
    items: Vec<Value>,
    depth: usize,
}

/// Numbers that one or several tensors show parts of.
#[derive(Debug)]
pub(super) struct Storage {
    /// Such as `torch.FloatStorage`.
    pub class: Rc<str>,
    pub key: Rc<str>,
    /// Numbers in it.
    pub length: usize,
    /// Where this storage starts in the one that `key` names (only files from before 2017 have such).
    pub start: usize,
}

/// A tensor as the file describes it: a view of a storage, in numbers.
#[derive(Debug)]
pub(super) struct TensorRecord {
    pub storage: Rc<Storage>,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// A pickle that has been read.
#[derive(Debug)]
pub(super) struct Pickle {
    pub value: Value,
    lists: Vec<Vec<Value>>,
    dictionaries: Vec<Vec<(Value, Value)>>,
}

impl Pickle {
    /// The entries of a dictionary, in order.
    pub fn entries(&self, value: &Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dictionary(position) => self.dictionaries.get(*position).map(Vec::as_slice),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn items(&self, value: &Value) -> Option<&[Value]> {
        match value {
            Value::List(position) => self.lists.get(*position).map(Vec::as_slice),
            _ => None,
        }
    }
}

/// Most bytes of one pickle; a state dict needs about 200 for each tensor.
const LONGEST_PICKLE: u64 = 64 << 20;
/// Longest string: names of tensors, classes, storages.
const LONGEST_TEXT: usize = 1 << 16;
/// Deepest nesting of tuples.
const DEEPEST_TUPLE: usize = 16;
/// Dimensions of a tensor at most.
const MOST_DIMENSIONS: usize = 8;

/// Reads one pickle and stops behind it.
///
/// # Errors
/// Says in words what cannot be read.
pub(super) fn read(source: &mut impl Read) -> Result<Pickle, String> {
    let mut machine = Machine {
        source: source.take(LONGEST_PICKLE),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        pickle: Pickle { value: Value::None, lists: Vec::new(), dictionaries: Vec::new() },
    };
    machine.run()?;
    Ok(machine.pickle)
}

struct Machine<R> {
    source: std::io::Take<R>,
    stack: Vec<Value>,
    /// Stack heights at which a sequence of arguments began.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    pickle: Pickle,
}

impl<R: Read> Machine<R> {
    fn run(&mut self) -> Result<(), String> {
        loop {
            let [operation] = self.bytes()?;
            match operation {
                // PROTO
                0x80 => {
                    let [version] = self.bytes()?;
                    if !(1..=5).contains(&version) {
                        return Err(format!("its pickle has the unknown protocol {version}"));
                    }
                }
                // FRAME: how much may be read at once
                0x95 => {
                    self.bytes::<8>()?;
                }
                b'.' => {
                    self.pickle.value = self.pop()?;
                    return Ok(());
                }
                b'N' => self.stack.push(Value::None),
                0x88 => self.stack.push(Value::Bool(true)),
                0x89 => self.stack.push(Value::Bool(false)),
                b'K' => {
                    let [number] = self.bytes()?;
                    self.stack.push(Value::Int(i64::from(number)));
                }
                b'M' => {
                    let number = u16::from_le_bytes(self.bytes()?);
                    self.stack.push(Value::Int(i64::from(number)));
                }
                b'J' => {
                    let number = i32::from_le_bytes(self.bytes()?);
                    self.stack.push(Value::Int(i64::from(number)));
                }
                // LONG1
                0x8a => {
                    let [length] = self.bytes()?;
                    let bytes = self.long_bytes(usize::from(length))?;
                    self.stack.push(whole_number(&bytes));
                }
                b'G' => {
                    self.bytes::<8>()?;
                    self.stack.push(Value::Other);
                }
                // BINUNICODE and Python 2's BINSTRING
                b'X' | b'T' => {
                    let length = u32::from_le_bytes(self.bytes()?);
                    self.push_text(length as usize)?;
                }
                // SHORT_BINUNICODE and Python 2's SHORT_BINSTRING
                0x8c | b'U' => {
                    let [length] = self.bytes()?;
                    self.push_text(usize::from(length))?;
                }
                b'(' => self.marks.push(self.stack.len()),
                b')' => self.push_tuple(Vec::new())?,
                0x85..=0x87 => {
                    let items = self.pop_many(usize::from(operation - 0x84))?;
                    self.push_tuple(items)?;
                }
                b't' => {
                    let items = self.pop_to_mark()?;
                    self.push_tuple(items)?;
                }
                b']' => {
                    self.pickle.lists.push(Vec::new());
                    self.stack.push(Value::List(self.pickle.lists.len() - 1));
                }
                b'}' => self.push_dictionary(),
                b'a' => {
                    let items = self.pop_many(1)?;
                    self.append(items)?;
                }
                b'e' => {
                    let items = self.pop_to_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let items = self.pop_many(2)?;
                    self.set_items(items)?;
                }
                b'u' => {
                    let items = self.pop_to_mark()?;
                    self.set_items(items)?;
                }
                b'0' => {
                    self.pop()?;
                }
                b'q' => {
                    let [place] = self.bytes()?;
                    self.remember(u32::from(place))?;
                }
                b'r' => {
                    let place = u32::from_le_bytes(self.bytes()?);
                    self.remember(place)?;
                }
                // MEMOIZE
                0x94 => self.remember(self.memo.len() as u32)?,
                b'h' => {
                    let [place] = self.bytes()?;
                    self.recall(u32::from(place))?;
                }
                b'j' => {
                    let place = u32::from_le_bytes(self.bytes()?);
                    self.recall(place)?;
                }
                b'c' => {
                    let module = self.line()?;
                    let name = self.line()?;
                    self.stack.push(Value::Global(format!("{module}.{name}").into()));
                }
                // STACK_GLOBAL
                0x93 => {
                    let items = self.pop_many(2)?;
                    let [Value::Text(module), Value::Text(name)] = items.as_slice() else {
                        return Err("its pickle names a class that is no name".to_owned());
                    };
                    self.stack.push(Value::Global(format!("{module}.{name}").into()));
                }
                b'R' => {
                    let items = self.pop_many(2)?;
                    self.call(&items)?;
                }
                // BUILD: the state of an object; an ordered dictionary's is PyTorch's record of module versions.
                b'b' => {
                    self.pop()?;
                    if !matches!(self.stack.last(), Some(Value::Dictionary(_))) {
                        return Err("its pickle sets the state of something that is no dictionary".to_owned());
                    }
                }
                b'Q' => {
                    let identity = self.pop()?;
                    self.stack.push(Value::Storage(Rc::new(storage(&identity)?)));
                }
                other => {
                    return Err(format!("its pickle has the instruction {other:#04x}, which weights have no use for"));
                }
            }
        }
    }

    fn bytes<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], String> {
        let mut bytes = [0; LENGTH];
        self.source.read_exact(&mut bytes).map_err(|_| "its pickle is cut off".to_owned())?;
        Ok(bytes)
    }

    fn long_bytes(&mut self, length: usize) -> Result<Vec<u8>, String> {
        if length > LONGEST_TEXT {
            return Err(format!("its pickle has a text of {length} bytes, which weights have no use for"));
        }
        let mut bytes = vec![0; length];
        self.source.read_exact(&mut bytes).map_err(|_| "its pickle is cut off".to_owned())?;
        Ok(bytes)
    }

    fn push_text(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.long_bytes(length)?;
        // Python 2's strings may be bytes of anything; none of those is the name of a tensor.
        let value = String::from_utf8(bytes).map_or(Value::Other, |text| Value::Text(text.into()));
        self.stack.push(value);
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        loop {
            match self.bytes()? {
                [b'\n'] => return Ok(String::from_utf8_lossy(&line).into_owned()),
                [byte] if line.len() < LONGEST_TEXT => line.push(byte),
                _ => return Err("its pickle names a class without end".to_owned()),
            }
        }
    }

    fn pop(&mut self) -> Result<Value, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("its pickle is damaged".to_owned());
        }
        self.stack.pop().ok_or_else(|| "its pickle is damaged".to_owned())
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err("its pickle is damaged".to_owned()),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let start = self.marks.pop().ok_or_else(|| "its pickle is damaged".to_owned())?;
        Ok(self.stack.split_off(start))
    }

    fn push_tuple(&mut self, items: Vec<Value>) -> Result<(), String> {
        let inner = items.iter().map(|item| if let Value::Tuple(tuple) = item { tuple.depth } else { 0 }).max();
        let depth = inner.unwrap_or(0) + 1;
        if depth > DEEPEST_TUPLE {
            return Err("its pickle nests tuples too deeply".to_owned());
        }
        self.stack.push(Value::Tuple(Rc::new(Tuple { items, depth })));
        Ok(())
    }

    fn push_dictionary(&mut self) {
        self.pickle.dictionaries.push(Vec::new());
        self.stack.push(Value::Dictionary(self.pickle.dictionaries.len() - 1));
    }

    fn append(&mut self, items: Vec<Value>) -> Result<(), String> {
        match self.stack.last() {
            Some(Value::List(position)) => {
                self.pickle.lists[*position].extend(items);
                Ok(())
            }
            _ => Err("its pickle appends to something that is no list".to_owned()),
        }
    }

    fn set_items(&mut self, items: Vec<Value>) -> Result<(), String> {
        match self.stack.last() {
            Some(Value::Dictionary(position)) => {
                let entries = &mut self.pickle.dictionaries[*position];
                let mut items = items.into_iter();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    entries.push((key, value));
                }
                Ok(())
            }
            _ => Err("its pickle fills something that is no dictionary".to_owned()),
        }
    }

    fn remember(&mut self, place: u32) -> Result<(), String> {
        let value = self.stack.last().cloned().ok_or_else(|| "its pickle is damaged".to_owned())?;
        self.memo.insert(place, value);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), String> {
        let value = self.memo.get(&place).cloned().ok_or_else(|| "its pickle is damaged".to_owned())?;
        self.stack.push(value);
        Ok(())
    }

    fn call(&mut self, function_and_arguments: &[Value]) -> Result<(), String> {
        let [Value::Global(function), Value::Tuple(arguments)] = function_and_arguments else {
            return Err("its pickle calls something that is no function".to_owned());
        };
        match (function.as_ref(), arguments.items.as_slice()) {
            ("collections.OrderedDict", _) => self.push_dictionary(),
            (
                "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor",
                [Value::Storage(storage), offset, shape, strides, ..],
            ) => {
                let record = TensorRecord {
                    storage: Rc::clone(storage),
                    offset: size(offset)?,
                    shape: sizes(shape)?,
                    strides: sizes(strides)?,
                };
                if record.shape.len() != record.strides.len() {
                    return Err("its pickle has a tensor with more sizes than strides".to_owned());
                }
                self.stack.push(Value::Tensor(Rc::new(record)));
            }
            ("torch._utils._rebuild_parameter", [tensor, ..]) | ("torch.Size", [tensor]) => {
                self.stack.push(tensor.clone());
            }
            _ => return Err(format!("its pickle calls {function}, which weights have no use for")),
        }
        Ok(())
    }
}

/// `('storage', class, key, device, length, view)`
fn storage(identity: &Value) -> Result<Storage, String> {
    let Value::Tuple(identity) = identity else {
        return Err("its pickle refers to something that is no tensor storage".to_owned());
    };
    match identity.items.as_slice() {
        [Value::Text(kind), Value::Global(class), Value::Text(key), _, length, rest @ ..]
            if kind.as_ref() == "storage" =>
        {
            let start = match rest.first() {
                Some(Value::Tuple(view)) => view.items.get(1).map_or(Ok(0), size)?,
                _ => 0,
            };
            Ok(Storage { class: Rc::clone(class), key: Rc::clone(key), length: size(length)?, start })
        }
        _ => Err("its pickle refers to something that is no tensor storage".to_owned()),
    }
}

fn size(value: &Value) -> Result<usize, String> {
    match value {
        Value::Int(number) => usize::try_from(*number).map_err(|_| format!("its pickle has the size {number}")),
        _ => Err("its pickle has a size that is no number".to_owned()),
    }
}

fn sizes(value: &Value) -> Result<Vec<usize>, String> {
    match value {
        Value::Tuple(tuple) if tuple.items.len() <= MOST_DIMENSIONS => tuple.items.iter().map(size).collect(),
        _ => Err("its pickle has a shape that is no tuple of a few numbers".to_owned()),
    }
}

/// A little-endian two's complement number.
fn whole_number(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Large(bytes.into());
    }
    let filler = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut all = [filler; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(all))
}
