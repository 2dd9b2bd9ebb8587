/**
 * A value as JSON, as `JSON.stringify` writes it but for what that can't say: bigints have all their digits, -0 its sign.
 * @param indent spaces of a level; 0: everything on one line
 */
export function jsonText(value: unknown, indent = 0): string {
  return isUnusual(value) ? write(value, indent, "") : (JSON.stringify(value, null, indent) ?? "null");
}

function isUnusual(value: unknown): boolean {
  if (typeof value === "bigint" || Object.is(value, -0)) return true;
  if (value === null || typeof value !== "object") return false;
  return (Array.isArray(value) ? value : Object.values(value)).some(isUnusual);
}

function write(value: unknown, indent: number, margin: string): string {
  if (typeof value === "bigint") return String(value);
  if (Object.is(value, -0)) return "-0.0";
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const inner = margin + " ".repeat(indent);
  const items = Array.isArray(value)
    ? value.map((item) => write(item, indent, inner))
    : Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .map(([key, one]) => `${JSON.stringify(key)}:${indent > 0 ? " " : ""}${write(one, indent, inner)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (items.length === 0) return open + close;
  if (indent === 0) return open + items.join(",") + close;
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${margin}${close}`;
}
