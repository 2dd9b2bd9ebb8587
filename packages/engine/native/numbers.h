#pragma once
#include <cstdint>
#include <cstring>

#include "operation.h"


namespace pairloom {

// Numbers as tensors keep them, float32 or bfloat16; every computation is in float32. No branches: loops over them
// become vector instructions.

inline __attribute__((always_inline)) float load(const float* from) { return *from; }
inline __attribute__((always_inline)) void store(float value, float* to) { *to = value; }

inline __attribute__((always_inline)) float load(const bfloat16* from) {
  uint16_t half;
  std::memcpy(&half, from, sizeof half);
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Rounds to the nearest, to even where two are as near; NaN stays NaN.
inline __attribute__((always_inline)) void store(float value, bfloat16* to) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const bool isNumber = (bits & 0x7fffffffu) <= 0x7f800000u;
  const uint16_t half = static_cast<uint16_t>(isNumber ? rounded : 0x7fc0u);
  std::memcpy(to, &half, sizeof half);
}

}  // namespace pairloom
