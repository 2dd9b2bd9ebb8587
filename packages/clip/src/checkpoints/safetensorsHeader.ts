import { CheckpointError } from "./checkpointError.js";
import { duplicateKey } from "./duplicateKey.js";
import { isTensorDtype, tensorDtypes, type HostTensor, type TensorDtype } from "./tensorDtype.js";

/** Where a tensor lies in the file. Offsets count from the file's start. */
export interface TensorPlace {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: Map<string, TensorPlace>;
  readonly metadata: Map<string, string>;
}

/** The format's own limit for the JSON header. */
const maxHeaderBytes = 100_000_000;

/**
 * Length of the JSON header, from the file's first 8 bytes: checked against the file's size before anything is read.
 *
 * @throws CheckpointError
 */
export function headerLength(first: Uint8Array, fileBytes: number): number {
  if (fileBytes < 8 || first.length < 8) {
    throw new CheckpointError("checkpoint_truncated", `Not a safetensors file: only ${fileBytes} bytes long`);
  }
  const claimed = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (claimed > BigInt(maxHeaderBytes)) {
    throw new CheckpointError(
      "checkpoint_header_too_large",
      `Not a safetensors file: its header claims ${claimed} bytes, more than ${maxHeaderBytes}`,
    );
  }
  if (claimed > BigInt(fileBytes - 8)) {
    throw new CheckpointError(
      "checkpoint_truncated",
      `The safetensors file is cut off: its header claims ${claimed} bytes, the file has ${fileBytes}`,
    );
  }
  return Number(claimed);
}

/**
 * Reads and checks the JSON header: no name twice, known types, ranges that match shapes, no overlaps, no gaps, nothing
 * beyond the file.
 *
 * @throws CheckpointError
 */
export function parseHeader(json: Uint8Array, fileBytes: number): SafetensorsHeader {
  const invalid = (problem: string, cause?: unknown): CheckpointError =>
    new CheckpointError("checkpoint_header_invalid", `Broken safetensors header: ${problem}`, { cause });
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(json);
    parsed = JSON.parse(text);
  } catch (error) {
    throw invalid("not JSON", error);
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw invalid(`it has \`${twice.slice(0, 120)}\` twice`);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw invalid("not an object");
  const header: SafetensorsHeader = { tensors: new Map(), metadata: new Map() };
  const base = 8 + json.length;
  for (const [name, value] of Object.entries(parsed as Record<string, unknown>)) {
    if (typeof value !== "object" || value === null) throw invalid(`\`${name}\` is not an object`);
    if (name === "__metadata__") {
      for (const [key, item] of Object.entries(value)) {
        if (typeof item !== "string") throw invalid(`metadata \`${key}\` is not a string`);
        header.metadata.set(key, item);
      }
    } else header.tensors.set(name, tensorPlace(name, value, base, fileBytes));
  }
  checkTiling(header.tensors, base, fileBytes);
  return header;
}

function tensorPlace(name: string, value: object, base: number, fileBytes: number): TensorPlace {
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (!isTensorDtype(dtype)) {
    throw new CheckpointError(
      "checkpoint_dtype_unknown",
      `Tensor \`${name}\` has the element type ${JSON.stringify(dtype)}; known are ${Object.keys(tensorDtypes).join(", ")}`,
    );
  }
  const range = (problem: string): CheckpointError =>
    new CheckpointError("checkpoint_tensor_range", `Tensor \`${name}\`: ${problem}`);
  const isCount = (item: unknown): item is number => Number.isSafeInteger(item) && (item as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isCount)) throw range("its shape is not a list of sizes");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw range("its data_offsets are not two positions");
  }
  const [from, to] = offsets as [number, number];
  const bytes = shape.reduce((product, side) => product * side, tensorDtypes[dtype].bytes);
  if (to - from !== bytes) {
    throw range(
      `${dtype} of shape [${shape.join(", ")}] needs ${bytes} bytes, the header gives it ${to - from}`,
    );
  }
  if (base + to > fileBytes) {
    throw new CheckpointError(
      "checkpoint_truncated",
      `The safetensors file is cut off: tensor \`${name}\` ends at byte ${base + to}, the file has ${fileBytes}`,
    );
  }
  return { dtype, shape, start: base + from, end: base + to };
}

function checkTiling(tensors: Map<string, TensorPlace>, base: number, fileBytes: number): void {
  const places = [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let covered = base;
  let previous = "the header";
  for (const [name, place] of places) {
    if (place.start < covered) {
      throw new CheckpointError(
        "checkpoint_tensor_overlap",
        `Tensors \`${previous}\` and \`${name}\` share bytes of the file`,
      );
    }
    if (place.start > covered) {
      throw new CheckpointError("checkpoint_tensor_range", `A gap in the file before tensor \`${name}\``);
    }
    covered = place.end;
    previous = name;
  }
  if (covered !== fileBytes) {
    throw new CheckpointError(
      "checkpoint_tensor_range",
      `${fileBytes - covered} bytes after the last tensor belong to none`,
    );
  }
}

/** The file's first part for these tensors: 8 bytes of length and the JSON, padded with spaces to a multiple of 8. */
export function makeHeader(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header["__metadata__"] = metadata;
  let at = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    const bytes = data.length * tensorDtypes[dtype].bytes;
    header[name] = { dtype, shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + padded).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(json, 8);
  return out;
}
