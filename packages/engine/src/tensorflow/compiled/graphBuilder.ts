import type { Precision } from "../../programs.js";
import { biasedProducts } from "./biasedProducts.js";
import { type Binding, dataType, type OpAttribute } from "./binding.js";
import { attribute, type GraphNode } from "./graphDef.js";
import { inPlaceForms } from "./inPlaceForms.js";
import { type LowForm, lowForms } from "./lowPrecision.js";
import type { OpRecord, RecordedConstant, RecordedOp, RecordedProgram } from "./recordOps.js";

/** A variable of the graph. */
export interface GraphVariable {
  name: string;
  shape: number[];
  dtype: number;
}

/** Which nodes to feed and fetch in order to run a program, as the binding wants them. */
export interface ProgramNodes {
  inputs: string;
  outputs: string;
}

/** The node outputs that hold a tensor: one of the two, or both once somebody asked for the other. */
interface Held {
  full?: string;
  low?: string;
}

/** Builds one graph out of recorded programs over common variables. */
export class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  private readonly constants = new Map<string, Held>();
  private readonly reads: Held[] = [];

  constructor(
    private readonly binding: Binding,
    private readonly variables: readonly GraphVariable[],
    private readonly precision: Precision,
  ) {
    variables.forEach(({ shape, dtype }, i) => {
      const type = attribute.type(dtype);
      this.add(`v${i}`, "VarHandleOp", [], {
        dtype: type,
        shape: attribute.shape(shape),
        shared_name: attribute.string(`v${i}`),
        container: attribute.string(""),
      });
      this.add(`v${i}/read`, "ReadVariableOp", [`v${i}`], { dtype: type });
      this.add(`v${i}/value`, "Placeholder", [], { dtype: type, shape: attribute.shape(shape) });
      this.add(`v${i}/assign`, "AssignVariableOp", [`v${i}`, `v${i}/value`], { dtype: type });
    });
    this.add(
      "zero",
      "Const",
      [],
      constantAttributes({ shape: [], dtype: dataType.float32, values: new Float32Array(1) }),
    );
    const assigned = variables.map((_, i) => `^v${i}/assign`);
    this.add("assigned", "Identity", ["zero", ...assigned], { T: attribute.type(dataType.float32) });
  }

  addProgram(prefix: string, program: RecordedProgram): ProgramNodes {
    const held = new Map<number, Held>();
    const handles = new Map<number, number>();
    program.variables.forEach(({ before }, i) => {
      held.set(before, this.heldRead(i));
      handles.set(before, i);
    });
    program.inputs.forEach(({ id, shape, dtype }, i) => {
      const name = `${prefix}/input${i}`;
      this.add(name, "Placeholder", [], { dtype: attribute.type(dtype), shape: attribute.shape(shape) });
      held.set(id, { full: name });
    });
    /** Which variable a tensor is the new value of, and the node that changes it where it lies. */
    const changed = new Map<number, { variable: number; by: string }>();
    /** For each variable that is changed where it lies: what must have happened before it is assigned. */
    const settled = new Map<number, string[]>();
    const places = new Places(this, program.record, held);
    const biased = biasedProducts(program);
    const input = (id: number): string => places.full(id);
    program.record.ops.forEach((op, number) => {
      const node = `${prefix}/${number}_${op.name}`;
      const form = inPlaceForms[op.name];
      if (form === undefined) {
        this.addOperation(node, op, places, biased);
        return;
      }
      // the variables themselves in the place of their values
      const variables = op.inputs.slice(0, form.variables).map((id) => {
        const variable = handles.get(id);
        if (variable === undefined)
          throw new Error(`${op.name} changes variables that were not changed before`);
        return variable;
      });
      const low = places.isOnlyLow(op.inputs[form.low]!);
      const inputs = [
        ...variables.map((variable) => `v${variable}`),
        ...op.inputs
          .slice(form.variables)
          .map((id, i) => (low && form.variables + i === form.low ? places.low(id) : input(id))),
        ...variables.map((variable) => `^v${variable}/read`),
      ];
      const T = attribute.type(low ? dataType.bfloat16 : dataType.float32);
      this.add(node, form.op, inputs, { ...this.attributesOf(op.attributes), T });
      variables.forEach((variable, i) => {
        const { id } = op.outputs[i]!;
        const type = attribute.type(this.variables[variable]!.dtype);
        // whoever needs the new value reads the variable again; the graph's optimizer drops what nobody needs
        this.add(`${node}/new${i}`, "ReadVariableOp", [`v${variable}`, `^${node}`], { dtype: type });
        held.set(id, { full: `${node}/new${i}` });
        changed.set(id, { variable, by: node });
        settled.set(variable, [`^${node}/new${i}`]);
      });
    });
    const changes = program.variables.flatMap(({ before, after }, i) => {
      if (before === after && !settled.has(i)) return [];
      const inPlace = changed.get(after);
      if (inPlace?.variable === i) return [inPlace.by];
      const node = `${prefix}/assign${i}`;
      const type = attribute.type(this.variables[i]!.dtype);
      this.add(node, "AssignVariableOp", [`v${i}`, input(after), `^v${i}/read`, ...(settled.get(i) ?? [])], {
        dtype: type,
      });
      return [node];
    });
    const waits = [...new Set(changes)].map((node) => `^${node}`);
    const outputs = program.outputs.map((id, i) => {
      const name = `${prefix}/output${i}`;
      this.add(name, "Identity", [input(id), ...waits], { T: attribute.type(this.typeOf(id, program)) });
      return `${name}:0`;
    });
    return { inputs: program.inputs.map((_, i) => `${prefix}/input${i}:0`).join(), outputs: outputs.join() };
  }

  /** A variable's value; its rounded form is shared by all programs. */
  private heldRead(variable: number): Held {
    return (this.reads[variable] ??= { full: `v${variable}/read` });
  }

  /** Values that came from JavaScript; equal ones are one node. */
  heldConstant(constant: RecordedConstant): Held {
    const attributes = constantAttributes(constant);
    const key = Buffer.from(attributes.value).toString("latin1");
    let held = this.constants.get(key);
    if (held === undefined) {
      const name = `constant${this.constants.size}`;
      held = { full: name };
      this.constants.set(key, held);
      this.add(name, "Const", [], attributes);
    }
    return held;
  }

  /** Values that were there before the record began: a mask that is kept, say. */
  leaf(id: number): RecordedConstant {
    const values = this.binding.tensorDataSync(id);
    // an identity tells the shape that the binding keeps to itself
    const dtype =
      values instanceof Float32Array
        ? dataType.float32
        : values instanceof Int32Array
          ? dataType.int32
          : dataType.bool;
    const type = { name: "T", type: this.binding.TF_ATTR_TYPE, value: dtype };
    const [copy] = this.binding.executeOp("Identity", [type], [id], 1);
    this.binding.deleteTensor(copy!.id);
    return { shape: copy!.shape, dtype, values };
  }

  cast(input: string, to: "low" | "full"): string {
    const { float32, bfloat16 } = dataType;
    const name = `${input.replace(":", "_")}/to_${to}`;
    const [from, into] = to === "low" ? [float32, bfloat16] : [bfloat16, float32];
    this.add(name, "Cast", [input], { SrcT: attribute.type(from), DstT: attribute.type(into) });
    return name;
  }

  private addOperation(
    node: string,
    op: RecordedOp,
    places: Places,
    biased: ReadonlyMap<number, RecordedOp>,
  ): void {
    // it is computed with its bias
    if (biased.has(op.outputs[0]!.id)) return;
    const product = op.name === "BiasAdd" ? biased.get(op.inputs[0]!) : undefined;
    if (product !== undefined) {
      this.addBiasedProduct(node, product, op, places);
      return;
    }
    if (op.name === "PairloomSquaredNorm") {
      this.addSquaredNorm(node, op, places);
      return;
    }
    const { name, attributes } = this.renamed(op);
    const form = this.lowFormOf(op, places);
    const inputs = op.inputs.map((id, i) => (form?.inputs.includes(i) ? places.low(id) : places.full(id)));
    if (form !== null) attributes["T"] = attribute.type(dataType.bfloat16);
    this.add(node, name, inputs, attributes);
    op.outputs.forEach(({ id }, i) => {
      const output = i === 0 ? node : `${node}:${i}`;
      places.hold(id, form?.outputs.includes(i) ? { low: output } : { full: output });
    });
  }

  private addBiasedProduct(node: string, product: RecordedOp, bias: RecordedOp, places: Places): void {
    const low = this.precision === "bf16" && !product.exact;
    const inputs = [...product.inputs, bias.inputs[1]!];
    const { adj_x, adj_y } = this.attributesOf(product.attributes);
    this.add(
      node,
      "_FusedMatMul",
      inputs.map((id) => (low ? places.low(id) : places.full(id))),
      {
        T: attribute.type(low ? dataType.bfloat16 : dataType.float32),
        transpose_a: adj_x!,
        transpose_b: adj_y!,
        num_args: attribute.int(1),
        fused_ops: attribute.strings(["BiasAdd"]),
      },
    );
    places.hold(bias.outputs[0]!.id, low ? { low: node } : { full: node });
  }

  /** The squared norm takes each tensor as it was computed: rounding has happened, and a cast is a pass over memory. */
  private addSquaredNorm(node: string, op: RecordedOp, places: Places): void {
    const low = op.inputs.filter((id) => places.isOnlyLow(id));
    const full = op.inputs.filter((id) => !places.isOnlyLow(id));
    const inputs = [...full.map((id) => places.full(id)), ...low.map((id) => places.low(id))];
    this.add(node, op.name, inputs, { N: attribute.int(full.length), M: attribute.int(low.length) });
    places.hold(op.outputs[0]!.id, { full: node });
  }

  /** In which form an operation runs in bfloat16; null where it stays in float32. */
  private lowFormOf(op: RecordedOp, places: Places): LowForm | null {
    if (this.precision !== "bf16" || op.exact) return null;
    const form = lowForms[op.name];
    if (form === undefined) return null;
    if (!form.given.every((i) => places.isLow(op.inputs[i]!))) return null;
    if (op.name !== "Mul") return form;
    const factor = places.scalar(op.inputs[1]!);
    return factor !== null && isBfloat16(factor) ? form : null;
  }

  /** Products of two matrices by MatMul, which is faster than the batched one; the sum by its newer name. */
  private renamed({ name, attributes, outputs }: RecordedOp): {
    name: string;
    attributes: Record<string, Uint8Array>;
  } {
    const own = this.attributesOf(attributes);
    if (name === "Add") return { name: "AddV2", attributes: own };
    if (name !== "BatchMatMulV2" || outputs[0]!.shape.length !== 2) return { name, attributes: own };
    const { adj_x, adj_y, ...rest } = own;
    return { name: "MatMul", attributes: { ...rest, transpose_a: adj_x!, transpose_b: adj_y! } };
  }

  private typeOf(id: number, program: RecordedProgram): number {
    for (const op of program.record.ops)
      for (const output of op.outputs) if (output.id === id) return output.dtype;
    const variable = program.variables.findIndex(({ before }) => before === id);
    if (variable >= 0) return this.variables[variable]!.dtype;
    return (
      program.inputs.find((input) => input.id === id)?.dtype ??
      program.record.constants.get(id)?.dtype ??
      dataType.float32
    );
  }

  private attributesOf(attributes: readonly OpAttribute[]): Record<string, Uint8Array> {
    return Object.fromEntries(attributes.map((one) => [one.name, this.encode(one)]));
  }

  private encode({ name, type, value }: OpAttribute): Uint8Array {
    const { binding } = this;
    switch (type) {
      case binding.TF_ATTR_STRING:
        return attribute.string(value as string);
      case binding.TF_ATTR_INT:
        return Array.isArray(value) ? attribute.ints(value as number[]) : attribute.int(value as number);
      case binding.TF_ATTR_FLOAT:
        return attribute.float(value as number);
      case binding.TF_ATTR_BOOL:
        return attribute.bool(value as boolean);
      case binding.TF_ATTR_TYPE:
        return attribute.type(value as number);
      case binding.TF_ATTR_SHAPE:
        return attribute.shape(value as number[]);
      default:
        throw new Error(`Attribute ${name} has the unknown type ${type}`);
    }
  }

  private add(name: string, op: string, inputs: string[], attributes: Record<string, Uint8Array>): void {
    this.nodes.push({ name, op, inputs, attributes });
  }
}

/** Where a program's tensors are held, in which form; makes the other form when it is first asked for. */
class Places {
  constructor(
    private readonly builder: GraphBuilder,
    private readonly record: OpRecord,
    private readonly held: Map<number, Held>,
  ) {}

  hold(id: number, held: Held): void {
    this.held.set(id, held);
  }

  full(id: number): string {
    const held = this.of(id);
    return (held.full ??= this.builder.cast(held.low!, "full"));
  }

  low(id: number): string {
    const held = this.of(id);
    return (held.low ??= this.builder.cast(held.full!, "low"));
  }

  /** It was computed in bfloat16, or was rounded already for somebody else. */
  isLow(id: number): boolean {
    return this.held.get(id)?.low !== undefined;
  }

  /** It was computed in bfloat16, and nobody asked for it in float32. */
  isOnlyLow(id: number): boolean {
    const held = this.held.get(id);
    return held?.low !== undefined && held.full === undefined;
  }

  /** The number that a constant of no axes is; null for anything else. */
  scalar(id: number): number | null {
    const constant = this.record.constants.get(id);
    return constant?.shape.length === 0 && constant.values instanceof Float32Array
      ? constant.values[0]!
      : null;
  }

  private of(id: number): Held {
    let held = this.held.get(id);
    if (held === undefined) {
      held = this.builder.heldConstant(this.record.constants.get(id) ?? this.builder.leaf(id));
      this.held.set(id, held);
    }
    return held;
  }
}

/** Whether bfloat16 holds a number without rounding it. */
function isBfloat16(value: number): boolean {
  return (new Uint32Array(Float32Array.of(value).buffer)[0]! & 0xffff) === 0;
}

function constantAttributes({ shape, dtype, values }: RecordedConstant): {
  dtype: Uint8Array;
  value: Uint8Array;
} {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { dtype: attribute.type(dtype), value: attribute.tensor(dtype, shape, bytes) };
}
