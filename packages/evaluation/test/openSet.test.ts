import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UserError } from "@pairloom/config/errors";
import { packTar } from "@pairloom/shards";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readClassList } from "../src/datasets/classList.js";
import type { CaptionedPicture, CaptionedSet, LabelledSet } from "../src/datasets/evaluationSet.js";
import { openCaptionedSet, openLabelledSet } from "../src/datasets/openSet.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sets-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes files below a new folder. @returns its path */
async function files(name: string, contents: Record<string, string | Buffer>): Promise<string> {
  for (const [path, content] of Object.entries(contents)) {
    const target = join(folder, name, path);
    await mkdir(join(target, ".."), { recursive: true });
    await writeFile(target, content);
  }
  return join(folder, name);
}

async function tar(members: Record<string, string>): Promise<Buffer> {
  const parts: Buffer[] = [];
  const all = Object.entries(members).map(([name, text]) => ({ name, data: Buffer.from(text) }));
  for await (const part of packTar(all)) parts.push(part);
  return Buffer.concat(parts);
}

/** Pictures' contents and labels. */
async function read({ pictures }: LabelledSet): Promise<[string, number][]> {
  const all: [string, number][] = [];
  for await (const { image, label } of pictures) all.push([Buffer.from(image).toString(), label]);
  return all;
}

async function readCaptions({ pictures }: CaptionedSet): Promise<[string, string[]][]> {
  const all: CaptionedPicture[] = [];
  for await (const picture of pictures) all.push(picture);
  return all.map(({ image, captions }) => [Buffer.from(image).toString(), captions]);
}

describe("a folder with one subfolder a class", () => {
  test("subfolders in order, underscores are spaces, other files are no pictures", async () => {
    const place = await files("classes", {
      "red_star/0.jpg": "r0",
      "red_star/deeper/1.PNG": "r1",
      "red_star/notes.txt": "no picture",
      "blue_ring/0.webp": "b0",
    });
    const set = await openLabelledSet(place);
    expect(set.classes).toEqual(["blue ring", "red star"]);
    expect(await read(set)).toEqual([
      ["b0", 0],
      ["r0", 1],
      ["r1", 1],
    ]);
    expect((await openLabelledSet(place, { classes: ["ring", "star"] })).classes).toEqual(["ring", "star"]);
    await expect(openLabelledSet(place, { classes: ["a", "b", "c"] })).rejects.toMatchObject({
      code: "classes_differ",
    });
    await expect(openLabelledSet(place, { split: "train" })).rejects.toMatchObject({ code: "split_missing" });
  });

  test("the wanted part is read, and a class without pictures keeps its number and is named", async () => {
    const place = await files("parts", {
      "train/a/0.jpg": "train",
      "test/a/none.txt": "",
      "test/b/0.jpg": "test",
    });
    const set = await openLabelledSet(place);
    expect(set.classes).toEqual(["a", "b"]);
    expect(await read(set)).toEqual([["test", 1]]);
    expect(set.leftOut.lines()).toEqual([
      `left out: a file that is no picture by its ending (${join(place, "test/a/none.txt")})`,
      "left out: a class without pictures (a)",
    ]);
    expect(await read(await openLabelledSet(place, { split: "train" }))).toEqual([["train", 0]]);
  });
});

describe("links in folders by class", () => {
  test("are followed: folders, pictures, the part and the set; what leads nowhere or back is named", async () => {
    const real = await files("linked/real", {
      "1/a.jpg": "1a",
      "2/a.jpg": "2a",
      "3/a.jpg": "3a",
      "3/b.jpg": "3b",
    });
    const set = await files("linked/set", {
      "test/1/a.jpg": "1a",
      "test/notes.txt": "",
      "test/stray.png": "x",
    });
    const at = (...names: string[]) => join(set, "test", ...names);
    await symlink(join(real, "2"), at("2"));
    await mkdir(at("3"));
    for (const name of ["a.jpg", "b.jpg"]) await symlink(join(real, "3", name), at("3", name));
    await symlink("gone.jpg", at("3", "c.jpg"));
    await symlink("..", at("3", "up"));
    await symlink("gone", at("4"));
    await symlink(".", at("5"));
    await symlink(join(set, "test"), join(folder, "linked", "part"));
    for (const place of [set, join(folder, "linked", "part")]) {
      const opened = await openLabelledSet(place);
      expect(opened.classes).toEqual(["1", "2", "3"]);
      expect(await read(opened)).toEqual([
        ["1a", 0],
        ["2a", 1],
        ["3a", 2],
        ["3b", 2],
      ]);
      expect(opened.leftOut.counts()).toEqual({
        "a link that leads nowhere": 2,
        "a link that leads back": 2,
        "a picture outside of the classes": 1,
      });
    }
  });

  test("hidden folders are classes if they hold pictures, hidden and foreign files are counted", async () => {
    const place = await files("hidden", {
      "a/._0.jpg": "fork",
      "a/.hidden.png": "h",
      "a/0.JPG": "a0",
      "a/0.bmp": "bitmap",
      "a/Thumbs.db": "",
      ".shadow/0.jpg": "s0",
      ".git/config": "",
    });
    const set = await openLabelledSet(place);
    expect(set.classes).toEqual([".shadow", "a"]);
    expect(await read(set)).toEqual([
      ["s0", 0],
      ["fork", 1],
      ["h", 1],
      ["a0", 1],
    ]);
    expect(set.leftOut.counts()).toEqual({
      "a file that is no picture by its ending": 2,
      "a hidden folder without pictures": 1,
    });
  });

  test("classes are in the order of code points", async () => {
    const names = ["a-b", "a", "B", "\u{1F600}", "\uFF5E", "é"];
    const place = await files("order", Object.fromEntries(names.map((name) => [`${name}/0.jpg`, ""])));
    expect((await openLabelledSet(place)).classes).toEqual(["B", "a", "a-b", "é", "\uFF5E", "\u{1F600}"]);
  });
});

describe("CLIP_benchmark's layout", () => {
  const names = { "classnames.txt": "cat\ndog\n", "zeroshot_classification_templates.txt": "a {c}.\n" };

  test("shards by number, as many as nshards.txt says; classes and prompts come with them", async () => {
    const place = await files("wds", {
      ...names,
      "test/nshards.txt": "2\n",
      "test/0.tar": await tar({ "s0.webp": "p0", "s0.cls": "1", "s1.cls": "0", "s1.jpg": "p1" }),
      "test/1.tar": await tar({ "s2.jpg": "p2", "s3.cls": "0", "s4.png": "p4", "s4.cls": " 0\n" }),
      "test/2.tar": await tar({ "s9.jpg": "p9", "s9.cls": "0" }),
    });
    const set = await openLabelledSet(place);
    expect([set.classes, set.templates]).toEqual([["cat", "dog"], ["a {c}."]]);
    expect(await read(set)).toEqual([
      ["p0", 1],
      ["p1", 0],
      ["p4", 0],
    ]);
    expect(set.leftOut.counts()).toEqual({
      "a shard that nshards.txt does not count": 1,
      "no label": 1,
      "no picture": 1,
    });
  });

  test("labels are numbers, also where the classes are named by other numbers", async () => {
    const place = await files("digits", {
      "classnames.txt": "1\n2\n3\n",
      "test/nshards.txt": "1",
      "test/0.tar": await tar({
        "a.jpg": "A",
        "a.cls": "0",
        "b.jpg": "B",
        "b.cls": "1",
        "c.jpg": "C",
        "c.cls": "2",
      }),
    });
    const labels = [
      ["A", 0],
      ["B", 1],
      ["C", 2],
    ];
    expect(await read(await openLabelledSet(place))).toEqual(labels);
    expect(await read(await openLabelledSet(place, { classes: ["0", "2", "1"] }))).toEqual(labels);
  });

  test("a split's own folder is read too, with the names beside it or above; others by their names", async () => {
    const one = await tar({ "a.jpg": "A", "a.cls": "1", "._a.jpg": "junk", "b.gif": "B", "b.cls": "0" });
    const place = await files("parts of wds/own", {
      "classnames.txt": "cat\ndog\n",
      "zeroshot-classification-templates.txt": "the {c}\n",
      "train/nshards.txt": "1\n",
      "train/0.tar": one,
      "odd/00000.tar": one,
      "bad/nshards.txt": "one",
      "bad/0.tar": one,
    });
    for (const set of [
      await openLabelledSet(join(place, "train")),
      await openLabelledSet(place, { split: "odd" }),
    ]) {
      expect([set.classes, set.templates]).toEqual([["cat", "dog"], ["the {c}"]]);
      expect(await read(set)).toEqual([["A", 1]]);
      expect(set.leftOut.counts()).toEqual({ "a member without a key": 1, "no picture": 1 });
    }
    await expect(openLabelledSet(place, { split: "bad" })).rejects.toMatchObject({
      code: "shards_missing",
      message: expect.stringContaining('is "one"') as string,
    });
    await expect(openLabelledSet(join(place, "train"), { split: "test" })).rejects.toMatchObject({
      code: "classes_missing",
    });
    for (const open of [openLabelledSet, openCaptionedSet])
      await expect(open(join(place, ".."), { split: "train" })).rejects.toMatchObject({
        code: "dataset_unknown",
        hint: `Name one of them, such as --data ${place}.`,
      });
  });

  test("several texts a picture, one a line", async () => {
    const place = await files("captions", {
      "dataset_type.txt": "retrieval\n",
      "test/0.tar": await tar({ "s0.jpg": "p0", "s0.txt": "one\r\ntwo\n", "s1.jpg": "p1", "s1.txt": "\n" }),
    });
    const set = await openCaptionedSet(place);
    expect(await readCaptions(set)).toEqual([["p0", ["one", "two"]]]);
    expect(set.leftOut.counts()).toEqual({ "no text": 1 });
    const lines = await files("lines", {
      "dataset_type.txt": "retrieval\n",
      "test/0.tar": await tar({ "s0.jpg": "p0", "s0.txt": "one\u2028 two \n\nthree" }),
    });
    const cut = await openCaptionedSet(lines);
    expect(await readCaptions(cut)).toEqual([["p0", ["one", "two", "three"]]]);
    expect(cut.leftOut.counts()).toEqual({ "an empty text": 1 });
    await expect(openLabelledSet(place)).rejects.toMatchObject({ code: "dataset_type" });
  });

  test.each([
    ["2", "label_out_of_range"],
    ["-1", "label_unknown"],
    ["cow", "label_unknown"],
    ["", "label_unknown"],
  ])("the label %j is refused", async (label, code) => {
    const place = await files(`label-${label}`, {
      ...names,
      "test/0.tar": await tar({ "s0.jpg": "p", "s0.cls": label }),
    });
    await expect(read(await openLabelledSet(place))).rejects.toMatchObject({ code });
  });

  test("missing shards, a missing part, several labels a picture and an unnamed class are refused", async () => {
    const one = await tar({ "s0.jpg": "p", "s0.cls": "0" });
    const short = await files("short", { ...names, "test/nshards.txt": "2", "test/0.tar": one });
    await expect(openLabelledSet(short)).rejects.toMatchObject({ code: "shards_missing" });
    await expect(openLabelledSet(short, { split: "train" })).rejects.toMatchObject({
      code: "shards_missing",
    });
    await expect(openCaptionedSet(short)).rejects.toMatchObject({ code: "dataset_type" });
    const multi = await files("multi", { "dataset_type.txt": "multilabel", "test/0.tar": one });
    await expect(openLabelledSet(multi)).rejects.toMatchObject({ code: "dataset_type" });
    const unnamed = await files("unnamed", { "classnames.txt": "cat\n\ndog\n", "test/0.tar": one });
    await expect(openLabelledSet(unnamed)).rejects.toMatchObject({ code: "class_name_empty" });
  });

  test("a shard that is cut off gives what is whole, and says so", async () => {
    const whole = await tar({ "s0.jpg": "p0", "s0.cls": "0", "s1.jpg": "p1", "s1.cls": "1" });
    const place = await files("cut", { ...names, "test/0.tar": whole.subarray(0, 1600) });
    const set = await openLabelledSet(place);
    expect(await read(set)).toEqual([["p0", 0]]);
    expect(set.leftOut.lines().length).toBeGreaterThan(0);
  });
});

describe("a table", () => {
  test("of labels: names in order, or numbers; files from the table's folder on", async () => {
    const place = await files("table", {
      "named.csv": 'path,label\na.jpg,"star, red"\nsub/b.jpg,ring\nlost.jpg,ring\n',
      "numbers.tsv": "\ufeffid\tclass\tfile\n7\t1\ta.jpg\n",
      "a.jpg": "A",
      "sub/b.jpg": "B",
    });
    const set = await openLabelledSet(join(place, "named.csv"));
    expect(set.classes).toEqual(["ring", "star, red"]);
    expect(await read(set)).toEqual([
      ["A", 1],
      ["B", 0],
    ]);
    expect(set.leftOut.counts()).toEqual({ "a picture's file can't be read": 1 });
    const columns = { path: "file", label: "class" };
    const numbered = await openLabelledSet(join(place, "numbers.tsv"), { columns });
    expect(numbered.classes).toBeNull();
    expect(await read(numbered)).toEqual([["A", 1]]);
    await expect(
      openLabelledSet(join(place, "numbers.tsv"), { columns, classes: ["only one"] }),
    ).rejects.toMatchObject({ code: "label_out_of_range" });
    await expect(openLabelledSet(join(place, "named.csv"), { classes: ["a", "b"] })).rejects.toMatchObject({
      code: "label_unknown",
    });
  });

  test("holds numbers where some label is no name, names where all are", async () => {
    const place = await files("digit table", {
      "numbers.csv": "path,label\na.jpg,0\na.jpg,1\na.jpg,2\n",
      "names.csv": "path,label\na.jpg,1\na.jpg,2\na.jpg,3\n",
      "part.csv": "path,label\na.jpg,1\na.jpg,2\n",
      "beyond.csv": "path,label\na.jpg,0\na.jpg,3\n",
      "mixed.csv": "path,label\na.jpg,1\na.jpg,two\n",
      "a.jpg": "A",
    });
    const open = (name: string) => openLabelledSet(join(place, name), { classes: ["1", "2", "3"] });
    const labels = async (set: LabelledSet) => (await read(set)).map(([, label]) => label);
    const numbers = await open("numbers.csv");
    expect([await labels(numbers), numbers.notes]).toEqual([[0, 1, 2], []]);
    const names = await open("names.csv");
    expect([await labels(names), names.notes]).toEqual([
      [0, 1, 2],
      [
        'labels are read as names of classes: "1" is the class of that name, number 0 (--label-kind says what they are)',
      ],
    ]);
    const said = (labelKind: "names" | "numbers") =>
      openLabelledSet(join(place, "part.csv"), { classes: ["1", "2", "3"], labelKind });
    const [asNames, asNumbers] = [await said("names"), await said("numbers")];
    expect([await labels(asNames), asNames.notes]).toEqual([[0, 1], []]);
    expect([await labels(asNumbers), asNumbers.notes]).toEqual([[1, 2], []]);
    await expect(open("beyond.csv")).rejects.toMatchObject({ code: "label_out_of_range" });
    await expect(open("mixed.csv")).rejects.toMatchObject({
      code: "label_unknown",
      message: expect.stringContaining("row 3") as string,
    });
  });

  test("of captions: a picture's rows are its texts", async () => {
    const place = await files("captioned", {
      "c.csv": "path,caption\na.jpg,one\nb.jpg,other\na.jpg,two\nb.jpg,\n,none\n",
      "a.jpg": "A",
      "b.jpg": "B",
    });
    const set = await openCaptionedSet(join(place, "c.csv"));
    expect(await readCaptions(set)).toEqual([
      ["A", ["one", "two"]],
      ["B", ["other"]],
    ]);
    expect(set.leftOut.counts()).toEqual({ "an empty caption": 1, "a row without file or text": 1 });
  });

  test.each([
    ["comma.csv", "path,caption\na.jpg,1\nb.jpg,2\n"],
    ["bom-crlf.csv", '\ufeffpath,caption\r\na.jpg,"1"\r\nb.jpg,"2"\r\n'],
    ["utf16.csv", Buffer.from("\ufeffpath,caption\na.jpg,1\nb.jpg,2\n", "utf16le")],
    ["semicolon.csv", "path;caption\na.jpg;1\nb.jpg;2\n"],
    ["captions.txt", "path,caption\na.jpg,1\nb.jpg,2\n"],
    [
      "pairs.jsonl",
      '{"path": "a.jpg", "caption": 1}\n{"path": "b.jpg", "caption": "2"}\n{"path": "a.jpg", "caption": NaN}\n',
    ],
  ])("%s is read", async (name, content) => {
    const place = await files("tables", { [name]: content, "a.jpg": "A", "b.jpg": "B" });
    expect(await readCaptions(await openCaptionedSet(join(place, name)))).toEqual([
      ["A", ["1"]],
      ["B", ["2"]],
    ]);
  });

  test.each([
    ["openclip-tab.csv", "filepath\ttitle\na.jpg\t1\nb.jpg\t2\n", { path: "filepath", caption: "title" }],
    ["tab.tsv", "filepath\ttitle\na.jpg\t1\nb.jpg\t2\n", { path: "filepath", caption: "title" }],
    [
      "pipe.csv",
      "image_name| comment_number| comment\na.jpg| 0| 1\nb.jpg| 0| 2\n",
      { path: "image_name", caption: "comment" },
    ],
  ])(
    "%s is read with its columns named; without, the error says what separates them",
    async (name, content, columns) => {
      const place = await files("named", { [name]: content, "a.jpg": "A", "b.jpg": "B" });
      const notes: string[] = [];
      const table = { onNote: (note: string) => notes.push(note) };
      expect(await readCaptions(await openCaptionedSet(join(place, name), { columns, table }))).toEqual([
        ["A", ["1"]],
        ["B", ["2"]],
      ]);
      expect(notes.length).toBe(name.endsWith(".csv") ? 1 : 0);
      const failed = await openCaptionedSet(join(place, name)).catch((error: unknown) => error as UserError);
      expect(failed).toMatchObject({ code: "column_missing" });
      expect((failed as UserError).hint).toContain("--path-column");
      if (name.endsWith(".csv"))
        expect((failed as UserError).hint).toMatch(/With --delimiter (tab|pipe) its columns/);
    },
  );

  test("a row with another number of fields is an error that names its line, or is counted where that is asked for", async () => {
    const place = await files("bad", { "c.csv": "path,caption\na.jpg,one, two\nb.jpg,x\n", "b.jpg": "B" });
    await expect(openCaptionedSet(join(place, "c.csv"))).rejects.toThrow(/Line 2 of .*c\.csv has 3 fields/);
    const set = await openCaptionedSet(join(place, "c.csv"), { table: { badRows: "keep" } });
    expect(await readCaptions(set)).toEqual([["B", ["x"]]]);
    expect(set.leftOut.counts()).toEqual({ "a row that is not of the table's form": 1 });
  });

  test("without the column, or that is no text, is refused by the column's name", async () => {
    const place = await files("columns", {
      "c.csv": "path,title\na.jpg,x\n",
      "b.csv": Buffer.from([0xff, 0xfe, 0x00]),
      "e.csv": "",
    });
    await expect(openCaptionedSet(join(place, "c.csv"))).rejects.toMatchObject({
      code: "column_missing",
      message: expect.stringMatching(/no column "caption"; it has "path", "title"/) as string,
    });
    await expect(openCaptionedSet(join(place, "e.csv"))).rejects.toMatchObject({ code: "column_missing" });
    await expect(openCaptionedSet(join(place, "b.csv"))).rejects.toMatchObject({ code: "table_invalid" });
  });
});

describe("a release", () => {
  const captions = [
    "a red star",
    "Reddish stars",
    "two RED STARS",
    "a star and a ring",
    "a ring.",
    "nothing",
  ];
  let place: string;
  beforeAll(async () => {
    const members = captions.flatMap((caption, i) => [
      [`0000${i}.jpg`, "picture"],
      [`0000${i}.txt`, caption],
    ]);
    place = await files("release", {
      "00000.tar": await tar(Object.fromEntries(members) as Record<string, string>),
    });
  });

  test("by names: whole words, whatever the case; what names none or several is counted", async () => {
    const set = await openLabelledSet(place, { classes: ["star", "ring"] });
    expect((await read(set)).map(([, label]) => label)).toEqual([0, 1]);
    expect(set.leftOut.counts()).toEqual({ "texts that name no class, or several": 4 });
  });

  test("by rules; without either it is refused", async () => {
    const rules = [
      { name: "star", pattern: "stars?" },
      { name: "ring", pattern: "^a ring" },
    ];
    const set = await openLabelledSet(place, { rules });
    expect(set.classes).toEqual(["star", "ring"]);
    expect((await read(set)).map(([, label]) => label)).toEqual([0, 0, 0, 0, 1]);
    await expect(openLabelledSet(place)).rejects.toMatchObject({ code: "classes_missing" });
  });

  test("has one text a picture", async () => {
    const texts = (await readCaptions(await openCaptionedSet(place))).map(([, own]) => own);
    expect(texts).toEqual(captions.map((caption) => [caption]));
  });
});

test("class names come one a line, as JSON, or by the dataset's name; other formats are refused by name", async () => {
  const place = await files("class lists", {
    "lines.txt": "\ufeffcat\r\ndog\n\n",
    "list.json": '["cat", "dog"]',
    "sets.json": '{"cifar10": ["cat", "dog"], "vtab/pets": ["pug", "tabby"]}',
    "one.json": '{"other": ["cat", "dog"]}',
    "names.py": 'classes = [\n"cat",\n"dog",\n]\n',
    "names.txt": '"cat",\n"dog",\n',
    "broken.json": '["cat"',
  });
  const at = (name: string) => join(place, name);
  for (const name of ["lines.txt", "list.json"])
    expect(await readClassList(at(name))).toEqual(["cat", "dog"]);
  expect(await readClassList(at("sets.json"), { dataset: "cifar10" })).toEqual(["cat", "dog"]);
  expect(await readClassList(at("sets.json"), { dataset: "wds_vtab-pets" })).toEqual(["pug", "tabby"]);
  const notes: string[] = [];
  await readClassList(at("one.json"), { dataset: "cifar10", note: (line) => notes.push(line) });
  expect(notes).toEqual([`${at("one.json")} has no class names for "cifar10": those of other are taken`]);
  await expect(readClassList(at("sets.json"), { dataset: "mine" })).rejects.toMatchObject({
    code: "classes_invalid",
    hint: expect.stringContaining("cifar10, vtab/pets") as string,
  });
  for (const name of ["names.py", "names.txt", "broken.json"])
    await expect(readClassList(at(name))).rejects.toMatchObject({ code: "classes_invalid" });
});

test("what is no dataset is refused", async () => {
  const empty = await files("empty", { "notes.md": "" });
  await expect(openLabelledSet(empty)).rejects.toMatchObject({ code: "dataset_unknown" });
  await expect(openCaptionedSet(empty)).rejects.toMatchObject({ code: "dataset_unknown" });
  await expect(openLabelledSet(join(empty, "notes.md"))).rejects.toMatchObject({ code: "dataset_unknown" });
  await expect(openLabelledSet(join(folder, "nowhere"))).rejects.toMatchObject({ code: "dataset_missing" });
  await expect(readClassList(join(folder, "nowhere"))).rejects.toMatchObject({ code: "classes_missing" });
});
