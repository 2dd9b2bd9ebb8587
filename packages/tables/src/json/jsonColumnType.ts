import type { SchemaElement } from "hyparquet";
import { type ColumnElements, type ColumnType, textElement, wellFormed } from "../parquet/columnType.js";
import { jsonText } from "./jsonText.js";
import type { ValueKind } from "./valueKind.js";

/** The type of a JSON column that has values of this kind: lists and objects stay ones, what is mixed becomes text. */
export function jsonColumnType(kind: ValueKind): ColumnType {
  const [{ name: _, ...own }, ...below] = elementsOf(kind, "");
  return {
    elements: [own, ...below] satisfies ColumnElements,
    toCell: cellOf(kind),
    toJson: (value) => value ?? null,
  };
}

const optional = { repetition_type: "OPTIONAL" } as const;

function elementsOf(kind: ValueKind, name: string): [SchemaElement, ...SchemaElement[]] {
  switch (kind.kind) {
    case "boolean":
      return [{ name, ...optional, type: "BOOLEAN" }];
    case "double":
      return [{ name, ...optional, type: "DOUBLE" }];
    case "whole":
      return [{ name, ...optional, type: "INT64", ...(kind.large ? { converted_type: "UINT_64" } : {}) }];
    case "list":
      return [
        { name, ...optional, converted_type: "LIST", logical_type: { type: "LIST" }, num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elementsOf(kind.item, "element"),
      ];
    case "struct":
      return [
        { name, ...optional, num_children: kind.fields.size },
        ...[...kind.fields].flatMap(([field, inner]) => elementsOf(inner, field)),
      ];
    default:
      return [{ name, ...textElement }];
  }
}

function cellOf(kind: ValueKind): (value: unknown) => unknown {
  const cell = cellOfSome(kind);
  return (value) => (value === null || value === undefined ? null : cell(value));
}

function cellOfSome(kind: ValueKind): (value: unknown) => unknown {
  switch (kind.kind) {
    case "boolean":
      return (value) => value;
    case "double":
      return Number;
    case "whole":
      return (value) => BigInt.asIntN(64, BigInt(value as number));
    case "list": {
      const item = cellOf(kind.item);
      return (value) => (value as unknown[]).map(item);
    }
    case "struct": {
      const fields = [...kind.fields].map(([name, inner]) => [name, cellOf(inner)] as const);
      return (value) => {
        const object = value as Record<string, unknown>;
        const has = (name: string) => (Object.hasOwn(object, name) ? object[name] : null);
        return Object.fromEntries(fields.map(([name, field]) => [name, field(has(name))]));
      };
    }
    default:
      return (value) => wellFormed(typeof value === "string" ? value : jsonText(value));
  }
}
