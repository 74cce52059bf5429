// Words, positions and types, summed, normalised and dropped out: one warp a token.
#include "layer_norm.cuh"

template <class E>
struct Embed {
  const float* words;
  const float* positions;
  const float* types;
  // One a token: the rows of the tables, and where the token stands in the padded batch.
  const unsigned* word_ids;
  const unsigned* position_ids;
  const unsigned* type_ids;
  const unsigned* slots;
  LayerNorm norm;
  Dropout dropout;
  // Tokens × width; `normal` is null where no gradient is wanted.
  E* normal;
  float* scales;
  E* output;
  unsigned tokens;
  unsigned width;
};

template <class E, int N>
__device__ void embed(const Embed<E>& a) {
  DYNAMIC_SHARED(shared);
  const unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  const unsigned token = blockIdx.x * (blockDim.x / WARP) + warp;
  if (token >= a.tokens) return;
  float* row = reinterpret_cast<float*>(shared) + warp * a.width;
  const float* word = a.words + static_cast<size_t>(a.word_ids[token]) * a.width;
  const float* position = a.positions + static_cast<size_t>(a.position_ids[token]) * a.width;
  const float* type = a.types + static_cast<size_t>(a.type_ids[token]) * a.width;
  for (unsigned i = 0, column; (column = lane_column<N>(i, lane)) < a.width; ++i) {
    float sum[N], more[N];
    load(sum, word + column);
    load(more, type + column);
    for (int j = 0; j < N; ++j) sum[j] += more[j];
    load(more, position + column);
    for (int j = 0; j < N; ++j) row[column + j] = sum[j] + more[j];
  }
  const size_t start = static_cast<size_t>(token) * a.width;
  const float scale = normalise<E, N>(row, a.width, a.norm, a.normal ? a.normal + start : nullptr, a.output + start,
                                      a.dropout, static_cast<unsigned long long>(a.slots[token]) * a.width);
  if (lane == 0) a.scales[token] = scale;
}

EACH_FORMAT(embed, Embed)
