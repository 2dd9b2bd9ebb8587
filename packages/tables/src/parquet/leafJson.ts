import type { SchemaElement } from "hyparquet";

type Leaf = Omit<SchemaElement, "name">;

const dayMs = 86_400_000;
const two = (value: number): string => String(value).padStart(2, "0");

/** Digits after a second's point: none, six or nine, as Python's isoformat has them. */
function fraction(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  return `.${digits.endsWith("000") ? digits.slice(0, 6) : digits}`;
}

const isoDate = (days: number): string => {
  const date = new Date(days * dayMs);
  // Beyond what Date can say, the number itself.
  return Number.isNaN(date.getTime()) ? String(days) : date.toISOString().replace(/T.*$/, "");
};

function isoTime(nanosOfDay: bigint): string {
  const seconds = Number(nanosOfDay / 1_000_000_000n);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${two(h)}:${two(m)}:${two(s)}${fraction(Number(nanosOfDay % 1_000_000_000n))}`;
}

const nanosOfDay = 86_400_000_000_000n;

function isoTimestamp(nanos: bigint, zone: string): string {
  const rest = ((nanos % nanosOfDay) + nanosOfDay) % nanosOfDay;
  return `${isoDate(Number((nanos - rest) / nanosOfDay))}T${isoTime(rest)}${zone}`;
}

const nanosPer = { MILLIS: 1_000_000n, MICROS: 1000n, NANOS: 1n } as const;

/** A signed whole number, big end first. */
function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
}

/** A decimal's every digit. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}

/** Text where the bytes are UTF-8, else a data: URL, which says that it is none. */
function bytesText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return `data:;base64,${Buffer.from(bytes).toString("base64")}`;
  }
}

function float16(bytes: Uint8Array): number | null {
  const bits = bytes[0]! | (bytes[1]! << 8);
  const sign = bits >> 15 ? -1 : 1;
  const [exponent, part] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return null;
  return exponent === 0 ? sign * 2 ** -24 * part : sign * 2 ** (exponent - 25) * (1024 + part);
}

function uuidText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Months, days and milliseconds as an ISO 8601 duration. */
function intervalText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
  const [months, days, ms] = [0, 4, 8].map((at) => view.getUint32(at, true)) as [number, number, number];
  return `P${months}M${days}DT${ms / 1000}S`;
}

type ToJson = (cell: unknown) => unknown;

const text: ToJson = (cell) => (typeof cell === "string" ? cell : bytesText(cell as Uint8Array));
const finite: ToJson = (cell) => (Number.isFinite(cell) ? cell : null);

/** How the cells of a leaf of parquet's schema, as they lie in its pages, stand in JSON; null where they can't be kept. */
export function leafJson(element: Leaf): ToJson | null {
  const { type, converted_type: converted, logical_type: logical } = element;
  switch (logical?.type) {
    case "NULL":
      return () => null;
    case "UUID":
      return (cell) => uuidText(cell as Uint8Array);
    case "FLOAT16":
      return (cell) => float16(cell as Uint8Array);
    case "TIMESTAMP": {
      const per = nanosPer[logical.unit];
      const zone = logical.isAdjustedToUTC ? "Z" : "";
      return (cell) => isoTimestamp(BigInt(cell as bigint) * per, zone);
    }
    case "TIME": {
      const per = nanosPer[logical.unit];
      return (cell) => isoTime(BigInt(cell as bigint) * per);
    }
    case "VARIANT":
    case "GEOMETRY":
    case "GEOGRAPHY":
    case "BSON":
      return null;
    default:
  }
  switch (converted) {
    case "UINT_8":
    case "UINT_16":
    case "UINT_32":
      return (cell) => (cell as number) >>> 0;
    case "UINT_64":
      return (cell) => BigInt.asUintN(64, cell as bigint);
    case "DECIMAL": {
      const scale = element.scale ?? 0;
      return (cell) =>
        decimalText(cell instanceof Uint8Array ? bigEndian(cell) : BigInt(cell as bigint), scale);
    }
    case "DATE":
      return (cell) => isoDate(cell as number);
    case "TIME_MILLIS":
      return (cell) => isoTime(BigInt(cell as number) * nanosPer.MILLIS);
    case "TIME_MICROS":
      return (cell) => isoTime((cell as bigint) * nanosPer.MICROS);
    case "TIMESTAMP_MILLIS":
      return (cell) => isoTimestamp((cell as bigint) * nanosPer.MILLIS, "Z");
    case "TIMESTAMP_MICROS":
      return (cell) => isoTimestamp((cell as bigint) * nanosPer.MICROS, "Z");
    case "INTERVAL":
      return (cell) => intervalText(cell as Uint8Array);
    case "BSON":
      return null;
    default:
  }
  switch (type) {
    case "BOOLEAN":
    case "INT32":
    case "INT64":
      return (cell) => cell;
    case "FLOAT":
    case "DOUBLE":
      return finite;
    case "BYTE_ARRAY":
    case "FIXED_LEN_BYTE_ARRAY":
      return text;
    case "INT96":
      return (cell) => isoTimestamp(cell as bigint, "");
    default:
      return null;
  }
}
