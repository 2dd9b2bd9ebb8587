/**
 * How to get a package that npm may leave out: a checkout has it among its optional dependencies, an installed pairloom
 * finds one that is installed beside it.
 *
 * @param wanted name and version, "webgpu@0.6"
 */
export function howToAdd(wanted: string): string {
  return (
    `run \`npm install --ignore-scripts ${wanted}\` where pairloom is installed (with -g where it is global); ` +
    "in a checkout `npm install` without --omit=optional."
  );
}
