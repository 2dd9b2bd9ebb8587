/** How a terminal shows pictures; blocks are half a character in colour each. */
export const pictureProtocols = ["kitty", "iterm", "sixel", "blocks", "none"] as const;
export type PictureProtocol = (typeof pictureProtocols)[number];

/**
 * What the terminal says of itself by the environment. Multiplexers (tmux, screen) pass pictures on only where they are
 * set up for it, which can't be seen from here.
 *
 * Sources: the terminals' manuals; Kitty's "Terminal graphics protocol", iTerm2's "Inline Images Protocol".
 */
export function pictureProtocol(env: NodeJS.ProcessEnv, isTerminal: boolean): PictureProtocol {
  if (!isTerminal) return "none";
  const term = env["TERM"] ?? "";
  const program = env["TERM_PROGRAM"] ?? "";
  if (term === "dumb") return "none";
  const multiplexed = env["TMUX"] !== undefined || env["STY"] !== undefined || /^(screen|tmux)/.test(term);
  if (!multiplexed) {
    if (env["KITTY_WINDOW_ID"] !== undefined || /kitty|ghostty/.test(term) || program === "ghostty")
      return "kitty";
    if (["iTerm.app", "WezTerm", "mintty", "rio"].includes(program)) return "iterm";
    if (/^(foot|mlterm|contour|yaft)|sixel/.test(term)) return "sixel";
  }
  const colours = /^(truecolor|24bit)$/.test(env["COLORTERM"] ?? "") && env["NO_COLOR"] === undefined;
  return colours ? "blocks" : "none";
}
