#pragma once
// What the source of every operation starts from.
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace pairloom {

using tensorflow::bfloat16;
using tensorflow::DEVICE_CPU;
using tensorflow::OpInputList;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ScalarShape;
using tensorflow::shape_inference::UnchangedShape;

// An operation's kernel, of all types and for numbers of one type.
#define PAIRLOOM_KERNEL(title, ...) REGISTER_KERNEL_BUILDER(Name(title).Device(DEVICE_CPU), __VA_ARGS__)
#define PAIRLOOM_KERNEL_OF(T, title, ...) \
  REGISTER_KERNEL_BUILDER(Name(title).Device(DEVICE_CPU).TypeConstraint<T>("T"), __VA_ARGS__)

}  // namespace pairloom
