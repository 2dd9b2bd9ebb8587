import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeTarHeader,
  encodeTarHeader,
  packTar,
  scanTar,
  type TarEntry,
  TarMemberError,
  type TarMember,
  type TarProblem,
} from "../src/index.js";

async function pack(members: TarMember[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of packTar(members)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function scan(tar: Buffer, chunkBytes = tar.length, maxMemberBytes = 2 ** 30) {
  async function* chunks() {
    for (let at = 0; at < tar.length; at += chunkBytes) yield tar.subarray(at, at + chunkBytes);
  }
  const entries: TarEntry[] = [];
  const problems: TarProblem[] = [];
  const options = { maxMemberBytes, onProblem: (problem: TarProblem) => void problems.push(problem) };
  for await (const entry of scanTar(chunks(), options)) entries.push(entry);
  return { entries, problems };
}

const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
  .filter((s) => !s.includes("\0") && Buffer.byteLength(s) <= 100);
const members = fc.array(
  fc.record({
    name,
    data: fc.oneof(
      fc.uint8Array({ maxLength: 1500 }),
      fc.integer({ min: 0, max: 400_000 }).map((n) => Buffer.alloc(n, n)),
    ),
  }),
  { maxLength: 12 },
);

describe("a tar header", () => {
  it("is ustar with fixed metadata, field by field", () => {
    const block = Buffer.alloc(512, 0xff);
    encodeTarHeader(block, 0, "000000012.jpg", 20_000);
    const field = (start: number, length: number) => block.toString("latin1", start, start + length);
    expect(field(0, 100)).toBe("000000012.jpg".padEnd(100, "\0"));
    expect(field(100, 8)).toBe("0000644\0");
    expect(field(108, 8)).toBe("0000000\0");
    expect(field(116, 8)).toBe("0000000\0");
    expect(field(124, 12)).toBe("00000047040\0");
    expect(field(136, 12)).toBe("00000000000\0");
    const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    expect(field(148, 8)).toBe(`${sum.toString(8).padStart(6, "0")}\0 `);
    expect(field(156, 1)).toBe("0");
    expect(field(257, 8)).toBe("ustar\x0000");
    expect(field(157, 100) + field(265, 64) + field(345, 167)).toMatch(/^\0+$/);
  });

  it("can't be made for names and sizes that ustar doesn't hold", () => {
    const block = Buffer.alloc(512);
    for (const bad of ["", "x".repeat(101), "é".repeat(51), "a\0b"]) {
      expect(() => encodeTarHeader(block, 0, bad, 1), bad).toThrow(TarMemberError);
    }
    for (const size of [-1, 1.5, 8 ** 11, NaN]) {
      expect(() => encodeTarHeader(block, 0, "x", size), `${size}`).toThrow(TarMemberError);
    }
    encodeTarHeader(block, 0, "x".repeat(100), 8 ** 11 - 1);
    expect(decodeTarHeader(block, 0)).toEqual({ name: "x".repeat(100), size: 8 ** 11 - 1, type: "0" });
  });

  it("with any byte changed is bad, or the same but for a field that isn't read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 511 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const block = Buffer.alloc(512);
        encodeTarHeader(block, 0, "000000012.jpg", 20_000);
        block[at] = (block[at] as number) ^ change;
        const decoded = decodeTarHeader(block, 0);
        if (decoded !== "bad") {
          expect(decoded).toEqual({ name: "000000012.jpg", size: 20_000, type: "0" });
          expect(at >= 148 && at < 156, "only the checksum's own padding may differ").toBe(true);
        }
      }),
    );
  });

  it("is valid with the sum of its bytes alone, whatever they are and wherever it lies", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 512, maxLength: 512 }),
        fc.constantFrom(null, 0xff),
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom(-1, 0, 1),
        (bytes, fill, at, off) => {
          const buffer = Buffer.alloc(at + 512);
          buffer.set(bytes, at);
          if (fill !== null) buffer.fill(fill, at);
          buffer.write("00000000017\0", at + 124, "latin1");
          buffer.write("        ", at + 148, "latin1");
          const sum = buffer.subarray(at).reduce((total, byte) => total + byte, 0);
          buffer.write(`${(sum + off).toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
          const decoded = decodeTarHeader(buffer, at);
          if (off === 0) expect(decoded).toMatchObject({ size: 15 });
          else expect(decoded).toBe("bad");
        },
      ),
    );
  });

  it("of any bytes decodes without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 512, maxLength: 512 }), (bytes) => {
        decodeTarHeader(Buffer.from(bytes), 0);
      }),
    );
  });
});

describe("a tar", () => {
  it("gives back any members, in whatever chunks it is read", async () => {
    await fc.assert(
      fc.asyncProperty(members, fc.integer({ min: 1, max: 5000 }), async (list, chunkBytes) => {
        const tar = await pack(list);
        expect(tar.length % 512).toBe(0);
        const { entries, problems } = await scan(tar, Math.max(chunkBytes, tar.length >> 9));
        expect(problems).toEqual([]);
        expect(entries.map((entry) => entry.name)).toEqual(list.map((member) => member.name));
        entries.forEach(({ data, offset, dataOffset }, i) => {
          expect(data.equals(list[i]?.data as Uint8Array)).toBe(true);
          expect(dataOffset).toBe(offset + 512);
          expect(tar.subarray(dataOffset, dataOffset + data.length).equals(data)).toBe(true);
        });
      }),
      { numRuns: 50 },
    );
  });

  it("cut off anywhere gives the members before the cut and says that it was cut", async () => {
    const list = Array.from({ length: 6 }, (_, i) => ({ name: `${i}.jpg`, data: Buffer.alloc(i * 400, i) }));
    const tar = await pack(list);
    const content = tar.length - 1024;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: content }), async (cut) => {
        const { entries, problems } = await scan(tar.subarray(0, cut), 700);
        expect(problems.map(({ kind }) => kind)).toEqual([
          expect.stringMatching(/^(truncated|no_end)$/) as unknown as string,
        ]);
        entries.forEach(({ data }, i) => expect(data.equals(list[i]?.data as Buffer)).toBe(true));
      }),
    );
  });

  it("damaged in the middle gives the members around the damage", async () => {
    const list = Array.from({ length: 8 }, (_, i) => ({
      name: `${i}.jpg`,
      data: Buffer.alloc(2000, 65 + i),
    }));
    const tar = await pack(list);
    tar.fill(0x5a, 3 * 2560, 3 * 2560 + 600);
    const { entries, problems } = await scan(tar, 999);
    expect(entries.map((entry) => entry.name)).toEqual(
      list.filter((_, i) => i !== 3).map((member) => member.name),
    );
    expect(problems).toEqual([{ kind: "header", offset: 3 * 2560, says: "no valid header here" }]);
  });

  it("with random bytes flipped never throws and never invents a member's size", async () => {
    const tar = await pack(
      Array.from({ length: 5 }, (_, i) => ({ name: `${i}.jpg`, data: Buffer.alloc(900, i) })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: tar.length - 1 }), { minLength: 1, maxLength: 20 }),
        async (places) => {
          const damaged = Buffer.from(tar);
          for (const at of places) damaged[at] = (damaged[at] as number) ^ 0x40;
          const { entries } = await scan(damaged, 1333);
          for (const { data } of entries) expect(data.length).toBe(900);
        },
      ),
    );
  });

  it("whose member claims more than is allowed is stepped over without being held", async () => {
    const tar = await pack([
      { name: "a", data: Buffer.alloc(100) },
      { name: "huge", data: Buffer.alloc(50_000) },
      { name: "b", data: Buffer.alloc(100) },
    ]);
    const { entries, problems } = await scan(tar, 512, 40_000);
    expect(entries.map((entry) => entry.name)).toEqual(["a", "b"]);
    expect(problems.map(({ kind }) => kind)).toEqual(["too_large"]);
  });

  it("with bytes after its end is reported", async () => {
    const tar = Buffer.concat([
      await pack([{ name: "a", data: Buffer.alloc(10) }]),
      Buffer.alloc(9216),
      Buffer.from("x"),
    ]);
    expect((await scan(tar, 600)).problems.map(({ kind }) => kind)).toEqual(["trailing"]);
  });

  it("with pax and GNU long names and sizes is read", async () => {
    const long = `${"folder/".repeat(20)}000000001.jpg`;
    const header = (type: string, memberName: string, data: Buffer) => {
      const block = Buffer.alloc(512);
      encodeTarHeader(block, 0, memberName, data.length);
      block[156] = type.charCodeAt(0);
      block.write("        ", 148, "latin1");
      const sum = block.reduce((total, byte) => total + byte, 0);
      block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
      return Buffer.concat([block, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
    };
    const record = `path=${long}\n`;
    const pax = `${record.length + 4} ${record}`;
    expect(Buffer.byteLength(pax)).toBe(Number(pax.split(" ")[0]));
    const tar = Buffer.concat([
      header("g", "global", Buffer.from("18 comment=nothing\n".slice(0, 18) + "\n")),
      header("x", "pax", Buffer.from(pax)),
      header("0", "short1", Buffer.from("one")),
      header("L", "././@LongLink", Buffer.from(`${long}2\0`)),
      header("0", "short2", Buffer.from("two")),
      header("5", "folder/", Buffer.alloc(0)),
      header("2", "link", Buffer.alloc(0)),
      Buffer.alloc(1024),
    ]);
    const { entries, problems } = await scan(tar, 300);
    expect(entries.map((entry) => [entry.name, entry.data.toString()])).toEqual([
      [long, "one"],
      [`${long}2`, "two"],
    ]);
    expect(entries[0]?.offset).toBe(1024);
    expect(problems.map(({ kind }) => kind)).toEqual(["unsupported"]);
  });
});
