import { constants } from "node:buffer";
import { UserError } from "@pairloom/config/errors";
import type { TableFile } from "../tableFile.js";
import { textPieces } from "./textPieces.js";

/** The whole text of a file, decoded as `textPieces` does. @throws UserError "table_invalid", "text_too_long" */
export async function wholeText(
  file: TableFile,
  maxCharacters = constants.MAX_STRING_LENGTH,
): Promise<string> {
  const pieces: string[] = [];
  let length = 0;
  for await (const piece of textPieces(file)) {
    length += piece.length;
    if (length > maxCharacters)
      throw new UserError("text_too_long", `${file.name} has more than ${maxCharacters} characters`, {
        hint: "Split it into several files.",
      });
    pieces.push(piece);
  }
  return pieces.join("");
}
