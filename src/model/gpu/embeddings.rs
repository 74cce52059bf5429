//! Words, positions and types, summed, normalised and dropped out; and the gradient of that.

use super::arguments::{Dropout, Embed, ListSums, NormGradient};
use super::backend::{Address, Backend, Buffer, Launch};
use super::pass::{Normalised, Pass, Sums, THREADS};
use crate::model::ModelError;

/// The site of its dropout.
const SITE: u64 = 0;

impl<B: Backend> Pass<'_, B> {
    /// Fills `embedded` (tokens × hidden).
    ///
    /// # Safety
    /// `embedded` must have this room, and the pass's addresses must be what they say.
    pub(super) unsafe fn embed(&self, embedded: Normalised) -> Result<(), ModelError> {
        let (batch, places) = (self.batch, self.places);
        let arguments = Embed {
            words: self.value(&places.words),
            positions: self.value(&places.positions),
            types: self.value(&places.types),
            word_ids: batch.ids,
            position_ids: batch.positions,
            type_ids: batch.type_ids,
            slots: batch.slots,
            norm: self.norm(&places.embedding_norm),
            dropout: self.sampler(self.config.hidden_dropout_prob, SITE),
            normal: embedded.normal,
            scales: embedded.scales,
            output: embedded.output,
            tokens: batch.tokens as u32,
            width: self.config.hidden_size as u32,
        };
        // SAFETY: the caller's.
        unsafe { self.launch("embed", self.row_launch(batch.tokens), &arguments) }
    }

    /// Adds to the gradients of tables and LayerNorm. `stream`: with respect to what [`embed`](Self::embed) gave,
    /// tokens × hidden; it is used up.
    ///
    /// # Safety
    /// As [`embed`](Self::embed); `gradient` must have room for all parameters.
    pub(super) unsafe fn embed_back(
        &self,
        embedded: Normalised,
        stream: Address,
        sums: &mut Sums<B>,
        lists: &mut Buffer<B>,
        gradient: Address,
    ) -> Result<(), ModelError> {
        let (batch, places, hidden) = (self.batch, self.places, self.config.hidden_size);
        let at = |start: usize| gradient.skip(start, 4);
        let arguments = NormGradient {
            gradient: stream,
            normal: embedded.normal,
            scales: embedded.scales,
            weight: self.value(&places.embedding_norm.weight),
            slots: batch.slots,
            behind: self.sampler(self.config.hidden_dropout_prob, SITE),
            dropout: Dropout::of(None),
            to_product: Address::NONE,
            sums: Address::NONE,
            rows: batch.tokens as u32,
            width: hidden as u32,
        };
        let norm = &places.embedding_norm;
        // SAFETY: the caller's. The third sum, a product's bias, has no place here.
        unsafe {
            self.norm_gradient(arguments, sums, &[at(norm.weight.start), at(norm.bias.start), Address::NONE])?;
        }
        for (table, place) in batch.tables.iter().zip([&places.words, &places.positions, &places.types]) {
            let found = lists.make_room(self.backend, table.lists * hidden, 4)?;
            let by_list = ListSums {
                values: stream,
                rows: table.tokens,
                starts: table.list_starts,
                places: Address::NONE,
                sums: found,
                add: 0,
                width: hidden as u32,
            };
            let by_row = ListSums {
                values: found,
                rows: Address::NONE,
                starts: table.row_starts,
                places: table.row_ids,
                sums: at(place.start),
                add: 1,
                width: hidden as u32,
            };
            for (lists, arguments) in [(table.lists, by_list), (table.rows, by_row)] {
                let launch = Launch { grid: [lists, 1, 1], threads: THREADS, shared: 0 };
                // SAFETY: the caller's; the lists were made from this batch.
                unsafe { self.backend.launch("list_sums", launch, &arguments)? };
            }
        }
        Ok(())
    }
}
