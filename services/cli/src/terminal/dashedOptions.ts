/**
 * Spells option names with dashes ("--url_list=x" → "--url-list=x"), so that commands written for img2dataset work;
 * values are left as they are. @param argv as of `process.argv`
 */
export function dashedOptions(argv: readonly string[]): string[] {
  return argv.map((argument, at) => {
    if (at < 2 || !argument.startsWith("--")) return argument;
    const [name = "", ...value] = argument.split("=");
    return [name.replaceAll("_", "-"), ...value].join("=");
  });
}
