// LayerNorm(dropout(product + bias) + residual): one warp a row.
#include "layer_norm.cuh"

template <class E>
struct Norm {
  // Rows × width.
  const E* product;
  const float* bias;
  const E* residual;
  const unsigned* slots;
  LayerNorm norm;
  Dropout dropout;
  // `normal` is null where no gradient is wanted.
  E* normal;
  float* scales;
  E* output;
  unsigned rows;
  unsigned width;
};

template <class E, int N>
__device__ void norm(const Norm<E>& a) {
  DYNAMIC_SHARED(shared);
  const unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  const unsigned number = blockIdx.x * (blockDim.x / WARP) + warp;
  if (number >= a.rows) return;
  float* row = reinterpret_cast<float*>(shared) + warp * a.width;
  const size_t start = static_cast<size_t>(number) * a.width;
  const unsigned long long first = static_cast<unsigned long long>(a.slots[number]) * a.width;
  for (unsigned i = 0, column; (column = lane_column<N>(i, lane)) < a.width; ++i) {
    float sum[N], bias[N], residual[N];
    load(sum, a.product + start + column);
    load(bias, a.bias + column);
    load(residual, a.residual + start + column);
    for (int j = 0; j < N; ++j) sum[j] += bias[j];
    a.dropout.apply(sum, first + column);
    for (int j = 0; j < N; ++j) row[column + j] = sum[j] + residual[j];
  }
  const Dropout none = {0, 0, 1.0f};
  const float scale =
      normalise<E, N>(row, a.width, a.norm, a.normal ? a.normal + start : nullptr, a.output + start, none, 0);
  if (lane == 0) a.scales[number] = scale;
}

EACH_FORMAT(norm, Norm)
