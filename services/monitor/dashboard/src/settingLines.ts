/** "lr=1e-3\nmodel=tiny" → {lr: 0.001, model: "tiny"}: values are read as JSON where they can be. @throws Error naming a line that is none */
export function settingLines(text: string): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const line of text.split("\n").map((part) => part.trim())) {
    if (line === "") continue;
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`Expected name=value, got “${line}”.`);
    const value = line.slice(at + 1).trim();
    try {
      settings[line.slice(0, at).trim()] = JSON.parse(value);
    } catch {
      settings[line.slice(0, at).trim()] = value;
    }
  }
  return settings;
}
