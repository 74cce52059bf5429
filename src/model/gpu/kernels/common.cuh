// What all kernels share: number formats, vectors of neighbours, sums over a warp, dropout.
//
// The same sources are compiled by nvcc and, for the tests on machines without a GPU, by a C++ compiler with
// `emulator.h` in place of CUDA.
//
// A kernel is a template over the format of activations `E` (float or bf16) and over `N`, the neighbouring numbers that
// a thread takes at once: 4 where all widths are multiples of 4, else 1. It takes one argument, a structure that
// `arguments.rs` mirrors.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>
#define KERNEL(name, Arguments) extern "C" __global__ void name(const Arguments arguments)
#define DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]
#else
#include "emulator.h"
#define KERNEL(name, Arguments) extern "C" void name(const Arguments& arguments)
#define DYNAMIC_SHARED(name) unsigned char* name = emulator::dynamic_shared
#endif

// Makes the kernels `name_f32_1`, `name_f32_4`, `name_bf16_1` and `name_bf16_4` of the template `name`.
#define EACH_FORMAT(name, Arguments)                                                  \
  KERNEL(name##_f32_1, Arguments<float>) { name<float, 1>(arguments); }               \
  KERNEL(name##_f32_4, Arguments<float>) { name<float, 4>(arguments); }               \
  KERNEL(name##_bf16_1, Arguments<bf16>) { name<bf16, 1>(arguments); }                \
  KERNEL(name##_bf16_4, Arguments<bf16>) { name<bf16, 4>(arguments); }

constexpr unsigned WARP = 32;
constexpr unsigned ALL_LANES = 0xFFFFFFFF;

struct bf16 {
  unsigned short bits;
};

__device__ inline float widen(float value) { return value; }

__device__ inline float widen(bf16 value) {
  return __uint_as_float(static_cast<unsigned>(value.bits) << 16);
}

// Rounds to the nearest, ties to even.
template <class E>
__device__ inline E narrow(float value);

template <>
__device__ inline float narrow<float>(float value) {
  return value;
}

template <>
__device__ inline bf16 narrow<bf16>(float value) {
#ifdef __CUDACC__
  return {__bfloat16_as_ushort(__float2bfloat16_rn(value))};
#else
  return {emulator::round_to_bf16(value)};
#endif
}

// N neighbouring numbers, which are read and written at once.
template <class E, int N>
struct alignas(sizeof(E) * N) Neighbours {
  E values[N];
};

template <int N, class E>
__device__ inline void load(float (&values)[N], const E* from) {
  const auto found = *reinterpret_cast<const Neighbours<E, N>*>(from);
#pragma unroll
  for (int i = 0; i < N; ++i) values[i] = widen(found.values[i]);
}

template <int N, class E>
__device__ inline void store(E* to, const float (&values)[N]) {
  Neighbours<E, N> narrowed;
#pragma unroll
  for (int i = 0; i < N; ++i) narrowed.values[i] = narrow<E>(values[i]);
  *reinterpret_cast<Neighbours<E, N>*>(to) = narrowed;
}

// The sum over a warp, in each of its lanes.
template <class T>
__device__ inline T warp_sum(T value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(ALL_LANES, value, distance);
  return value;
}

// The mask of one site of dropout: `Sampler` in dropout.rs, bit for bit.
struct Dropout {
  unsigned long long stream;
  // Where it is 0, nothing is dropped and nothing scaled.
  unsigned threshold;
  float kept;

  __device__ inline unsigned long long draw(unsigned long long number) const {
    unsigned long long bits = stream + (number + 1) * 0x9E3779B97F4A7C15ull;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9ull;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBull;
    return bits ^ (bits >> 31);
  }

  __device__ inline float factor(unsigned half) const { return half < threshold ? 0.0f : kept; }

  // What element `index` of the site is multiplied with.
  __device__ inline float element(unsigned long long index) const {
    const unsigned long long bits = draw(index / 2);
    return factor(static_cast<unsigned>(index % 2 == 0 ? bits : bits >> 32));
  }

  // Multiplies neighbouring elements, of which the first has this index.
  template <int N>
  __device__ inline void apply(float (&values)[N], unsigned long long first) const {
    if (threshold == 0) return;
    if (N % 2 == 0 && first % 2 == 0) {
#pragma unroll
      for (int i = 0; i + 1 < N; i += 2) {
        const unsigned long long bits = draw(first / 2 + i / 2);
        values[i] *= factor(static_cast<unsigned>(bits));
        values[i + 1] *= factor(static_cast<unsigned>(bits >> 32));
      }
    } else {
#pragma unroll
      for (int i = 0; i < N; ++i) values[i] *= element(first + i);
    }
  }
};
