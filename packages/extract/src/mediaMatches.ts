/** The screen that a page is read for: a wide one, so that of an image's crops the one for desktops is taken. */
const screen: Record<string, number> = {
  width: 1920,
  height: 1080,
  "device-width": 1920,
  "device-height": 1080,
  "aspect-ratio": 1920 / 1080,
  resolution: 2,
  "device-pixel-ratio": 2,
};

const words: Record<string, readonly string[]> = {
  orientation: ["landscape"],
  hover: ["hover"],
  "any-hover": ["hover"],
  pointer: ["fine"],
  "any-pointer": ["fine"],
  scripting: ["enabled"],
  "prefers-color-scheme": ["light"],
  "prefers-reduced-motion": ["no-preference"],
  "prefers-reduced-data": ["no-preference"],
};

/**
 * Whether a media attribute (Media Queries 4) holds on a desktop's screen. What isn't known doesn't match, as in
 * browsers.
 */
export function mediaMatches(media: string): boolean {
  const list = media.slice(0, 1000).trim().toLowerCase();
  return list === "" || list.split(",").some(queryMatches);
}

function queryMatches(query: string): boolean {
  return query.split(/\bor\b/).some((alternative) => {
    const [, not, terms = ""] = /^\s*(not\s)?(?:only\s)?(.*)$/s.exec(alternative) ?? [];
    const results = terms.split(/\band\b/).map((term) => termMatches(term.trim()));
    if (results.includes(null)) return false;
    const all = results.every((result) => result === true);
    return not === undefined ? all : !all;
  });
}

/** Null where it isn't known. */
function termMatches(term: string): boolean | null {
  if (/^[a-z-]+$/.test(term)) return term === "all" || term === "screen";
  const condition = /^\(\s*([^()]*?)\s*\)$/.exec(term)?.[1];
  return condition === undefined ? null : conditionMatches(condition);
}

function conditionMatches(condition: string): boolean | null {
  const [, bound, name = "", said] =
    /^(?:-webkit-)?(min-|max-)?([a-z-]+)(?:\s*:\s*(.+))?$/.exec(condition) ?? [];
  if (name !== "") {
    const ours = screen[name];
    if (ours === undefined) return said === undefined ? null : (words[name]?.includes(said) ?? null);
    if (said === undefined) return true;
    const value = numberOf(said);
    if (value === null) return null;
    return bound === "min-" ? ours >= value : bound === "max-" ? ours <= value : ours === value;
  }
  // "width >= 600px", "400px < width <= 700px"
  const parts = condition.split(/\s*(<=|>=|<|>|=)\s*/);
  if (parts.length !== 3 && parts.length !== 5) return null;
  const values = parts.map((part, at) => (at % 2 === 0 ? (screen[part] ?? numberOf(part)) : null));
  for (let at = 1; at < parts.length; at += 2) {
    const [left, right] = [values[at - 1], values[at + 1]];
    if (left == null || right == null) return null;
    const holds = {
      "<=": left <= right,
      ">=": left >= right,
      "<": left < right,
      ">": left > right,
      "=": left === right,
    };
    if (holds[parts[at] as keyof typeof holds] === false) return false;
  }
  return true;
}

/** CSS pixels, or dots a pixel, or a ratio. */
const units: Record<string, number> = {
  "": 1,
  px: 1,
  em: 16,
  rem: 16,
  in: 96,
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  pt: 96 / 72,
  dppx: 1,
  x: 1,
  dpi: 1 / 96,
  dpcm: 2.54 / 96,
};

function numberOf(text: string): number | null {
  const [, number, divisor, unit = ""] =
    /^(-?(?:\d+\.?\d*|\.\d+))(?:\s*\/\s*(\d+\.?\d*))?([a-z]*)$/.exec(text) ?? [];
  const factor = units[unit];
  return number === undefined || factor === undefined
    ? null
    : (Number(number) / Number(divisor ?? 1)) * factor;
}
