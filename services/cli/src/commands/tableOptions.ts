import { badRowChoices, parseDelimiter } from "@pairloom/tables/options";
import { Option } from "commander";

/** What separates the columns of a table. */
export const delimiterOption = () =>
  new Option(
    "--delimiter <character>",
    "what separates the columns of a csv or tsv: a character, or comma, tab, semicolon, pipe (by default found)",
  ).argParser(parseDelimiter);

/** What is done about rows that aren't of their table's form. */
export const badRowsOption = (says: string) =>
  new Option("--on-bad-rows <choice>", says).choices(badRowChoices).default("error");
