// x, once another tensor is there. TensorFlow's graph optimizer merges equal operations on equal inputs: behind this one,
// a computation that is done twice on purpose stays two.
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace pairloom {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;

class After : public OpKernel {
 public:
  explicit After(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override { context->set_output(0, context->input(0)); }
};

REGISTER_OP("PairloomAfter")
    .Input("x: float")
    .Input("trigger: float")
    .Output("same: float")
    .SetShapeFn(tensorflow::shape_inference::UnchangedShape);
REGISTER_KERNEL_BUILDER(Name("PairloomAfter").Device(tensorflow::DEVICE_CPU), After);

}  // namespace
}  // namespace pairloom
