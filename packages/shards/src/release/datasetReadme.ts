import { type DataCard, dataCardText } from "./dataCard.js";
import { shardColumns } from "./shardTable.js";

const sizeCategories: [number, string][] = [
  [1e3, "n<1K"],
  [1e4, "1K<n<10K"],
  [1e5, "10K<n<100K"],
  [1e6, "100K<n<1M"],
  [1e7, "1M<n<10M"],
  [1e8, "10M<n<100M"],
  [1e9, "100M<n<1B"],
  [1e10, "1B<n<10B"],
];

/** Fields of KEY.json that hold lists: of texts by kind, else of strings. */
const lists: Record<string, string[]> = {
  texts: ["list:", "- name: kind", "  dtype: string", "- name: text", "  dtype: string"],
  urls: ["list: string"],
  pages: ["list: string"],
  queries: ["list: string"],
  sources: ["list: string"],
};

const feature = (name: string, dtype: string) => [`- name: ${name}`, `  dtype: ${dtype}`];

/**
 * The types of a sample's members, as Hugging Face's `datasets` wants them: from the first samples alone it would take
 * a field that happens to be null in all of them for one that is always null.
 */
function features(pictures: readonly string[]): string[] {
  const record = shardColumns.flatMap(({ name, kind }) =>
    kind === "json"
      ? [`- name: ${name}`, ...(lists[name] ?? []).map((line) => `  ${line}`)]
      : feature(name, kind === "int" ? "int32" : "string"),
  );
  return [
    ...pictures.flatMap((extension) => feature(extension, "image")),
    ...feature("txt", "string"),
    "- name: json",
    "  struct:",
    ...record.map((line) => `  ${line}`),
    ...feature("__key__", "string"),
    ...feature("__url__", "string"),
  ];
}

/** The lines for other programs' users; one folder has one builder in `datasets`, so the tables are named by path. */
const loading = (lastTar: string) => `
## Load it

\`\`\`python
from datasets import load_dataset

load_dataset("FOLDER", split="train")                                             # pictures, captions, records
load_dataset("parquet", data_files="FOLDER/[0-9]*.parquet", split="train")           # the records as a table
load_dataset("parquet", data_files="FOLDER/rejected/*.parquet", split="train")       # what was not taken, and why
\`\`\`

webdataset, wids (\`index.json\`) and open_clip (\`--train-data "FOLDER/{00000..${lastTar.replace(".tar", "")}}.tar"\`, \`sizes.json\`) read the tars as they are.
`;

/** README.md as dataset hosts read it: YAML front matter that finds the shards, then the data card. */
export function datasetReadme(card: DataCard): string {
  const category = sizeCategories.find(([limit]) => card.kept < limit)?.[1] ?? "10B<n<100B";
  const config = [
    "configs:",
    "- config_name: default",
    "  data_files:",
    "  - split: train",
    '    path: "*.tar"',
    "dataset_info:",
    "- config_name: default",
    "  features:",
    ...features(card.pictures).map((line) => `  ${line}`),
  ];
  const lines = [
    "---",
    `pretty_name: ${JSON.stringify(card.name)}`,
    "license: other",
    "task_categories:",
    "- zero-shot-image-classification",
    "- image-to-text",
    "tags:",
    "- clip",
    "- webdataset",
    "- image-text",
    "size_categories:",
    `- ${category}`,
    ...(card.shards.length > 0 ? config : []),
    "---",
    "",
  ];
  return `${lines.join("\n")}\n${dataCardText(card)}${card.shards.length > 0 ? loading(card.shards.at(-1)?.tar ?? "") : ""}`;
}
