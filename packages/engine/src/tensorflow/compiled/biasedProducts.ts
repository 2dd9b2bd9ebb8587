import type { RecordedOp, RecordedProgram } from "./recordOps.js";

/**
 * Products of two matrices that nobody reads but the addition of a bias: one operation does both, in one pass over memory
 * less. (TensorFlow's graph optimizer fuses them in float32 alone.)
 *
 * @returns the product, by the number of its output
 */
export function biasedProducts({ record, outputs, variables }: RecordedProgram): Map<number, RecordedOp> {
  const products = new Map<number, RecordedOp>();
  const readers = new Map<number, RecordedOp[]>();
  for (const op of record.ops) {
    if (op.name === "BatchMatMulV2" && op.outputs[0]!.shape.length === 2) products.set(op.outputs[0]!.id, op);
    for (const id of op.inputs) readers.set(id, [...(readers.get(id) ?? []), op]);
  }
  const kept = new Set([...outputs, ...variables.map(({ after }) => after)]);
  for (const id of products.keys()) {
    const [reader, another] = readers.get(id) ?? [];
    const fits = reader?.name === "BiasAdd" && another === undefined && reader.inputs[0] === id;
    if (!fits || kept.has(id)) products.delete(id);
  }
  return products;
}
