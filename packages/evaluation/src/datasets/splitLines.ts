/** Lines as Python's `str.splitlines` cuts them, which is how CLIP_benchmark reads its files; without blanks at their ends. */
export function splitLines(text: string): string[] {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => line.trim());
}
