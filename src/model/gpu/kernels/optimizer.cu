// AdamW as adamw.rs computes it, and clipping by the global norm, without a word from the processor in between.
#include "common.cuh"

// The sum over a block of 256 threads, in its first thread.
__device__ inline double block_sum(double value) {
  __shared__ double found[8];
  value = warp_sum(value);
  if (threadIdx.x % WARP == 0) found[threadIdx.x / WARP] = value;
  __syncthreads();
  if (threadIdx.x == 0)
    for (unsigned warp = 1; warp < 8; ++warp) value += found[warp];
  return value;
}

// Sums of squares, one a block.
struct Squares {
  const float* values;
  double* sums;
  unsigned long long count;
};

KERNEL(squares, Squares) {
  const Squares& a = arguments;
  double sum = 0;
  const unsigned long long step = static_cast<unsigned long long>(gridDim.x) * blockDim.x;
  for (unsigned long long i = static_cast<unsigned long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < a.count;) {
    // Few enough numbers at once for f32, whose sums are faster.
    float part = 0;
    for (unsigned j = 0; j < 16 && i < a.count; ++j, i += step) part += a.values[i] * a.values[i];
    sum += part;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) a.sums[blockIdx.x] = sum;
}

// What a step found.
struct StepFindings {
  double loss;
  double norm;
};

struct Clip {
  const double* sums;
  // Of `Squares`.
  unsigned blocks;
  double max_norm;
  StepFindings* findings;
  // What gradients are multiplied with.
  float* factor;
};

KERNEL(clip, Clip) {
  const Clip& a = arguments;
  double sum = 0;
  for (unsigned i = threadIdx.x; i < a.blocks; i += blockDim.x) sum += a.sums[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) {
    const double norm = sqrt(sum);
    a.findings->norm = norm;
    const double factor = a.max_norm / (norm + 1e-6);
    // A step that has diverged must change nothing: the factor says so by not being a number.
    const bool diverged = !isfinite(norm) || !isfinite(a.findings->loss);
    *a.factor = diverged ? __uint_as_float(0x7FC00000u) : static_cast<float>(factor < 1 ? factor : 1);
  }
}

// A part of one parameter.
struct Piece {
  unsigned long long start;
  unsigned length;
  unsigned decays;
};

// A block a piece. What is multiplied with is computed by adamw.rs.
template <class E>
struct AdamW {
  float* parameters;
  const float* gradient;
  float* first;
  float* second;
  // The parameters in the format of products; null where that is theirs.
  E* narrowed;
  const Piece* pieces;
  const float* factor;
  float decay;
  float step;
  float root_correction;
};

template <class E, int N>
__device__ inline void adamw_update(const AdamW<E>& a, unsigned long long place, float clip, float decay) {
  float parameter[N], gradient[N], first[N], second[N];
  load(parameter, a.parameters + place);
  load(gradient, a.gradient + place);
  load(first, a.first + place);
  load(second, a.second + place);
#pragma unroll
  for (int j = 0; j < N; ++j) {
    const float clipped = gradient[j] * clip;
    first[j] = first[j] * 0.9f + clipped * 0.1f;
    second[j] = second[j] * 0.999f + clipped * clipped * 0.001f;
    parameter[j] = parameter[j] * decay - a.step * first[j] / (sqrtf(second[j]) / a.root_correction + 1e-8f);
  }
  store(a.parameters + place, parameter);
  store(a.first + place, first);
  store(a.second + place, second);
  if (a.narrowed) store(a.narrowed + place, parameter);
}

template <class E, int N>
__device__ void adamw(const AdamW<E>& a) {
  const Piece piece = a.pieces[blockIdx.x];
  const float clip = *a.factor, decay = piece.decays ? a.decay : 1.0f;
  if (!isfinite(clip)) return;
  // A parameter begins at a multiple of N, but need not end at one.
  const unsigned whole = piece.length / N * N;
  for (unsigned i = threadIdx.x * N; i < whole; i += blockDim.x * N) adamw_update<E, N>(a, piece.start + i, clip, decay);
  if (threadIdx.x < piece.length - whole) adamw_update<E, 1>(a, piece.start + whole + threadIdx.x, clip, decay);
}

EACH_FORMAT(adamw, AdamW)

// Parameters in the format of products.
template <class E>
struct Narrow {
  const float* from;
  E* to;
  unsigned long long count;
};

template <class E, int N>
__device__ void narrowed(const Narrow<E>& a) {
  const unsigned long long place = static_cast<unsigned long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (place < a.count) a.to[place] = narrow<E>(a.from[place]);
}

EACH_FORMAT(narrowed, Narrow)
