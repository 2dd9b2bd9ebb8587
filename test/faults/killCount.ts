/** Whether the long counts are asked for: `npm run test:long`. */
export const isLong = process.env["PAIRLOOM_LONG"] === "1";

/** How often a suite kills: as usual, or as often as it should be done now and then; PAIRLOOM_KILLS is any other number. */
export function killCount(usual: number, long: number): number {
  const wished = process.env["PAIRLOOM_KILLS"];
  if (wished === undefined) return isLong ? long : usual;
  const count = Number(wished);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`Expected PAIRLOOM_KILLS to be a whole number from 1 and up, got ${wished}`);
  return count;
}

/** What decides the moments and victims: PAIRLOOM_KILL_SEED, or a suite's own. */
export function killSeed(own: number): number {
  return Number(process.env["PAIRLOOM_KILL_SEED"] ?? own);
}
