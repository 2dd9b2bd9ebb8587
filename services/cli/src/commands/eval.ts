import type { Command } from "commander";
import { addProbeCommand } from "./evalProbe.js";
import { addRetrievalCommand } from "./evalRetrieval.js";
import { addZeroShotCommand } from "./evalZeroShot.js";

/** `pairloom eval`: what a model can do without further training; results in CLIP_benchmark's form. */
export function addEvalCommand(program: Command): void {
  const evaluation = program
    .command("eval")
    .description("zero-shot accuracy, retrieval and linear probe of a checkpoint, in CLIP_benchmark's form");
  for (const add of [addZeroShotCommand, addRetrievalCommand, addProbeCommand]) add(evaluation);
}
