// Rows picked out and put back.
#include "common.cuh"

// Row i of the result is row `numbers[i]`: a block a row.
template <class E>
struct GatherRows {
  const E* from;
  E* to;
  const unsigned* numbers;
  unsigned width;
};

template <class E, int N>
__device__ void gather_rows(const GatherRows<E>& a) {
  const E* from = a.from + static_cast<size_t>(a.numbers[blockIdx.x]) * a.width;
  E* to = a.to + static_cast<size_t>(blockIdx.x) * a.width;
  for (unsigned column = threadIdx.x; column < a.width; column += blockDim.x) to[column] = from[column];
}

EACH_FORMAT(gather_rows, GatherRows)

// Row `numbers[i]` of the result is row i: a block a row. The other rows stay as they are.
struct ScatterRows {
  const float* from;
  float* to;
  const unsigned* numbers;
  unsigned width;
};

KERNEL(scatter_rows, ScatterRows) {
  const ScatterRows& a = arguments;
  const float* from = a.from + static_cast<size_t>(blockIdx.x) * a.width;
  float* to = a.to + static_cast<size_t>(a.numbers[blockIdx.x]) * a.width;
  for (unsigned column = threadIdx.x; column < a.width; column += blockDim.x) to[column] = from[column];
}
