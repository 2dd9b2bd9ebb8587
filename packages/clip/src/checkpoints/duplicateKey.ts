/** Strings, and the signs that give JSON its structure. */
const piece = /"(?:[^"\\]+|\\.)*"|[{}[\],:]/g;

/** A key that an object of a JSON text holds twice, of which a parser keeps the last; null where none does. */
export function duplicateKey(json: string): string | null {
  // the keys of each object that is open; null for an array
  const open: (Set<string> | null)[] = [];
  let isKey = false;
  for (const [text] of json.matchAll(piece)) {
    const first = text[0];
    if (first === "{" || first === "[") open.push(first === "{" ? new Set() : null);
    else if (first === "}" || first === "]") open.pop();
    const keys = open.at(-1);
    if (first === '"' && isKey && keys) {
      const key = JSON.parse(text) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
    isKey = keys instanceof Set && (first === "{" || first === ",");
  }
  return null;
}
