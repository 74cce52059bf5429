// Attention without a matrix of tokens × tokens (Dao et al., FlashAttention, 2022): each warp keeps 16 queries and their
// running softmax, while keys and values pass by.
#include "attention.cuh"

template <class E, int N, int D>
__device__ void attention(const Attention<E>& a) {
  using Core = TensorCore<E>;
  constexpr int STRIDE = tile_stride<E, D>(), TILES = PASSING_ROWS / 8;
  DYNAMIC_SHARED(shared);
  E* keys = reinterpret_cast<E*>(shared);
  E* values = keys + PASSING_ROWS * STRIDE;
  const Sequence sequence = a.sequences[blockIdx.z];
  const unsigned first = blockIdx.x * ATTENTION_ROWS, head_column = blockIdx.y * a.width;
  if (first >= sequence.queries) return;
  const unsigned lane = threadIdx.x % WARP, rows = sequence.queries - first;
  const unsigned own = threadIdx.x / WARP * 16 + lane / 4;

  Left query[D / Core::DEPTH];
  const size_t first_row = sequence.first_query + first;
  load_left<E, N, D>(query, keys, a.query + first_row * a.query_stride + head_column, a.query_stride, rows, a.width);

  // Of the rows `own` and `own + 8`: the largest score so far, and this lane's part of the sum.
  float maxima[2] = {-INFINITY, -INFINITY}, sums[2] = {0, 0}, output[D / 8][4] = {};
  for (unsigned key = 0; key < sequence.tokens; key += PASSING_ROWS) {
    const size_t start = static_cast<size_t>(sequence.first_token + key) * a.key_stride + head_column;
    const unsigned left = sequence.tokens - key;
    load_tile<E, N, D>(keys, PASSING_ROWS, a.key + start, a.key_stride, left, a.width);
    load_tile<E, N, D>(values, PASSING_ROWS, a.value + start, a.key_stride, left, a.width);
    __syncthreads();
    float scores[TILES][4] = {};
    Core::multiply_rows(scores, query, keys, STRIDE);
    float found[2] = {maxima[0], maxima[1]};
    for (int n = 0; n < TILES; ++n)
      for (int i = 0; i < 4; ++i) {
        const bool there = n * 8 + 2 * (lane % 4) + i % 2 < left;
        scores[n][i] = there ? scores[n][i] * (a.scale * LOG2_E) : -INFINITY;
        found[i / 2] = fmaxf(found[i / 2], scores[n][i]);
      }
    for (int half = 0; half < 2; ++half) {
      for (int distance = 1; distance < 4; distance *= 2)
        found[half] = fmaxf(found[half], __shfl_xor_sync(ALL_LANES, found[half], distance));
      const float shrink = exp2f(maxima[half] - found[half]);
      maxima[half] = found[half];
      sums[half] *= shrink;
      for (int n = 0; n < D / 8; ++n)
        for (int i = 2 * half; i < 2 * half + 2; ++i) output[n][i] *= shrink;
    }
    for (int n = 0; n < TILES; ++n)
      for (int half = 0; half < 2; ++half) {
        float pair[2];
        for (int i = 0; i < 2; ++i) {
          pair[i] = exp2f(scores[n][2 * half + i] - maxima[half]);
          sums[half] += pair[i];
        }
        a.dropout.apply(pair, a.element(first + own + 8 * half) + key + n * 8 + 2 * (lane % 4));
        for (int i = 0; i < 2; ++i) scores[n][2 * half + i] = pair[i];
      }
    Left probabilities[PASSING_ROWS / Core::DEPTH];
    Core::left_of_sums(probabilities, scores);
    Core::multiply_columns(output, probabilities, values, STRIDE);
    __syncthreads();
  }

  for (int half = 0; half < 2; ++half) {
    for (int distance = 1; distance < 4; distance *= 2)
      sums[half] += __shfl_xor_sync(ALL_LANES, sums[half], distance);
    for (int n = 0; n < D / 8; ++n)
      for (int i = 2 * half; i < 2 * half + 2; ++i) output[n][i] /= sums[half];
    const unsigned row = own + 8 * half;
    if (lane % 4 == 0 && row < rows)
      a.log_sums[(first_row + row) * a.heads + blockIdx.y] = maxima[half] + log2f(sums[half]);
  }
  const unsigned hidden = a.heads * a.width;
  store_rows<E, N, D>(a.context + first_row * hidden + head_column, hidden, rows, a.width, output);
}

EACH_WIDTH(attention, Attention)
