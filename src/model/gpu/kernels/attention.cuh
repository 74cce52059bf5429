// What attention and its gradient share.
#pragma once
#include "tensor_core.cuh"

// Threads of a block, and the rows that its four warps keep while others pass by.
constexpr unsigned ATTENTION_THREADS = 128;
constexpr unsigned ATTENTION_ROWS = 64;
// Rows that pass by at once.
constexpr unsigned PASSING_ROWS = 32;

constexpr float LOG2_E = 1.4426950408889634f;

// One sequence of a batch: where its queries and tokens begin, and how many there are.
struct Sequence {
  unsigned first_query;
  unsigned queries;
  unsigned first_token;
  unsigned tokens;
};

// softmax(Q Kᵀ · scale) V with dropout on the probabilities, a block for each piece of rows (x), head (y) and sequence
// (z). Heads lie side by side in a row.
template <class E>
struct Attention {
  const E* query;
  const E* key;
  const E* value;
  // From row to row of queries, and of keys and values.
  unsigned query_stride;
  unsigned key_stride;
  const Sequence* sequences;
  unsigned heads;
  // Numbers a head, at most the kernel's `D`.
  unsigned width;
  // Tokens a sequence with padding: dropout numbers its elements as if there were any.
  unsigned padded_length;
  float scale;
  Dropout dropout;
  // Queries × heads: the logarithm to base 2 of the sum below each softmax.
  float* log_sums;
  // Queries × (heads · width).
  E* context;

  // The element of dropout that belongs to the head's first key for this query.
  __device__ unsigned long long element(unsigned query) const {
    return (static_cast<unsigned long long>(blockIdx.z * heads + blockIdx.y) * padded_length + query) * padded_length;
  }
};

template <class E, int D>
__device__ constexpr int tile_stride() {
  return D + TensorCore<E>::PADDING;
}

// Copies rows of one head into a tile; what is beyond them is zero.
template <class E, int N, int D>
__device__ inline void load_tile(E* tile, unsigned tile_rows, const E* from, unsigned stride, unsigned rows,
                                 unsigned width) {
  constexpr unsigned GROUPS = D / N;
  for (unsigned i = threadIdx.x; i < tile_rows * GROUPS; i += ATTENTION_THREADS) {
    const unsigned row = i / GROUPS, column = i % GROUPS * N;
    Neighbours<E, N> values = {};
    if (row < rows && column < width)
      values = *reinterpret_cast<const Neighbours<E, N>*>(from + static_cast<size_t>(row) * stride + column);
    *reinterpret_cast<Neighbours<E, N>*>(tile + row * tile_stride<E, D>() + column) = values;
  }
}

// The rows that this warp keeps, as left operands. The tile is free for others afterwards.
template <class E, int N, int D, int COUNT>
__device__ inline void load_left(Left (&left)[COUNT], E* tile, const E* from, unsigned stride, unsigned rows,
                                 unsigned width) {
  load_tile<E, N, D>(tile, ATTENTION_ROWS, from, stride, rows, width);
  __syncthreads();
  TensorCore<E>::left(left, tile + threadIdx.x / WARP * 16 * tile_stride<E, D>(), tile_stride<E, D>());
  __syncthreads();
}

// Writes this warp's sums; `rows` is how many of the block's rows there are.
template <class E, int N, int D>
__device__ inline void store_rows(E* to, unsigned stride, unsigned rows, unsigned width, const float (&sums)[D / 8][4]) {
  const unsigned lane = threadIdx.x % WARP;
  for (int n = 0; n < D / 8; ++n)
    for (int half = 0; half < 2; ++half) {
      const unsigned row = threadIdx.x / WARP * 16 + lane / 4 + 8 * half, column = n * 8 + 2 * (lane % 4);
      if (row >= rows || column >= width) continue;
      E* place = to + static_cast<size_t>(row) * stride + column;
      if (N > 1) {
        const float pair[2] = {sums[n][2 * half], sums[n][2 * half + 1]};
        store(place, pair);
      } else {
        place[0] = narrow<E>(sums[n][2 * half]);
        if (column + 1 < width) place[1] = narrow<E>(sums[n][2 * half + 1]);
      }
    }
}

// Kernels for heads of up to 32, 64 and 128 numbers.
#define EACH_WIDTH(name, Arguments)                                                       \
  KERNEL(name##_f32_1_32, Arguments<float>) { name<float, 1, 32>(arguments); }            \
  KERNEL(name##_f32_1_64, Arguments<float>) { name<float, 1, 64>(arguments); }            \
  KERNEL(name##_f32_1_128, Arguments<float>) { name<float, 1, 128>(arguments); }          \
  KERNEL(name##_f32_4_32, Arguments<float>) { name<float, 4, 32>(arguments); }            \
  KERNEL(name##_f32_4_64, Arguments<float>) { name<float, 4, 64>(arguments); }            \
  KERNEL(name##_f32_4_128, Arguments<float>) { name<float, 4, 128>(arguments); }          \
  KERNEL(name##_bf16_1_32, Arguments<bf16>) { name<bf16, 1, 32>(arguments); }             \
  KERNEL(name##_bf16_1_64, Arguments<bf16>) { name<bf16, 1, 64>(arguments); }             \
  KERNEL(name##_bf16_1_128, Arguments<bf16>) { name<bf16, 1, 128>(arguments); }           \
  KERNEL(name##_bf16_4_32, Arguments<bf16>) { name<bf16, 4, 32>(arguments); }             \
  KERNEL(name##_bf16_4_64, Arguments<bf16>) { name<bf16, 4, 64>(arguments); }             \
  KERNEL(name##_bf16_4_128, Arguments<bf16>) { name<bf16, 4, 128>(arguments); }
