import { open, type FileHandle } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ByteWriter, ParquetWriter, schemaFromColumnData, type BasicType } from "hyparquet-writer";
import { cellOf, type CellKind } from "./cellKind.js";

export interface FileColumn {
  name: string;
  kind: CellKind;
}

const types: Record<CellKind, BasicType> = {
  string: "STRING",
  int: "INT32",
  long: "INT64",
  double: "DOUBLE",
  boolean: "BOOLEAN",
  bytes: "BYTE_ARRAY",
};

/** A parquet file that is written a row group at a time, so that neither memory nor the event loop feels its size. */
export class ParquetFile {
  private rows: unknown[][] = [];

  private constructor(
    private readonly handle: FileHandle,
    private readonly columns: readonly FileColumn[],
    private readonly bytes: ByteWriter,
    private readonly writer: ParquetWriter,
    private readonly groupRows: number,
  ) {}

  /** @param groupRows rows of a row group */
  static async create(path: string, columns: readonly FileColumn[], groupRows = 1000): Promise<ParquetFile> {
    const schema = schemaFromColumnData({
      columnData: columns.map(({ name, kind }) => ({ name, type: types[kind], nullable: true, data: [] })),
    });
    const bytes = new ByteWriter();
    const writer = new ParquetWriter({ writer: bytes, schema, createdBy: "pairloom" });
    return new ParquetFile(await open(path, "w"), columns, bytes, writer, groupRows);
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
    const columnData = this.columns.map(({ name, kind }, at) => ({
      name,
      data: rows.map((values) => cellOf(kind, values[at])),
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
