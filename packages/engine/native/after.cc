// x, once another tensor is there. TensorFlow's graph optimizer merges equal operations on equal inputs: behind this one,
// a computation that is done twice on purpose stays two.
#include "operation.h"

namespace pairloom {
namespace {

class After : public OpKernel {
 public:
  explicit After(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override { context->set_output(0, context->input(0)); }
};

REGISTER_OP("PairloomAfter")
    .Input("x: float")
    .Input("trigger: float")
    .Output("same: float")
    .SetShapeFn(UnchangedShape);
PAIRLOOM_KERNEL("PairloomAfter", After);

}  // namespace
}  // namespace pairloom
