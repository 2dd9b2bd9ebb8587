// Every kernel of pairloom's own in one unit: TensorFlow's headers are read once.
#include "activations.cc"
#include "adamW.cc"
#include "after.cc"
#include "batchNorm.cc"
#include "layerNorm.cc"
#include "memory.cc"
#include "reductions.cc"
