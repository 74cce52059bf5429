// GELU with the normal distribution itself, and its gradient.
#include "common.cuh"

constexpr unsigned GELU_ROWS = 32;

__device__ inline float normal_probability(float x) { return 0.5f * (1.0f + erff(x * 0.70710678118654752f)); }

template <class E>
struct Gelu {
  const E* input;
  E* output;
  unsigned long long count;
};

template <class E, int N>
__device__ void gelu(const Gelu<E>& a) {
  const unsigned long long place = (static_cast<unsigned long long>(blockIdx.x) * blockDim.x + threadIdx.x) * N;
  if (place >= a.count) return;
  float values[N];
  load(values, a.input + place);
  for (int j = 0; j < N; ++j) values[j] *= normal_probability(values[j]);
  store(a.output + place, values);
}

EACH_FORMAT(gelu, Gelu)

// A block takes a piece of the rows and some of the columns.
template <class E>
struct GeluGradient {
  // Rows × width: what went in, and the gradient with respect to what came out, which becomes that with respect to what
  // went in.
  const E* input;
  E* gradient;
  // Pieces × width: sums over a piece's rows.
  float* sums;
  unsigned rows;
  unsigned width;
};

template <class E, int N>
__device__ void gelu_gradient(const GeluGradient<E>& a) {
  const unsigned first = blockIdx.x * GELU_ROWS;
  const unsigned rows = min(GELU_ROWS, a.rows - first);
  const unsigned column = (blockIdx.y * blockDim.x + threadIdx.x) * N;
  if (column >= a.width) return;
  float sums[N] = {};
  for (unsigned i = 0; i < rows; ++i) {
    const size_t place = static_cast<size_t>(first + i) * a.width + column;
    float input[N], gradient[N];
    load(input, a.input + place);
    load(gradient, a.gradient + place);
    for (int j = 0; j < N; ++j) {
      const float density = 0.3989422804014327f * expf(-0.5f * input[j] * input[j]);
      gradient[j] = widen(narrow<E>(gradient[j] * (normal_probability(input[j]) + input[j] * density)));
      sums[j] += gradient[j];
    }
    store(a.gradient + place, gradient);
  }
  store(a.sums + static_cast<size_t>(blockIdx.x) * a.width + column, sums);
}

EACH_FORMAT(gelu_gradient, GeluGradient)
