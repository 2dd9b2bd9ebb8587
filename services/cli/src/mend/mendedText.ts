import { type Mended, mendedStages } from "./mending.js";

/** What mending did, for people. */
export function mendedText({ jobs, setAside, lost }: Mended): string {
  const count = (n: number) => n.toLocaleString("en-US");
  const lines = setAside.map(({ why, place }) => `Set aside: ${why}. It lies in ${place} now.`);
  lines.push(...lost.map((line) => `Can't be rebuilt: ${line}.`));
  lines.push(`Put back: ${mendedStages.map((stage) => `${count(jobs[stage])} ${stage}`).join(", ")} jobs.`);
  return lines.join("\n");
}
