/**
 * True where a usage preference says no to training: "train-ai=n" (IETF AI preferences, Content-Usage) or
 * "ai-train=no" (Content-Signal). A statement on training itself rules over the wider one ("bots=n").
 */
export function refusesTraining(preference: string): boolean {
  const said = new Map<string, string>();
  for (const part of preference.toLowerCase().split(",")) {
    const [name = "", value = ""] = part.split(";")[0]?.split("=") ?? [];
    said.set(name.trim(), value.trim().replace(/^"(.*)"$/, "$1"));
  }
  for (const name of ["train-ai", "ai-train", "bots", "tdm", "ai", "genai", "train-genai"]) {
    const value = said.get(name);
    if (value !== undefined) return value === "n" || value === "no" || value === "?0";
  }
  return false;
}
