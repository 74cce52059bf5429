// The gradient of attention. With P the probabilities, M the dropout mask and C = (P∘M) V: dV = (P∘M)ᵀ dC,
// dP = (dC Vᵀ)∘M, dS = P∘(dP − rowsum(dC∘C)), dQ = dS K · scale, dK = dSᵀ Q · scale. P is computed again from Q, K and
// the logarithms of sums.
//
// One kernel keeps queries and lets keys and values pass by, the other keeps keys and values and lets queries pass by.
// Scores are computed in both, so that no sum is added to by several blocks: the result is the same in each run.
#include "attention.cuh"

// As `attention.forward` was called, and the gradients.
template <class E>
struct AttentionGradient {
  Attention<E> forward;
  // With respect to the context: queries × hidden.
  const E* from_above;
  // rowsum(dC∘C): queries × heads.
  float* products;
  // Laid out as queries, keys and values are.
  E* to_query;
  E* to_key;
  E* to_value;
  unsigned queries;
};

// rowsum(dC∘C): one warp a query and head.
template <class E, int N>
__device__ void attention_products(const AttentionGradient<E>& a) {
  const unsigned lane = threadIdx.x % WARP;
  const unsigned long long number = static_cast<unsigned long long>(blockIdx.x) * (blockDim.x / WARP) + threadIdx.x / WARP;
  const unsigned width = a.forward.width;
  if (number >= static_cast<unsigned long long>(a.queries) * a.forward.heads) return;
  float sum = 0;
  for (unsigned column = lane * N; column < width; column += WARP * N) {
    float context[N], gradient[N];
    load(context, a.forward.context + number * width + column);
    load(gradient, a.from_above + number * width + column);
    for (int j = 0; j < N; ++j) sum += context[j] * gradient[j];
  }
  sum = warp_sum(sum);
  if (lane == 0) a.products[number] = sum;
}

EACH_FORMAT(attention_products, AttentionGradient)

template <class E, int N, int D>
__device__ void attention_to_query(const AttentionGradient<E>& arguments) {
  using Core = TensorCore<E>;
  constexpr int STRIDE = tile_stride<E, D>(), TILES = PASSING_ROWS / 8;
  const Attention<E>& a = arguments.forward;
  DYNAMIC_SHARED(shared);
  E* keys = reinterpret_cast<E*>(shared);
  E* values = keys + PASSING_ROWS * STRIDE;
  const Sequence sequence = a.sequences[blockIdx.z];
  const unsigned first = blockIdx.x * ATTENTION_ROWS, head_column = blockIdx.y * a.width;
  if (first >= sequence.queries) return;
  const unsigned lane = threadIdx.x % WARP, rows = sequence.queries - first, hidden = a.heads * a.width;
  const unsigned own = threadIdx.x / WARP * 16 + lane / 4;
  const size_t first_row = sequence.first_query + first;

  Left query[D / Core::DEPTH], from_above[D / Core::DEPTH];
  load_left<E, N, D>(query, keys, a.query + first_row * a.query_stride + head_column, a.query_stride, rows, a.width);
  load_left<E, N, D>(from_above, keys, arguments.from_above + first_row * hidden + head_column, hidden, rows, a.width);
  float log_sums[2], products[2], to_query[D / 8][4] = {};
  for (int half = 0; half < 2; ++half) {
    const unsigned row = own + 8 * half;
    const size_t place = (first_row + row) * a.heads + blockIdx.y;
    log_sums[half] = row < rows ? a.log_sums[place] : INFINITY;
    products[half] = row < rows ? arguments.products[place] : 0;
  }
  for (unsigned key = 0; key < sequence.tokens; key += PASSING_ROWS) {
    const size_t start = static_cast<size_t>(sequence.first_token + key) * a.key_stride + head_column;
    const unsigned left = sequence.tokens - key;
    load_tile<E, N, D>(keys, PASSING_ROWS, a.key + start, a.key_stride, left, a.width);
    load_tile<E, N, D>(values, PASSING_ROWS, a.value + start, a.key_stride, left, a.width);
    __syncthreads();
    float scores[TILES][4] = {}, slopes[TILES][4] = {};
    Core::multiply_rows(scores, query, keys, STRIDE);
    Core::multiply_rows(slopes, from_above, values, STRIDE);
    for (int n = 0; n < TILES; ++n)
      for (int half = 0; half < 2; ++half) {
        const unsigned column = n * 8 + 2 * (lane % 4);
        float masked[2] = {slopes[n][2 * half], slopes[n][2 * half + 1]};
        a.dropout.apply(masked, a.element(first + own + 8 * half) + key + column);
        for (int i = 0; i < 2; ++i) {
          const float score = scores[n][2 * half + i] * (a.scale * LOG2_E);
          const float probability = column + i < left ? exp2f(score - log_sums[half]) : 0;
          slopes[n][2 * half + i] = probability * (masked[i] - products[half]) * a.scale;
        }
      }
    Left to_scores[PASSING_ROWS / Core::DEPTH];
    Core::left_of_sums(to_scores, slopes);
    Core::multiply_columns(to_query, to_scores, keys, STRIDE);
    __syncthreads();
  }
  store_rows<E, N, D>(arguments.to_query + first_row * a.query_stride + head_column, a.query_stride, rows, a.width,
                      to_query);
}

EACH_WIDTH(attention_to_query, AttentionGradient)

template <class E, int N, int D>
__device__ void attention_to_key(const AttentionGradient<E>& arguments) {
  using Core = TensorCore<E>;
  constexpr int STRIDE = tile_stride<E, D>(), TILES = PASSING_ROWS / 8;
  const Attention<E>& a = arguments.forward;
  DYNAMIC_SHARED(shared);
  __shared__ float log_sums[PASSING_ROWS], products[PASSING_ROWS];
  E* queries = reinterpret_cast<E*>(shared);
  E* from_above = queries + PASSING_ROWS * STRIDE;
  const Sequence sequence = a.sequences[blockIdx.z];
  const unsigned first = blockIdx.x * ATTENTION_ROWS, head_column = blockIdx.y * a.width;
  if (first >= sequence.tokens) return;
  const unsigned lane = threadIdx.x % WARP, rows = sequence.tokens - first, hidden = a.heads * a.width;
  const unsigned own = threadIdx.x / WARP * 16 + lane / 4;

  Left key[D / Core::DEPTH], value[D / Core::DEPTH];
  const size_t kept = static_cast<size_t>(sequence.first_token + first) * a.key_stride + head_column;
  load_left<E, N, D>(key, queries, a.key + kept, a.key_stride, rows, a.width);
  load_left<E, N, D>(value, queries, a.value + kept, a.key_stride, rows, a.width);
  float to_key[D / 8][4] = {}, to_value[D / 8][4] = {};
  for (unsigned query = 0; query < sequence.queries; query += PASSING_ROWS) {
    const size_t row = sequence.first_query + query;
    const unsigned left = sequence.queries - query;
    load_tile<E, N, D>(queries, PASSING_ROWS, a.query + row * a.query_stride + head_column, a.query_stride, left,
                       a.width);
    load_tile<E, N, D>(from_above, PASSING_ROWS, arguments.from_above + row * hidden + head_column, hidden, left,
                       a.width);
    if (threadIdx.x < PASSING_ROWS) {
      const size_t place = (row + threadIdx.x) * a.heads + blockIdx.y;
      const bool there = threadIdx.x < left;
      log_sums[threadIdx.x] = there ? a.log_sums[place] : INFINITY;
      products[threadIdx.x] = there ? arguments.products[place] : 0;
    }
    __syncthreads();
    // Keys × queries.
    float scores[TILES][4] = {}, slopes[TILES][4] = {};
    Core::multiply_rows(scores, key, queries, STRIDE);
    Core::multiply_rows(slopes, value, from_above, STRIDE);
    for (int n = 0; n < TILES; ++n)
      for (int i = 0; i < 4; ++i) {
        const unsigned column = n * 8 + 2 * (lane % 4) + i % 2;
        const float probability = exp2f(scores[n][i] * (a.scale * LOG2_E) - log_sums[column]);
        float mask = 1;
        if (a.dropout.threshold != 0)
          mask = a.dropout.element(a.element(query + column) + first + own + i / 2 * 8);
        scores[n][i] = probability * mask;
        slopes[n][i] = probability * (slopes[n][i] * mask - products[column]) * a.scale;
      }
    Left operand[PASSING_ROWS / Core::DEPTH];
    Core::left_of_sums(operand, scores);
    Core::multiply_columns(to_value, operand, from_above, STRIDE);
    Core::left_of_sums(operand, slopes);
    Core::multiply_columns(to_key, operand, queries, STRIDE);
    __syncthreads();
  }
  store_rows<E, N, D>(arguments.to_key + kept, a.key_stride, rows, a.width, to_key);
  store_rows<E, N, D>(arguments.to_value + kept, a.key_stride, rows, a.width, to_value);
}

EACH_WIDTH(attention_to_key, AttentionGradient)
