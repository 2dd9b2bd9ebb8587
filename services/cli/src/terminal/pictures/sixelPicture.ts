/** Levels of each of red, green and blue: 216 colours, which every terminal with sixels has. */
const levels = 6;
/** 4×4 ordered dithering (Bayer), so that few colours look like more. */
const thresholds = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map((value) => (value + 0.5) / 16);

/**
 * A picture as sixels (DEC STD 070, chapter 9): six rows at a time, one pass for each colour in them.
 *
 * @param rgb three bytes a pixel, rows from the top
 */
export function sixelPicture(rgb: Uint8Array, width: number, height: number): string {
  const colours = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const threshold = thresholds[(y % 4) * 4 + (x % 4)]!;
      const at = y * width + x;
      const level = (channel: number) =>
        Math.min(levels - 1, Math.floor((rgb[at * 3 + channel]! / 255) * (levels - 1) + threshold));
      colours[at] = (level(0) * levels + level(1)) * levels + level(2);
    }
  const used = [...new Set(colours)];
  const percent = (level: number) => Math.round((level * 100) / (levels - 1));
  const palette = used.map((colour) => {
    const [red, green, blue] = [
      Math.floor(colour / levels ** 2),
      Math.floor(colour / levels) % levels,
      colour % levels,
    ];
    return `#${colour};2;${percent(red)};${percent(green)};${percent(blue)}`;
  });
  const bands: string[] = [];
  for (let top = 0; top < height; top += 6)
    bands.push(bandOf(colours, width, top, Math.min(6, height - top)));
  return `\x1bP0;1q"1;1;${width};${height}${palette.join("")}${bands.join("-")}\x1b\\`;
}

function bandOf(colours: Uint8Array, width: number, top: number, rows: number): string {
  const present = new Set(colours.subarray(top * width, (top + rows) * width));
  return [...present]
    .map((colour) => {
      let line = "";
      for (let x = 0; x < width; x++) {
        let bits = 0;
        for (let row = 0; row < rows; row++)
          if (colours[(top + row) * width + x] === colour) bits |= 1 << row;
        line += String.fromCharCode(63 + bits);
      }
      return `#${colour}${line.replace(/(.)\1{3,}/g, (run, one: string) => `!${run.length}${one}`)}`;
    })
    .join("$");
}
