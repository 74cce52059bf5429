// Sums over rows, in an order that depends on nothing but the number of rows: first within pieces of rows, then over
// the pieces.
#include "common.cuh"

constexpr unsigned SUM_ROWS = 32;

// A block takes a piece of the rows and some of the columns.
template <class E>
struct ColumnSums {
  // Rows × width.
  const E* values;
  // Pieces × width.
  float* sums;
  unsigned rows;
  unsigned width;
};

template <class E, int N>
__device__ void column_sums(const ColumnSums<E>& a) {
  const unsigned first = blockIdx.x * SUM_ROWS;
  const unsigned rows = min(SUM_ROWS, a.rows - first);
  const unsigned column = (blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (column >= a.width) return;
  float sums[N] = {};
  for (unsigned i = 0; i < rows; ++i) {
    float values[N];
    load(values, a.values + static_cast<size_t>(first + i) * a.width + column);
    for (int j = 0; j < N; ++j) sums[j] += values[j];
  }
  store(a.sums + static_cast<size_t>(blockIdx.x) * a.width + column, sums);
}

EACH_FORMAT(column_sums, ColumnSums)

// Adds the sums of pieces to gradients of up to three parameters that lie side by side in each piece. A block has eight
// warps and takes 32 columns; each warp adds up every eighth piece.
struct AddSums {
  // Pieces × parameters × width.
  const float* sums;
  float* to[3];
  unsigned pieces;
  unsigned parameters;
  unsigned width;
};

KERNEL(add_sums, AddSums) {
  const AddSums& a = arguments;
  __shared__ float found[8][WARP];
  const unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  const unsigned column = blockIdx.x * WARP + lane, columns = a.parameters * a.width;
  float sum = 0;
  if (column < columns) {
#pragma unroll 4
    for (unsigned piece = warp; piece < a.pieces; piece += 8) sum += a.sums[static_cast<size_t>(piece) * columns + column];
  }
  found[warp][lane] = sum;
  __syncthreads();
  if (warp == 0 && column < columns) {
    for (unsigned other = 1; other < 8; ++other) sum += found[other][lane];
    float* to = a.to[column / a.width];
    if (to) to[column % a.width] += sum;
  }
}

// Sums of chosen rows, for the gradients of tables: a block a list.
struct ListSums {
  // Rows × width.
  const float* values;
  // Numbers of rows, one list after the other, and where each list begins, and the end.
  const unsigned* rows;
  const unsigned* starts;
  // Where each list's sum belongs; null: its own number.
  const unsigned* places;
  // Places × width.
  float* sums;
  // Whether to add to what is there.
  unsigned add;
  unsigned width;
};

KERNEL(list_sums, ListSums) {
  const ListSums& a = arguments;
  const unsigned list = blockIdx.x, from = a.starts[list], end = a.starts[list + 1];
  float* sums = a.sums + static_cast<size_t>(a.places ? a.places[list] : list) * a.width;
  for (unsigned column = threadIdx.x; column < a.width; column += blockDim.x) {
    float sum = 0;
#pragma unroll 4
    for (unsigned i = from; i < end; ++i) {
      const unsigned row = a.rows ? a.rows[i] : i;
      sum += a.values[static_cast<size_t>(row) * a.width + column];
    }
    sums[column] = a.add ? sums[column] + sum : sum;
  }
}
