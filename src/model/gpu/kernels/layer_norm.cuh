// LayerNorm of one row by one warp.
#pragma once
#include "common.cuh"

// Where the N numbers that a lane takes in its turn `i` begin.
template <int N>
__device__ inline unsigned lane_column(unsigned i, unsigned lane) {
  return (i * WARP + lane) * N;
}

// y = x̂ w + b with x̂ = (x - mean) / sqrt(variance + epsilon).
struct LayerNorm {
  const float* weight;
  const float* bias;
  float epsilon;
};

// Normalises `row`, of which each lane has written the numbers that it takes. Writes x̂ to `normal` where that is not
// null, and `output`, dropped out where `dropout` says so; the first number of the row is element `first` of its site.
// Returns 1 / sqrt(variance + epsilon).
template <class E, int N>
__device__ inline float normalise(const float* row, unsigned width, const LayerNorm& norm, E* normal, E* output,
                                  const Dropout& dropout, unsigned long long first) {
  const unsigned lane = threadIdx.x % WARP;
  float sum = 0;
  for (unsigned i = 0, column; (column = lane_column<N>(i, lane)) < width; ++i)
    for (int j = 0; j < N; ++j) sum += row[column + j];
  const float mean = warp_sum(sum) / width;
  float squares = 0;
  for (unsigned i = 0, column; (column = lane_column<N>(i, lane)) < width; ++i)
    for (int j = 0; j < N; ++j) squares += (row[column + j] - mean) * (row[column + j] - mean);
  const float scale = 1.0f / sqrtf(warp_sum(squares) / width + norm.epsilon);
  for (unsigned i = 0, column; (column = lane_column<N>(i, lane)) < width; ++i) {
    float values[N], weight[N], bias[N];
    load(weight, norm.weight + column);
    load(bias, norm.bias + column);
    for (int j = 0; j < N; ++j) values[j] = (row[column + j] - mean) * scale;
    if (normal) store(normal + column, values);
    // Rounded before it is dropped out, as the processor's engine does.
    for (int j = 0; j < N; ++j) values[j] = widen(narrow<E>(values[j] * weight[j] + bias[j]));
    dropout.apply(values, first + column);
    store(output + column, values);
  }
  return scale;
}
