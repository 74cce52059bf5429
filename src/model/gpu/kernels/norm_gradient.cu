// The gradient of y = LayerNorm(dropout(p) + r), where p is a product with a bias.
//
// A block takes a piece of the rows. First its warps find the two means that a row's gradient needs, then its threads go
// down the piece's rows, each with its own columns, so that the sums over rows stay in registers. The rows are read
// twice, the second time from the cache.
#include "common.cuh"

constexpr unsigned NORM_ROWS = 16;

template <class E>
struct NormGradient {
  // Rows × width: with respect to y; becomes that with respect to the sum, which is also that with respect to r.
  float* gradient;
  // x̂ and 1 / sqrt(variance + epsilon), as the forward pass wrote them.
  const E* normal;
  const float* scales;
  const float* weight;
  const unsigned* slots;
  // Of what came behind y, and of p.
  Dropout behind;
  Dropout dropout;
  // With respect to p, rows × width; null where there is no p.
  E* to_product;
  // Pieces × 3 × width: sums over a piece's rows for LayerNorm's weight, its bias, and p's bias.
  float* sums;
  unsigned rows;
  unsigned width;
};

template <class E, int N>
__device__ void norm_gradient(const NormGradient<E>& a) {
  __shared__ float means[NORM_ROWS][2];
  const unsigned first = blockIdx.x * NORM_ROWS;
  const unsigned rows = min(NORM_ROWS, a.rows - first);
  const unsigned lane = threadIdx.x % WARP;
  for (unsigned i = threadIdx.x / WARP; i < rows; i += blockDim.x / WARP) {
    const size_t start = static_cast<size_t>(first + i) * a.width;
    const unsigned long long element = static_cast<unsigned long long>(a.slots[first + i]) * a.width;
    float sum = 0, product = 0;
    for (unsigned column = lane * N; column < a.width; column += WARP * N) {
      float gradient[N], normal[N], weight[N];
      load(gradient, a.gradient + start + column);
      load(normal, a.normal + start + column);
      load(weight, a.weight + column);
      a.behind.apply(gradient, element + column);
      for (int j = 0; j < N; ++j) {
        sum += gradient[j] * weight[j];
        product += gradient[j] * weight[j] * normal[j];
      }
    }
    sum = warp_sum(sum);
    product = warp_sum(product);
    if (lane == 0) {
      means[i][0] = sum / a.width;
      means[i][1] = product / a.width;
    }
  }
  __syncthreads();
  for (unsigned column = threadIdx.x * N; column < a.width; column += blockDim.x * N) {
    float weight[N], to_weight[N] = {}, to_bias[N] = {}, to_product_bias[N] = {};
    load(weight, a.weight + column);
    for (unsigned i = 0; i < rows; ++i) {
      const size_t place = static_cast<size_t>(first + i) * a.width + column;
      const unsigned long long element = static_cast<unsigned long long>(a.slots[first + i]) * a.width + column;
      const float scale = a.scales[first + i];
      float gradient[N], normal[N];
      load(gradient, a.gradient + place);
      load(normal, a.normal + place);
      a.behind.apply(gradient, element);
      for (int j = 0; j < N; ++j) {
        to_weight[j] += gradient[j] * normal[j];
        to_bias[j] += gradient[j];
        gradient[j] = scale * (gradient[j] * weight[j] - means[i][0] - normal[j] * means[i][1]);
      }
      store(a.gradient + place, gradient);
      if (a.to_product) {
        a.dropout.apply(gradient, element);
        for (int j = 0; j < N; ++j) to_product_bias[j] += gradient[j];
        store(a.to_product + place, gradient);
      }
    }
    float* sums = a.sums + static_cast<size_t>(blockIdx.x) * 3 * a.width + column;
    store(sums, to_weight);
    store(sums + a.width, to_bias);
    store(sums + 2 * a.width, to_product_bias);
  }
}

EACH_FORMAT(norm_gradient, NormGradient)
