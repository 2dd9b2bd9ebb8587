import { Buffer } from "node:buffer";
import { sha256Of } from "../sha256Of.js";
import { type DataCard, dataCardText } from "./dataCard.js";
import { datasetReadme } from "./datasetReadme.js";

/** What people read of a card, by name, as this version words it. */
export const cardPages = (card: DataCard): Map<string, Buffer> =>
  new Map([
    ["datacard.md", Buffer.from(dataCardText(card))],
    ["README.md", Buffer.from(datasetReadme(card))],
  ]);

/** The hash of a card without its own. */
function ownHash(card: object): string {
  const rest: Record<string, unknown> = { ...card };
  delete rest["cardSha256"];
  return sha256Of(JSON.stringify(rest));
}

/**
 * The card with the hashes of its pages and its own. Neither is circular: the pages say nothing of hashes of pages, and the
 * card's own hash is that of all the rest.
 */
export function sealedCard(card: DataCard, pages: ReadonlyMap<string, Uint8Array>): DataCard {
  const hashes = Object.fromEntries([...pages].map(([name, bytes]) => [name, sha256Of(bytes)]));
  const withPages = { ...card, pages: hashes };
  return { ...withPages, cardSha256: ownHash(withPages) };
}

/** Whether a parsed card is as it was written; null where it has no hash of its own. */
export function isCardWhole(card: object): boolean | null {
  const recorded = (card as Partial<DataCard>).cardSha256;
  return recorded === undefined ? null : recorded === ownHash(card);
}
