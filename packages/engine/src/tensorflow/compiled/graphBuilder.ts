import type { Precision } from "../../programs.js";
import { type Binding, dataType, type OpAttribute } from "./binding.js";
import { attribute, type GraphNode } from "./graphDef.js";
import type { OpRecord, RecordedConstant } from "./recordOps.js";
import { inPlaceForms } from "./inPlaceForms.js";

/** A variable of the graph. */
export interface GraphVariable {
  name: string;
  shape: number[];
  dtype: number;
}

/** What a program is, in the binding's numbers of the tensors that stood for each part while it was recorded. */
export interface RecordedProgram {
  record: OpRecord;
  inputs: readonly { id: number; shape: number[]; dtype: number }[];
  outputs: readonly number[];
  /** For each variable its value before the program ran, and after. */
  variables: readonly { before: number; after: number }[];
}

/** Which nodes to feed and fetch in order to run a program, as the binding wants them. */
export interface ProgramNodes {
  inputs: string;
  outputs: string;
}

/** Operations that bfloat16 makes faster; MatMul is not among them: it stands for products that stay exact (float32MatMul.ts). */
const castable: ReadonlySet<string> = new Set([
  "BatchMatMulV2",
  "Conv2D",
  "Conv2DBackpropInput",
  "Conv2DBackpropFilter",
]);

/** Builds one graph out of recorded programs over common variables. */
export class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  private readonly shared = new Map<string, string>();

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
    this.add("zero", "Const", [], constantAttributes({ shape: [], dtype: dataType.float32, values: new Float32Array(1) }));
    const assigned = variables.map((_, i) => `^v${i}/assign`);
    this.add("assigned", "Identity", ["zero", ...assigned], { T: attribute.type(dataType.float32) });
  }

  addProgram(prefix: string, program: RecordedProgram): ProgramNodes {
    /** The node output that stands for a tensor. */
    const source = new Map<number, string>();
    const handles = new Map<number, number>();
    program.variables.forEach(({ before }, i) => {
      source.set(before, `v${i}/read`);
      handles.set(before, i);
    });
    program.inputs.forEach(({ id, shape, dtype }, i) => {
      const name = `${prefix}/input${i}`;
      this.add(name, "Placeholder", [], { dtype: attribute.type(dtype), shape: attribute.shape(shape) });
      source.set(id, name);
    });
    /** Which variable a tensor is the new value of, and the node that changes it where it lies. */
    const changed = new Map<number, { variable: number; by: string }>();
    const input = (id: number): string => source.get(id) ?? this.constant(id, program.record.constants, source);
    program.record.ops.forEach(({ name, attributes, inputs, outputs }, number) => {
      const node = `${prefix}/${number}_${name}`;
      const form = inPlaceForms[name];
      if (form === undefined) {
        this.addOperation(node, name, inputs.map(input), attributes);
        outputs.forEach(({ id }, i) => source.set(id, i === 0 ? node : `${node}:${i}`));
        return;
      }
      // the variables themselves in the place of their values
      const places = inputs.slice(0, form.variables).map((id) => {
        const variable = handles.get(id);
        if (variable === undefined) throw new Error(`${name} changes variables that were not changed before`);
        return variable;
      });
      this.add(
        node,
        form.op,
        [
          ...places.map((variable) => `v${variable}`),
          ...inputs.slice(form.variables).map(input),
          ...places.map((variable) => `^v${variable}/read`),
        ],
        this.attributesOf(attributes),
      );
      places.forEach((variable, i) => {
        const { id } = outputs[i]!;
        const type = attribute.type(this.variables[variable]!.dtype);
        // whoever needs the new value reads the variable again; the graph's optimizer drops what nobody needs
        this.add(`${node}/new${i}`, "ReadVariableOp", [`v${variable}`, `^${node}`], { dtype: type });
        source.set(id, `${node}/new${i}`);
        changed.set(id, { variable, by: node });
      });
    });
    const changes = program.variables.flatMap(({ before, after }, i) => {
      if (before === after) return [];
      const inPlace = changed.get(after);
      if (inPlace?.variable === i) return [inPlace.by];
      const node = `${prefix}/assign${i}`;
      const type = attribute.type(this.variables[i]!.dtype);
      this.add(node, "AssignVariableOp", [`v${i}`, input(after), `^v${i}/read`], { dtype: type });
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

  /** The node of values that came from JavaScript; equal ones are one node. */
  private constant(
    id: number,
    constants: ReadonlyMap<number, RecordedConstant>,
    source: Map<number, string>,
  ): string {
    let constant = constants.get(id);
    // made before the record began: a mask that is kept, say
    constant ??= this.leaf(id);
    const attributes = constantAttributes(constant);
    const key = Buffer.from(attributes.value).toString("latin1");
    let name = this.shared.get(key);
    if (name === undefined) {
      name = `constant${this.shared.size}`;
      this.shared.set(key, name);
      this.add(name, "Const", [], attributes);
    }
    source.set(id, name);
    return name;
  }

  private leaf(id: number): RecordedConstant {
    const values = this.binding.tensorDataSync(id);
    // an identity tells the shape that the binding keeps to itself
    const dtype = values instanceof Float32Array ? dataType.float32 : values instanceof Int32Array ? dataType.int32 : dataType.bool;
    const type = { name: "T", type: this.binding.TF_ATTR_TYPE, value: dtype };
    const [copy] = this.binding.executeOp("Identity", [type], [id], 1);
    this.binding.deleteTensor(copy!.id);
    return { shape: copy!.shape, dtype, values };
  }

  private addOperation(node: string, op: string, inputs: string[], attributes: OpAttribute[]): void {
    const own = this.attributesOf(attributes);
    if (this.precision !== "bf16" || !castable.has(op)) {
      this.add(node, op, inputs, own);
      return;
    }
    // the sizes that convolutions' gradients take stay whole numbers
    const cast = inputs.map((input, i) => (op.startsWith("Conv2DBackprop") && i === sizesAt(op) ? input : this.toBfloat16(input)));
    this.add(`${node}/bf16`, op, cast, { ...own, T: attribute.type(dataType.bfloat16) });
    this.add(node, "Cast", [`${node}/bf16`], castAttributes(dataType.bfloat16, dataType.float32));
  }

  private toBfloat16(input: string): string {
    const key = `bf16 ${input}`;
    let name = this.shared.get(key);
    if (name === undefined) {
      name = `${input.replace(":", "_")}/to_bf16`;
      this.shared.set(key, name);
      this.add(name, "Cast", [input], castAttributes(dataType.float32, dataType.bfloat16));
    }
    return name;
  }

  private typeOf(id: number, program: RecordedProgram): number {
    for (const op of program.record.ops)
      for (const output of op.outputs) if (output.id === id) return output.dtype;
    const variable = program.variables.findIndex(({ before }) => before === id);
    if (variable >= 0) return this.variables[variable]!.dtype;
    return program.inputs.find((input) => input.id === id)?.dtype ?? program.record.constants.get(id)?.dtype ?? dataType.float32;
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

function sizesAt(op: string): number {
  return op === "Conv2DBackpropFilter" ? 1 : 0;
}

function castAttributes(from: number, to: number): Record<string, Uint8Array> {
  return { SrcT: attribute.type(from), DstT: attribute.type(to) };
}

function constantAttributes({ shape, dtype, values }: RecordedConstant): { dtype: Uint8Array; value: Uint8Array } {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { dtype: attribute.type(dtype), value: attribute.tensor(dtype, shape, bytes) };
}
