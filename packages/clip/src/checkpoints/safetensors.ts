import { open, type FileHandle } from "node:fs/promises";
import { CheckpointError } from "./checkpointError.js";
import { headerLength, makeHeader, parseHeader, type SafetensorsHeader } from "./safetensorsHeader.js";
import { tensorBytes, tensorDtypes, type HostTensor } from "./tensorDtype.js";

/** Tensors by name, in the order of the file's header. */
export type TensorFile = Map<string, HostTensor>;

/**
 * Reads a safetensors file from memory.
 *
 * @throws CheckpointError on a broken file
 */
export function readSafetensors(bytes: Uint8Array): TensorFile {
  const length = headerLength(bytes.subarray(0, 8), bytes.length);
  const { tensors } = parseHeader(bytes.subarray(8, 8 + length), bytes.length);
  const file: TensorFile = new Map();
  for (const [name, { dtype, shape, start, end }] of tensors) {
    const own = new Uint8Array(end - start);
    own.set(bytes.subarray(start, end));
    file.set(name, { dtype, shape, data: tensorDtypes[dtype].decode(own.buffer) });
  }
  return file;
}

/**
 * Reads a safetensors file from disk, tensor by tensor; files beyond 2 GiB too. Memory is taken only after the header
 * has been checked against the file's size.
 *
 * @param wanted reads only these names, if given; names that the file lacks are not missed
 * @throws CheckpointError on a broken file
 */
export async function readSafetensorsFile(path: string, wanted?: ReadonlySet<string>): Promise<TensorFile> {
  const handle = await open(path, "r");
  try {
    const { tensors } = await headerOf(handle);
    const file: TensorFile = new Map();
    for (const [name, { dtype, shape, start, end }] of tensors) {
      if (wanted !== undefined && !wanted.has(name)) continue;
      const bytes = await readRange(handle, start, end);
      file.set(name, { dtype, shape, data: tensorDtypes[dtype].decode(bytes) });
    }
    return file;
  } finally {
    await handle.close();
  }
}

/** Names, types, shapes and metadata of a safetensors file; reads no weights. @throws CheckpointError */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const handle = await open(path, "r");
  try {
    return await headerOf(handle);
  } finally {
    await handle.close();
  }
}

async function headerOf(handle: FileHandle): Promise<SafetensorsHeader> {
  const { size } = await handle.stat();
  const first = new Uint8Array(await readRange(handle, 0, Math.min(8, size)));
  const length = headerLength(first, size);
  return parseHeader(new Uint8Array(await readRange(handle, 8, 8 + length)), size);
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(end - start);
  const step = 2 ** 30;
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(step, bytes.length - at), start + at);
    if (bytesRead === 0) {
      throw new CheckpointError(
        "checkpoint_truncated",
        "The safetensors file became shorter while it was read",
      );
    }
    at += bytesRead;
  }
  return bytes.buffer;
}

/** A safetensors file in memory. Same tensors in the same order, same bytes. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = [...safetensorsParts(tensors, metadata)];
  const file = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** The bytes of a safetensors file in pieces, so that a large one need not be in memory twice. */
export function* safetensorsParts(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const ordered = bySize(tensors);
  yield makeHeader(ordered, metadata);
  for (const tensor of ordered.values()) yield tensorBytes(tensor);
}

/** Wider elements first, so that every tensor lies aligned to its element size; otherwise the given order. */
function bySize(tensors: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  return new Map(
    [...tensors].sort(([, a], [, b]) => tensorDtypes[b.dtype].bytes - tensorDtypes[a.dtype].bytes),
  );
}
