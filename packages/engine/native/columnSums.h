#pragma once
#include <vector>

#include "parallel.h"

namespace pairloom {

// Adds up, column by column, what add(row, sums) adds to `sums` [width] for each row: in blocks, then over blocks.
template <class AddRows>
void columnSums(OpKernelContext* context, int64_t rows, int64_t width, float* sums,
                const AddRows& addRows) {
  std::vector<float> parts(kBlocks * width, 0.0f);
  blockwise(context, rows, width, [&](int64_t block, int64_t from, int64_t to) {
    if (from < to) addRows(from, to, parts.data() + block * width);
  });
  std::copy(parts.begin(), parts.begin() + width, sums);
  for (int64_t block = 1; block < kBlocks; block++) {
    const float* part = parts.data() + block * width;
    for (int64_t i = 0; i < width; i++) sums[i] += part[i];
  }
}

}  // namespace pairloom
