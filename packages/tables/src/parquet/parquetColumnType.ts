import { UserError } from "@pairloom/config/errors";
import type { SchemaElement, SchemaTree } from "hyparquet";
import { type ColumnElements, type ColumnType, wellFormed } from "./columnType.js";
import { leafJson } from "./leafJson.js";

type Convert = (value: unknown) => unknown;

/**
 * The type of a column of a parquet file that is read without its leaves' annotations (`bareSchema`): its cells are those
 * that lie in the pages, so they are written again as they are, and the schema says the same of them.
 * @throws UserError "table_type" where they can't be kept
 */
export function parquetColumnType(column: SchemaTree, table: string): ColumnType {
  const refuse = (what: string): never => {
    throw new UserError(
      "table_type",
      `The column "${column.element.name}" of ${table} is ${what}: it can't be kept`,
      {
        hint: "Leave it out, or write it as text or numbers.",
      },
    );
  };
  const toCell = cellOf(column, refuse);
  const toJson = jsonOf(column, refuse);
  return {
    elements: writtenElements(column) as unknown as ColumnElements,
    toCell: orNull(toCell),
    toJson: orNull(toJson),
  };
}

const orNull =
  (convert: Convert): Convert =>
  (value) =>
    value === null || value === undefined ? null : convert(value);

type Refuse = (what: string) => never;

const isRepeated = ({ element }: SchemaTree): boolean => element.repetition_type === "REPEATED";

/** What a group is. Other shapes than the format's three are those of writers before 2014. */
type Shape =
  | { kind: "leaf" }
  | { kind: "list"; item: SchemaTree }
  | { kind: "map"; entries: SchemaTree; key: SchemaTree; value: SchemaTree }
  | { kind: "struct"; fields: SchemaTree[] };

function shapeOf(tree: SchemaTree, refuse: Refuse): Shape {
  const { children, element } = tree;
  const { converted_type: converted, logical_type: logical } = element;
  if (logical?.type === "VARIANT") refuse("a variant");
  if (children.length === 0) return { kind: "leaf" };
  const [only] = children;
  if (converted === "LIST" || logical?.type === "LIST") {
    const [item] = only?.children ?? [];
    if (children.length === 1 && isRepeated(only!) && only!.children.length === 1 && !isRepeated(item!))
      return { kind: "list", item: item! };
    return refuse("a list of an old form");
  }
  if (converted === "MAP" || converted === "MAP_KEY_VALUE" || logical?.type === "MAP") {
    const [key, value] = only?.children ?? [];
    const isMap = children.length === 1 && isRepeated(only!) && only!.children.length === 2;
    if (isMap && key?.element.name === "key" && value?.element.name === "value")
      return { kind: "map", entries: only!, key, value };
    return refuse("a map of an old form");
  }
  if (children.some(isRepeated)) refuse("a repeated field of an old form");
  return { kind: "struct", fields: children };
}

function cellOf(tree: SchemaTree, refuse: Refuse): Convert {
  if (isRepeated(tree) && tree.children.length === 0) refuse("a repeated field of an old form");
  const shape = shapeOf(tree, refuse);
  switch (shape.kind) {
    case "leaf":
      return (value) => (typeof value === "string" ? wellFormed(value) : value);
    case "list": {
      const item = orNull(cellOf(shape.item, refuse));
      return (value) => (value as unknown[]).map(item);
    }
    case "map": {
      const [key, inner] = [orNull(cellOf(shape.key, refuse)), orNull(cellOf(shape.value, refuse))];
      const entries = shape.entries.element.name;
      return (value) =>
        (value as Record<string, unknown[]>)[entries]!.map((entry) => ({
          key: key((entry as { key: unknown }).key),
          value: inner((entry as { value: unknown }).value),
        }));
    }
    case "struct": {
      const fields = shape.fields.map(
        (field) => [field.element.name, orNull(cellOf(field, refuse))] as const,
      );
      return (value) =>
        Object.fromEntries(
          fields.map(([name, field]) => [name, field((value as Record<string, unknown>)[name])]),
        );
    }
  }
}

function jsonOf(tree: SchemaTree, refuse: Refuse): Convert {
  const shape = shapeOf(tree, refuse);
  switch (shape.kind) {
    case "leaf":
      return leafJson(tree.element) ?? refuse(kindName(tree.element));
    case "list": {
      const item = orNull(jsonOf(shape.item, refuse));
      return (value) => (value as unknown[]).map(item);
    }
    case "map": {
      const [key, inner] = [orNull(jsonOf(shape.key, refuse)), orNull(jsonOf(shape.value, refuse))];
      const entries = shape.entries.element.name;
      // Pairs, as Python has them: a map's keys need not be texts, nor be there once.
      return (value) =>
        (value as Record<string, unknown[]>)[entries]!.map((entry) => [
          key((entry as { key: unknown }).key),
          inner((entry as { value: unknown }).value),
        ]);
    }
    case "struct": {
      const fields = shape.fields.map(
        (field) => [field.element.name, orNull(jsonOf(field, refuse))] as const,
      );
      return (value) =>
        Object.fromEntries(
          fields.map(([name, field]) => [name, field((value as Record<string, unknown>)[name])]),
        );
    }
  }
}

const kindName = ({ logical_type: logical, converted_type: converted, type }: SchemaElement): string =>
  `of the type ${logical?.type ?? converted ?? type ?? "unknown"}`;

/** The elements as they are written: what hyparquet-writer can't write is said in another way that means the same. */
function writtenElements(tree: SchemaTree): SchemaElement[] {
  return [written(tree.element), ...tree.children.flatMap(writtenElements)];
}

function written({ field_id: _, ...element }: SchemaElement): SchemaElement {
  const { logical_type: logical, ...rest } = element;
  if (element.type === "INT96")
    return {
      ...rest,
      type: "INT64",
      logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "NANOS" },
    };
  if (logical?.type === "INTEGER") return rest;
  return element;
}

/** A file's schema with the annotations of leaves gone, texts' excepted: cells then come as they lie in the pages. */
export function bareSchema(schema: readonly SchemaElement[]): SchemaElement[] {
  return schema.map((element) => {
    const { converted_type: converted, logical_type: logical, ...bare } = element;
    if (element.num_children !== undefined)
      return converted === "LIST" || logical?.type === "LIST" ? { ...bare, converted_type: "LIST" } : bare;
    return isText(element) ? { ...bare, converted_type: "UTF8" } : bare;
  });
}

const isText = ({ converted_type: converted, logical_type: logical }: SchemaElement): boolean =>
  converted === "UTF8" || logical?.type === "STRING";

/** As a file's own program wrote it, where it left out what it says in the newer way only. */
export function annotated(schema: readonly SchemaElement[]): SchemaElement[] {
  return schema.map((element) => {
    const { logical_type: logical, converted_type: converted } = element;
    if (converted !== undefined || logical === undefined) return element;
    if (
      logical.type === "LIST" ||
      logical.type === "MAP" ||
      logical.type === "DATE" ||
      logical.type === "DECIMAL"
    )
      return {
        ...element,
        converted_type: logical.type,
        ...(logical.type === "DECIMAL" ? { scale: logical.scale, precision: logical.precision } : {}),
      };
    if (logical.type === "INTEGER")
      return {
        ...element,
        converted_type: `${logical.isSigned ? "INT" : "UINT"}_${logical.bitWidth}` as "INT_8",
      };
    return element;
  });
}
