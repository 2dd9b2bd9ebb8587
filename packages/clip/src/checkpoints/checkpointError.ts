import { UserError } from "@pairloom/config/errors";

export type CheckpointProblem =
  | "checkpoint_truncated"
  | "checkpoint_header_invalid"
  | "checkpoint_header_too_large"
  | "checkpoint_tensor_overlap"
  | "checkpoint_tensor_range"
  | "checkpoint_dtype_unknown"
  | "checkpoint_tensor_missing"
  | "checkpoint_tensor_extra"
  | "checkpoint_tensor_shape"
  | "checkpoint_tensor_dtype"
  | "checkpoint_not_finite"
  | "checkpoint_format_unknown"
  | "checkpoint_layout_unknown"
  | "checkpoint_layout_unsupported"
  | "checkpoint_model_unknown"
  | "checkpoint_model_contradicted"
  | "checkpoint_several_models"
  | "checkpoint_too_large"
  | "pytorch_zip_invalid"
  | "pytorch_pickle_invalid"
  | "pytorch_pickle_refused"
  | "pytorch_storage_invalid"
  | "pytorch_not_state_dict";

/** A file of weights that can't be used; nothing of it was taken over. */
export class CheckpointError extends UserError {
  constructor(
    readonly problem: CheckpointProblem,
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super(problem, message, options);
    this.name = "CheckpointError";
  }
}
