#pragma once

// A loop compiled for several processors, of which the one at hand is chosen. (GCC's own way, target_clones, passes over
// templates without a word.) A loop is a struct with a function `PAIRLOOM_LOOP(arguments)`; onProcessor<Loop>(arguments)
// runs it. A product is rounded before it is added (-ffp-contract=off): one number comes out the same on all processors,
// only the order within a sum over many differs.
#define PAIRLOOM_LOOP static inline __attribute__((always_inline)) auto run

namespace pairloom {

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

enum class Processor { kPlain, kAvx2, kAvx512 };

inline Processor processorHere() {
  __builtin_cpu_init();
  const auto all = [](auto... has) { return (has && ...); };
  if (all(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"), __builtin_cpu_supports("avx512cd"),
          __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512vl")))
    return Processor::kAvx512;
  if (all(__builtin_cpu_supports("avx2"), __builtin_cpu_supports("fma"), __builtin_cpu_supports("bmi2")))
    return Processor::kAvx2;
  return Processor::kPlain;
}

template <class Loop, class... Arguments>
__attribute__((noinline, target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512"))) auto
runAvx512(Arguments... arguments) {
  return Loop::run(arguments...);
}
template <class Loop, class... Arguments>
__attribute__((noinline, target("avx2,fma"))) auto runAvx2(Arguments... arguments) {
  return Loop::run(arguments...);
}

template <class Loop, class... Arguments>
auto onProcessor(Arguments... arguments) {
  static const Processor here = processorHere();
  switch (here) {
    case Processor::kAvx512:
      return runAvx512<Loop>(arguments...);
    case Processor::kAvx2:
      return runAvx2<Loop>(arguments...);
    default:
      return Loop::run(arguments...);
  }
}

#else

template <class Loop, class... Arguments>
auto onProcessor(Arguments... arguments) {
  return Loop::run(arguments...);
}

#endif

}  // namespace pairloom
