import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "@tensorflow/tfjs";
import { UserError } from "@pairloom/config/errors";
import { collectGarbage } from "../../collectGarbage.js";
import type { Tf } from "../../engine.js";
import type { OpenPrograms, ProgramOptions, Programs, ProgramSource } from "../../programs.js";
import { runOp } from "../kernels/nativeKernels.js";
import { dataType, type NodeBackend } from "./binding.js";
import { GraphBuilder, type GraphVariable, type ProgramNodes } from "./graphBuilder.js";
import { savedModel } from "./graphDef.js";
import { recordOps, type RecordedProgram } from "./recordOps.js";
import { xlaNotLoaded } from "./xlaNotLoaded.js";

const tagName = "pairloom";
/** A protocol buffer's limit. Weights are not in the graph, so that only constants count. */
const maxGraphBytes = 2 ** 31 - 1;

/**
 * Compiles programs for TensorFlow: each is run once, operation by operation, on its sample inputs, and its operations
 * become a graph whose later runs are one session call each. The variables' values live in the session from then on. The
 * run that records leaves the variables as they were.
 *
 * @param library.xla whether TensorFlow was loaded with XLA; programs that ask for it throw UserError "xla_not_loaded"
 * where it was not
 */
export function compilePrograms(tf: Tf, library: { xla: boolean; trimMemory?: () => void }): OpenPrograms {
  const backend = tf.backend() as unknown as NodeBackend;
  return (sources, options) => {
    if (options.xla === true && !library.xla) throw xlaNotLoaded();
    return new CompiledPrograms(tf, backend, sources, options, library.trimMemory ?? (() => {}));
  };
}

class CompiledPrograms<Name extends string> implements Programs<Name> {
  readonly #session: number;
  readonly #nodes = new Map<Name, ProgramNodes>();
  readonly #reads: string;
  readonly #values: string;
  /** Programs that have not run yet. */
  readonly #fresh: Set<Name>;

  constructor(
    private readonly tf: Tf,
    private readonly backend: NodeBackend,
    sources: Readonly<Record<Name, ProgramSource>>,
    private readonly options: ProgramOptions,
    private readonly trimMemory: () => void,
  ) {
    const variables = [...options.variables.values()];
    const described = variables.map<GraphVariable>(({ name, shape, dtype }) => {
      if (dtype !== "float32" && dtype !== "int32") throw new Error(`Variable ${name} has the type ${dtype}`);
      return { name, shape, dtype: dataType[dtype] };
    });
    // one made from another shares its values, and by those a record tells variables apart
    for (const variable of variables) {
      const own = this.copyOf(variable);
      variable.assign(own);
      own.dispose();
    }
    this.#fresh = new Set(Object.keys(sources) as Name[]);
    // the values that the variables were made from
    collectGarbage();
    const builder = new GraphBuilder(backend.binding, described, options.precision ?? "float32");
    for (const [name, source] of Object.entries(sources) as [Name, ProgramSource][])
      this.#nodes.set(
        name,
        this.record(source, (program) => builder.addProgram(name, program)),
      );
    this.#session = load(backend, savedModel(builder.nodes, tagName));
    this.#reads = variables.map((_, i) => `v${i}/read:0`).join();
    this.#values = variables.map((_, i) => `v${i}/value:0`).join();
    this.push();
  }

  run(name: Name, inputs: readonly Tensor[]): Tensor[] {
    const nodes = this.#nodes.get(name)!;
    const ids = this.backend.getInputTensorIds(inputs);
    const outputs = this.backend.binding
      .runSavedModel(this.#session, ids, nodes.inputs, nodes.outputs)
      .map((output) => this.backend.createOutputTensor(output));
    // the runs that recorded held more than the compiled ones do, and the memory stays with the library
    if (this.#fresh.delete(name) && this.#fresh.size === 0) {
      collectGarbage();
      this.trimMemory();
    }
    return outputs;
  }

  async withVariables<T>(work: () => Promise<T>): Promise<T> {
    this.pull();
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  private pull(): void {
    const values = this.backend.binding.runSavedModel(this.#session, [], "", this.#reads);
    [...this.options.variables.values()].forEach((variable, i) => {
      const value = this.backend.createOutputTensor(values[i]!);
      variable.assign(value);
      value.dispose();
    });
  }

  /** The variables' values become the session's. */
  private push(): void {
    const ids = this.backend.getInputTensorIds([...this.options.variables.values()]);
    const [done] = this.backend.binding.runSavedModel(this.#session, ids, this.#values, "assigned:0");
    this.backend.binding.deleteTensor(done!.id);
    this.release();
  }

  /** Frees the variables' own copies: the session has the values. Read now, they are unknown to the binding. */
  private release(): void {
    for (const variable of this.options.variables.values()) {
      const held = this.backend.tensorMap.get(variable.dataId);
      if (held.refCount > 1 || held.id < 0) continue;
      this.backend.binding.deleteTensor(held.id);
      held.id = -1;
    }
  }

  dispose(): void {
    this.backend.binding.deleteSavedModel(this.#session);
  }

  /** The same values under a number of their own. */
  private copyOf(tensor: Tensor): Tensor {
    const { binding } = this.backend;
    const value = dataType[tensor.dtype as "float32" | "int32" | "bool"];
    return runOp(
      this.backend,
      "Identity",
      [tensor],
      [{ name: "T", type: binding.TF_ATTR_TYPE, value }],
      1,
    )[0]!;
  }

  /** Runs a program once and hands on what it did, while the numbers of its tensors still hold. */
  private record<T>(source: ProgramSource, use: (program: RecordedProgram) => T): T {
    const { tf, backend } = this;
    const variables = [...this.options.variables.values()];
    const samples = source.samples.map((sample) => this.copyOf(sample));
    const before = variables.map((variable) => tf.clone(variable));
    try {
      const ids = backend.getInputTensorIds([...before, ...samples]);
      let used!: T;
      tf.tidy(() => {
        const { record, result } = recordOps(backend, () => {
          const outputs = source.run(samples);
          return { outputs: backend.getInputTensorIds(outputs), after: backend.getInputTensorIds(variables) };
        });
        used = use({
          record,
          inputs: samples.map(({ shape, dtype }, i) => ({
            id: ids[before.length + i]!,
            shape,
            dtype: dataType[dtype as "float32" | "int32" | "bool"],
          })),
          outputs: result.outputs,
          variables: before.map((_, i) => ({ before: ids[i]!, after: result.after[i]! })),
        });
      });
      return used;
    } finally {
      variables.forEach((variable, i) => variable.assign(before[i]!));
      tf.dispose([...before, ...samples]);
    }
  }
}

function load(backend: NodeBackend, model: Uint8Array): number {
  if (model.byteLength > maxGraphBytes)
    throw new UserError(
      "program_too_large",
      `The compiled step has ${model.byteLength} bytes, TensorFlow takes 2 GiB`,
    );
  const folder = mkdtempSync(join(tmpdir(), "pairloom-program-"));
  try {
    writeFileSync(join(folder, "saved_model.pb"), model);
    return backend.binding.loadSavedModel(folder, tagName);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
