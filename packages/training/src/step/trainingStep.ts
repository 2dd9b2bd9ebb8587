import * as tf from "@tensorflow/tfjs";
import type { Engine, ProgramOptions, Programs, ProgramSource } from "@pairloom/engine";
import type { TrainSettings } from "../settings/trainSettings.js";
import { type CachedProgramName, cachedPrograms, rowsAtOnce } from "./cachedPrograms.js";
import { partInputs, partSize, type StepBatch } from "./partInputs.js";
import { type StepSettings, stepSettings } from "./stepSettings.js";
import type { StepVariables } from "./stepVariables.js";
import { normLimit, stepRates } from "./updateParameters.js";
import { wholeBatchProgram } from "./wholeBatchProgram.js";

export interface StepResult {
  loss: number;
  /** Before clipping. */
  gradientNorm: number;
  /** exp(logit_scale) as the loss used it. */
  logitScale: number;
  /** Why the parameters were left as they were; null where they were updated. */
  refused: string | null;
}

/** The training step of one run: its programs, opened once, over the run's variables. Does not own the variables. */
export interface TrainingStep {
  /** @param step 1 for the first */
  run(batch: StepBatch, step: number, lr: number): Promise<StepResult>;
  /** Runs work that reads the variables, which are kept elsewhere while steps run. */
  withVariables<T>(work: () => Promise<T>): Promise<T>;
  dispose(): void;
}

/** Whether a step goes through its batch in parts: gradients are then added up in variables of their own. */
export function accumulates({
  accumulate,
  batchSize,
}: Pick<TrainSettings, "accumulate" | "batchSize">): boolean {
  // the table of logits of a larger batch would not be taken whole
  return accumulate > 1 || batchSize > 4096;
}

export function openTrainingStep(
  engine: Engine,
  variables: StepVariables,
  given: TrainSettings,
): TrainingStep {
  const settings = stepSettings(given, variables);
  const options = {
    variables: variables.all(),
    precision: settings.precision,
    xla: settings.xla,
  };
  if (!accumulates(settings)) {
    const step = wholeBatchProgram(variables, engine.ops, settings);
    return new WholeBatchStep(opened(engine, { step }, options), variables, settings);
  }
  const sources = cachedPrograms(variables, engine.ops, settings);
  return new CachedStep(opened(engine, sources, options), variables, settings);
}

/** Programs of sources whose samples are done with then. */
function opened<Name extends string>(
  engine: Engine,
  sources: Record<Name, ProgramSource>,
  options: ProgramOptions,
): Programs<Name> {
  try {
    return engine.openPrograms(sources, options);
  } finally {
    tf.dispose(Object.values<ProgramSource>(sources).flatMap(({ samples }) => [...samples]));
  }
}

class WholeBatchStep implements TrainingStep {
  constructor(
    private readonly programs: Programs<"step">,
    private readonly variables: StepVariables,
    private readonly settings: StepSettings,
  ) {}

  async run(batch: StepBatch, step: number, lr: number): Promise<StepResult> {
    const inputs = [
      ...partInputs(this.variables.config, this.settings, batch, step, 0),
      ratesOf(this.settings, step, lr),
    ];
    const facts = this.programs.run("step", inputs);
    tf.dispose(inputs);
    return readFacts(facts, this.settings);
  }

  withVariables<T>(work: () => Promise<T>): Promise<T> {
    return this.programs.withVariables(work);
  }

  dispose(): void {
    this.programs.dispose();
  }
}

class CachedStep implements TrainingStep {
  constructor(
    private readonly programs: Programs<CachedProgramName>,
    private readonly variables: StepVariables,
    private readonly settings: StepSettings,
  ) {}

  async run(batch: StepBatch, step: number, lr: number): Promise<StepResult> {
    const { programs, settings } = this;
    const { config } = this.variables;
    const { accumulate } = settings;
    const parts = Array.from({ length: accumulate }, (_, part) => part);
    const inputsOf = (part: number) => partInputs(config, settings, batch, step, part);
    const encoded = parts.map((part) => using(inputsOf(part), (inputs) => programs.run("encode", inputs)));
    const image = joined(encoded.map(([features]) => features!));
    const text = joined(encoded.map(([, features]) => features!));
    const loss = this.lossOf(image, text);
    for (const part of parts) {
      const slopes = [loss.dImage, loss.dText].map((all) => partRows(all, part, partSize(settings)));
      using([...inputsOf(part), ...slopes], (inputs) => tf.dispose(programs.run("accumulate", inputs)));
    }
    tf.dispose([image, text, loss.dImage, loss.dText]);
    const facts = using([loss.scalars, ratesOf(settings, step, lr)], (inputs) =>
      programs.run("update", inputs),
    );
    return readFacts(facts, settings);
  }

  /** The loss over the whole table of logits, some rows at a time, and its slopes by every feature. */
  private lossOf(image: tf.Tensor2D, text: tf.Tensor2D) {
    const rows = rowsAtOnce(this.settings);
    const directions =
      this.settings.loss === "clip"
        ? ([
            [image, text],
            [text, image],
          ] as const)
        : ([[image, text]] as const);
    let scalars: tf.Tensor = tf.zeros([3]);
    const slopes = directions.map(([queries, keys]) => {
      const dQueries: tf.Tensor2D[] = [];
      let dKeys: tf.Tensor = tf.zerosLike(keys);
      for (let at = 0; at < queries.shape[0]; at += rows) {
        const inputs = [partRows(queries, at / rows, rows), keys, tf.range(at, at + rows, 1, "int32")];
        const [facts, dOwn, dOthers] = this.programs.run("lossRows", inputs);
        dQueries.push(dOwn as tf.Tensor2D);
        scalars = addUp(scalars, facts!);
        dKeys = addUp(dKeys, dOthers!);
        tf.dispose([inputs[0]!, inputs[2]!]);
      }
      return { dQueries: joined(dQueries), dKeys: dKeys as tf.Tensor2D };
    });
    const [byRow, byColumn] = slopes as [(typeof slopes)[0], (typeof slopes)[0] | undefined];
    return {
      scalars,
      dImage:
        byColumn === undefined ? byRow.dQueries : (addUp(byRow.dQueries, byColumn.dKeys) as tf.Tensor2D),
      dText: byColumn === undefined ? byRow.dKeys : (addUp(byRow.dKeys, byColumn.dQueries) as tf.Tensor2D),
    };
  }

  withVariables<T>(work: () => Promise<T>): Promise<T> {
    return this.programs.withVariables(work);
  }

  dispose(): void {
    this.programs.dispose();
  }
}

function ratesOf({ beta1, beta2 }: TrainSettings, step: number, lr: number): tf.Tensor1D {
  return tf.tensor1d(stepRates(step, lr, beta1, beta2));
}

async function readFacts(facts: tf.Tensor[], { mostLoss }: StepSettings): Promise<StepResult> {
  const [loss = NaN, gradientNorm = NaN, logitScale = NaN, updated = 0] = await facts[0]!.data<"float32">();
  tf.dispose(facts);
  return {
    loss,
    gradientNorm,
    logitScale,
    refused: updated === 0 ? refusal(loss, gradientNorm, mostLoss) : null,
  };
}

function refusal(loss: number, norm: number, mostLoss: number): string {
  if (!Number.isFinite(loss)) return `the loss is ${loss}`;
  if (!(norm <= normLimit)) return `the gradient's norm is ${norm}`;
  return `the loss exploded to ${loss.toFixed(1)} (limit ${mostLoss.toFixed(1)})`;
}

function using<T>(tensors: tf.Tensor[], work: (tensors: tf.Tensor[]) => T): T {
  try {
    return work(tensors);
  } finally {
    tf.dispose(tensors);
  }
}

/** Parts one below the other; they are disposed. */
function joined(parts: tf.Tensor[]): tf.Tensor2D {
  return using(parts, () => tf.concat(parts, 0) as tf.Tensor2D);
}

function addUp(sum: tf.Tensor, more: tf.Tensor): tf.Tensor {
  return using([sum, more], () => tf.add(sum, more));
}

function partRows(all: tf.Tensor2D, part: number, rows: number): tf.Tensor2D {
  return tf.slice(all, [part * rows, 0], [rows, all.shape[1]]);
}
