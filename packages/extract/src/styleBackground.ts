/** The first picture of an inline style's background, as written. */
export function styleBackground(style: string | undefined): string | null {
  const [, , quoted, bare] =
    /background(?:-image)?\s*:[^;]{0,300}?url\(\s*(?:(["'])(.{0,4000}?)\1|([^)"']{0,4000}))\s*\)/i.exec(
      style ?? "",
    ) ?? [];
  return quoted ?? bare?.trim() ?? null;
}
