import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "./halfPrecision.js";

export type HostData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A tensor in the host's memory. Half-precision values are held as float32; `dtype` says how they are in the file. */
export interface HostTensor {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly data: HostData;
}

type ArrayMaker = new (buffer: ArrayBuffer) => HostData;

interface DtypeFacts {
  readonly bytes: number;
  /** From the file's bytes (which it may take over) to the array that a HostTensor holds. */
  readonly decode: (buffer: ArrayBuffer) => HostData;
}

const plain = (bytes: number, maker: ArrayMaker): DtypeFacts => ({
  bytes,
  decode: (buffer) => new maker(buffer),
});

/** The element types of a safetensors file that this program reads. All are little-endian, as the hosts it runs on. */
export const tensorDtypes = {
  F64: plain(8, Float64Array),
  F32: plain(4, Float32Array),
  F16: { bytes: 2, decode: (buffer) => decodeFloat16(new Uint16Array(buffer)) },
  BF16: { bytes: 2, decode: (buffer) => decodeBfloat16(new Uint16Array(buffer)) },
  I64: plain(8, BigInt64Array),
  U64: plain(8, BigUint64Array),
  I32: plain(4, Int32Array),
  U32: plain(4, Uint32Array),
  I16: plain(2, Int16Array),
  U16: plain(2, Uint16Array),
  I8: plain(1, Int8Array),
  U8: plain(1, Uint8Array),
  BOOL: plain(1, Uint8Array),
} as const satisfies Record<string, DtypeFacts>;

export type TensorDtype = keyof typeof tensorDtypes;

export function isTensorDtype(value: unknown): value is TensorDtype {
  return typeof value === "string" && Object.hasOwn(tensorDtypes, value);
}

/** The bytes of a tensor as they go into a file; shares memory with it where no conversion is needed. */
export function tensorBytes(tensor: HostTensor): Uint8Array {
  const { data, dtype } = tensor;
  const raw =
    dtype === "F16" && data instanceof Float32Array
      ? encodeFloat16(data)
      : dtype === "BF16" && data instanceof Float32Array
        ? encodeBfloat16(data)
        : data;
  return new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
}
