#pragma once
#include <algorithm>
#include <cstdint>

#include "operation.h"
#include "processors.h"

namespace pairloom {

// Parts of a sum are cut by this number, not by the number of threads: the same bits on any number of threads.
constexpr int64_t kBlocks = 32;

// Runs work(from, to) over [0, count) on TensorFlow's own threads. `cost` is in cycles a unit, about.
template <class Work>
void parallel(OpKernelContext* context, int64_t count, int64_t cost, const Work& work) {
  context->device()->tensorflow_cpu_worker_threads()->workers->ParallelFor(count, std::max<int64_t>(cost, 1), work);
}

// Runs work(block, from, to) for each of kBlocks parts of [0, count).
template <class Work>
void blockwise(OpKernelContext* context, int64_t count, int64_t cost, const Work& work) {
  parallel(context, kBlocks, cost * (count / kBlocks + 1), [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; block++)
      work(block, count * block / kBlocks, count * (block + 1) / kBlocks);
  });
}

}  // namespace pairloom
