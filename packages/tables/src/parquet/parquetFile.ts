import { open, type FileHandle } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { ColumnType } from "./columnType.js";

export interface FileColumn {
  name: string;
  type: ColumnType;
}

const isText = ({ converted_type: converted, logical_type: logical }: Omit<SchemaElement, "name">): boolean =>
  converted === "UTF8" || logical?.type === "STRING";

/** The schema by which pages are encoded: cells lie in them as they are, so only what shapes them is said. */
function pageElement(element: SchemaElement): SchemaElement {
  const { converted_type: converted, logical_type: logical, ...bare } = element;
  if (element.num_children === undefined) return isText(element) ? { ...bare, converted_type: "UTF8" } : bare;
  const kind = converted ?? logical?.type;
  return kind === "LIST" || kind === "MAP" || kind === "MAP_KEY_VALUE"
    ? { ...bare, converted_type: kind === "LIST" ? "LIST" : "MAP" }
    : bare;
}

/** Smallest and largest are told of columns whose cells have the order of their values. */
const isOrdered = ({ elements }: ColumnType): boolean =>
  elements.length === 1 &&
  (isText(elements[0]) ||
    (elements[0].converted_type === undefined && elements[0].logical_type === undefined));

/** A dictionary takes 0 and -0 for one value. */
const hasFractions = ({ elements }: ColumnType): boolean =>
  elements.some(({ type }) => type === "FLOAT" || type === "DOUBLE");

/**
 * A parquet file that is written a row group at a time, so that neither memory nor the event loop feels its size. Every
 * value that a column's type takes can be written.
 */
export class ParquetFile {
  private rows: unknown[][] = [];

  private constructor(
    private readonly handle: FileHandle,
    private readonly columns: readonly FileColumn[],
    private readonly schema: SchemaElement[],
    private readonly bytes: ByteWriter,
    private readonly writer: ParquetWriter,
    private readonly groupRows: number,
  ) {}

  /** @param groupRows rows of a row group */
  static async create(path: string, columns: readonly FileColumn[], groupRows = 1000): Promise<ParquetFile> {
    const schema: SchemaElement[] = [
      { name: "root", num_children: columns.length },
      ...columns.flatMap(({ name, type: { elements } }) => [{ ...elements[0], name }, ...elements.slice(1)]),
    ] as SchemaElement[];
    const bytes = new ByteWriter();
    const [root, ...rest] = schema as [SchemaElement, ...SchemaElement[]];
    const writer = new ParquetWriter({
      writer: bytes,
      schema: [root, ...rest.map(pageElement)],
      createdBy: "pairloom",
    });
    return new ParquetFile(await open(path, "w"), columns, schema, bytes, writer, groupRows);
  }

  /** @param values one for each column */
  async add(values: unknown[]): Promise<void> {
    this.rows.push(values);
    if (this.rows.length >= this.groupRows) await this.writeGroup();
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    try {
      await this.writeGroup();
      // The footer says what the pages' cells mean.
      this.writer.schema = this.schema;
      await this.writer.finish();
      await this.drain();
    } finally {
      await this.handle.close();
    }
  }

  /** Gives the file up. */
  async abandon(): Promise<void> {
    await this.handle.close().catch(() => undefined);
  }

  private async writeGroup(): Promise<void> {
    const rows = this.rows;
    if (rows.length === 0) return;
    this.rows = [];
    const columnData = this.columns.map(({ name, type }, at) => ({
      name,
      data: rows.map((values) => type.toCell(values[at])),
      statistics: isOrdered(type),
      ...(hasFractions(type) ? { encoding: "PLAIN" as const } : {}),
    }));
    await this.writer.write({ columnData, rowGroupSize: rows.length });
    await this.drain();
    await nextTurn();
  }

  private async drain(): Promise<void> {
    const chunk = this.bytes.getBytes().slice();
    this.bytes.index = 0;
    await this.handle.writeFile(chunk);
  }
}
