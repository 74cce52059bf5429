//! The kernels' arguments, field by field as the structures of the same names in `kernels/`.

use super::backend::Address;
use crate::model::dropout::Sampler;

/// What a kernel takes.
///
/// # Safety
/// The structure must be `repr(C)` and have the fields of the kernel's.
pub unsafe trait Arguments: Copy {}

macro_rules! arguments {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            #[repr(C)]
            #[allow(clippy::struct_field_names, reason = "the kernels' names")]
            pub(in crate::model) struct $name { $(pub $field: $type),* }

            // SAFETY: it is `repr(C)`, and written after the kernel's structure; the tests run every kernel.
            unsafe impl Arguments for $name {}
        )*
    };
}

/// The mask of one site.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(in crate::model) struct Dropout {
    pub stream: u64,
    pub threshold: u32,
    pub kept: f32,
}

impl Dropout {
    pub(in crate::model) fn of(sampler: Option<Sampler>) -> Self {
        sampler.map_or(Self { stream: 0, threshold: 0, kept: 1.0 }, |sampler| Self {
            stream: sampler.stream,
            threshold: sampler.threshold,
            kept: sampler.kept,
        })
    }
}

#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(in crate::model) struct LayerNorm {
    pub weight: Address,
    pub bias: Address,
    pub epsilon: f32,
}

arguments! {
    Embed {
        words: Address, positions: Address, types: Address,
        word_ids: Address, position_ids: Address, type_ids: Address, slots: Address,
        norm: LayerNorm, dropout: Dropout,
        normal: Address, scales: Address, output: Address,
        tokens: u32, width: u32,
    }
    Norm {
        product: Address, bias: Address, residual: Address, slots: Address,
        norm: LayerNorm, dropout: Dropout,
        normal: Address, scales: Address, output: Address,
        rows: u32, width: u32,
    }
    NormGradient {
        gradient: Address, normal: Address, scales: Address, weight: Address, slots: Address,
        behind: Dropout, dropout: Dropout,
        to_product: Address, sums: Address,
        rows: u32, width: u32,
    }
    Gelu { input: Address, output: Address, count: u64 }
    GeluGradient { input: Address, gradient: Address, sums: Address, rows: u32, width: u32 }
    ColumnSums { values: Address, sums: Address, rows: u32, width: u32 }
    AddSums { sums: Address, to: [Address; 3], pieces: u32, parameters: u32, width: u32 }
    ListSums {
        values: Address, rows: Address, starts: Address, places: Address, sums: Address,
        add: u32, width: u32,
    }
    GatherRows { from: Address, to: Address, numbers: Address, width: u32 }
    ScatterRows { from: Address, to: Address, numbers: Address, width: u32 }
    Attention {
        query: Address, key: Address, value: Address, query_stride: u32, key_stride: u32,
        sequences: Address, heads: u32, width: u32, padded_length: u32, scale: f32, dropout: Dropout,
        log_sums: Address, context: Address,
    }
    AttentionGradient {
        forward: Attention, from_above: Address, products: Address,
        to_query: Address, to_key: Address, to_value: Address, queries: u32,
    }
    Pool {
        input: Address, weight: Address, bias: Address, dropout: Dropout,
        pooled: Address, kept: Address, rows: u32, width: u32,
    }
    Classify { kept: Address, weight: Address, bias: Address, logits: Address, width: u32 }
    CrossEntropy {
        logits: Address, labels: Address, shares: [f64; 2], slopes: Address, loss: Address, rows: u32,
    }
    ToLinear {
        slopes: Address, weight: Address, pooled: Address, dropout: Dropout, to_linear: Address, width: u32,
    }
    HeadGradient {
        input: Address, to_linear: Address, kept: Address, slopes: Address,
        pooler_weight: Address, pooler_bias: Address, classifier_weight: Address, classifier_bias: Address,
        rows: u32, width: u32,
    }
    ToPooled { to_linear: Address, weight: Address, to_input: Address, width: u32 }
    Squares { values: Address, sums: Address, count: u64 }
    Clip { sums: Address, blocks: u32, max_norm: f64, findings: Address, factor: Address }
    AdamW {
        parameters: Address, gradient: Address, first: Address, second: Address, narrowed: Address,
        pieces: Address, factor: Address, decay: f32, step: f32, root_correction: f32,
    }
    Narrow { from: Address, to: Address, count: u64 }
}

/// A part of one parameter, for AdamW.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Piece {
    pub start: u64,
    pub length: u32,
    pub decays: u32,
}
