import type { Quantiles, Survey } from "@pairloom/shards";
import { printable } from "../terminal/printable.js";

const number = (value: number): string => value.toLocaleString("en-US");

export const spreadText = ({ least, median, p99, most }: Quantiles): string =>
  `${number(least)} least, ${number(median)} median, ${number(p99)} for 99 %, ${number(most)} most`;

/** "30 jpg, 2 png". */
export const countsText = (counts: Record<string, number>, none: string): string =>
  Object.entries(counts)
    .map(([name, count]) => `${number(count)} ${name}`)
    .join(", ") || none;

/** What was found in shards, for a terminal. */
export function surveyText(survey: Survey): string {
  const { shards, ofShards, samples, formats, pictureBytes, captionCharacters, chosen } = survey;
  const megabytes = (pictureBytes.sum / 1e6).toFixed(1);
  return [
    `${number(samples)} samples in ${shards === ofShards ? "" : `${shards} of `}${ofShards} shards, ${megabytes} MB of pictures (${countsText(formats, "none")})`,
    `  bytes of a picture       ${spreadText(pictureBytes)}`,
    `  characters of a caption  ${spreadText(captionCharacters)}`,
    `  captions met before      ${number(survey.repeatedCaptions)}`,
    `  put aside                ${countsText(survey.quarantined, "nothing")}`,
    ...(Object.keys(survey.noted).length === 0
      ? []
      : [`  passed over              ${countsText(survey.noted, "")}`]),
    ...chosen.slice(0, 8).map(({ key, text }) => `  ${printable(key)}  ${printable(text).slice(0, 90)}`),
  ].join("\n");
}
