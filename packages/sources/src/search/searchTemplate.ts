import { UserError } from "@pairloom/config";
import { parseHttpUrl } from "../parseHttpUrl.js";

/** Reads a variable of the environment; the composition root hands it in. */
export type ReadVariable = (name: string) => string | undefined;

/** What the template of a search source is made of. */
export interface TemplateConfig {
  name: string;
  url: string;
}

const mask = "***";
const holes = /\{(query|offset|limit|env:([^{}]*))\}/g;
/** Only such variables: whoever may add a source must not read the rest of the environment with it. */
const variableName = /^PAIRLOOM_KEY\w*$/;
const secretName =
  /(?:key|token|secret|signature|sig|auth|password|passwd|pass|pwd|credentials?|app_?id|client_?id|jwt)$/i;
/** "https:", "", "host", then the path. */
const firstSegment = 3;
/** Shorter ones would be found in any text. */
const shortestSecret = 4;

/**
 * A search API's URL template. It knows which of its parts are secret: what {env:PAIRLOOM_KEY…} stands for, and literal
 * values that are keys by their name or their look. They are filled in for a request and struck out of all else.
 */
export class SearchTemplate {
  readonly #config: TemplateConfig;
  readonly #read: ReadVariable;
  /** Longest first. */
  readonly #secrets: string[];
  /** Parameters whose value the template fixes. */
  readonly #fixed: Set<string>;

  /** @throws UserError "search_template_invalid"; its message names no secret */
  constructor(config: TemplateConfig, read: ReadVariable) {
    this.#config = config;
    this.#read = read;
    this.#fixed = new Set(fixedParameters(config.url).map(({ name }) => name));
    const values = [
      ...variablesOf(config.url).map((name) => read(name) ?? ""),
      ...literalSecrets(config.url),
    ];
    this.#secrets = [...new Set(values.flatMap(spellings))]
      .filter((value) => value.length >= shortestSecret)
      .sort((a, b) => b.length - a.length);
    this.#check();
  }

  /** The URL to ask. @throws UserError "search_key_missing" */
  fill(query: string, offset: number, limit: number): string {
    const values: Record<string, string> = {
      query: encodeURIComponent(Buffer.from(query).toString()) /* lone surrogates become U+FFFD */,
      offset: String(offset),
      limit: String(limit),
    };
    return this.#config.url.replace(holes, (_, hole: string, variable: string | undefined) =>
      variable === undefined ? (values[hole] as string) : encodeURIComponent(this.#variable(variable)),
    );
  }

  /** A URL that was asked, as it may be stored and shown: values that the template fixes are struck out. */
  show(asked: string): string {
    const [path = "", ...query] = asked.split("?");
    const segments = path
      .split("/")
      .map((segment, at) => (at >= firstSegment && looksDrawn(segment) ? mask : segment));
    const shown = query
      .join("?")
      .split("&")
      .map((parameter) => {
        const [name = "", ...value] = parameter.split("=");
        const isSecret = this.#fixed.has(name) || secretName.test(name);
        return isSecret && value.length > 0 ? `${name}=${mask}` : parameter;
      });
    return this.#strike(`${segments.join("/")}${query.length === 0 ? "" : `?${shown.join("&")}`}`);
  }

  /** A text without the secrets, and with the URLs in it as they may be shown. */
  scrub(text: string): string {
    return this.#strike(text.replace(/https?:\/\/[^\s"'<>]+/g, (url) => this.show(url)));
  }

  #strike(text: string): string {
    return this.#secrets.reduce((clean, secret) => clean.replaceAll(secret, mask), text);
  }

  holdsSecret(text: string): boolean {
    return this.#secrets.some((secret) => text.includes(secret));
  }

  #variable(name: string): string {
    const value = this.#read(name);
    if (value !== undefined && value !== "") return value;
    throw new UserError(
      "search_key_missing",
      `The search source "${this.#config.name}" needs the environment variable ${name}, which is not set`,
      { hint: `Set ${name} where \`pairloom up\` or \`pairloom worker expander\` runs, and start it again.` },
    );
  }

  #check(): void {
    const { name, url } = this.#config;
    const wrong = (problem: string) =>
      new UserError(
        "search_template_invalid",
        `The search source "${name}" has a wrong URL: ${problem}, got "${shownTemplate(url)}"`,
        {
          hint:
            "Write it like https://example.org/search?q={query}&offset={offset}&limit={limit}, " +
            "a key like &key={env:PAIRLOOM_KEY_EXAMPLE}",
        },
      );
    if (!url.includes("{query}")) throw wrong("it never says {query}");
    const filled = parseHttpUrl(url.replace(holes, "1"), null);
    if (filled === null) throw wrong("expected an http(s) URL");
    if (hasCredentials(filled)) throw wrong("a user name or password in a URL is not sent");
    const unknown = /\{(?!query\}|offset\}|limit\}|env:)[^}]*\}/.exec(url);
    if (unknown !== null) throw wrong(`${unknown[0]} is not known`);
    for (const variable of variablesOf(url))
      if (!variableName.test(variable)) throw wrong("the name of a variable begins with PAIRLOOM_KEY");
  }
}

/** The variables of the environment that a template names. */
export function variablesOf(template: string): string[] {
  return [...template.matchAll(holes)].flatMap(([, , variable]) => variable ?? []);
}

/** True where a key stands in the template itself. */
export function hasLiteralSecret(template: string): boolean {
  return literalSecrets(template).length > 0 || hasCredentials(template);
}

/** A template, or a text that was meant as one, as it may be shown. */
export function shownTemplate(template: string): string {
  const secrets = [...fixedParameters(template).map(({ value }) => value), ...literalSecrets(template)];
  return secrets
    .filter((value) => value !== "")
    .sort((a, b) => b.length - a.length)
    .reduce((shown, secret) => shown.replaceAll(secret, mask), template)
    .replace(/\/\/[^/@?]*@/, `//${mask}@`);
}

/** Strikes the secrets of all search sources out of a text, for logs. Sources that are wrong have none that is known. */
export function scrubSecrets(sources: readonly TemplateConfig[], read: ReadVariable, text: string): string {
  return sources.reduce((clean, source) => {
    try {
      return new SearchTemplate(source, read).scrub(clean);
    } catch {
      return clean;
    }
  }, text);
}

/** Parameters whose value has nothing to be filled in but the environment's. */
function fixedParameters(template: string): { name: string; value: string }[] {
  const query = template.split("?").slice(1).join("?").split("#")[0] ?? "";
  return query.split("&").flatMap((parameter) => {
    const [name = "", ...rest] = parameter.split("=");
    const value = rest.join("=");
    return value === "" || /\{(query|offset|limit)\}/.test(value) ? [] : [{ name, value }];
  });
}

function literalSecrets(template: string): string[] {
  const path = template.split(/[?#]/)[0] ?? "";
  return [
    ...fixedParameters(template)
      .filter(({ name, value }) => !value.includes("{env:") && (secretName.test(name) || looksDrawn(value)))
      .map(({ value }) => value),
    ...path.split("/").slice(firstSegment).filter(looksDrawn),
  ];
}

/** True for what a machine drew by lot: 16 characters and more, letters and digits in a mix. */
function looksDrawn(text: string): boolean {
  if (!/^[\w~.+=:%-]{16,}$/.test(text) || !/[a-z]/i.test(text)) return false;
  return /^[0-9a-f-]+$/i.test(text) ? /\d/.test(text) : (text.match(/\d+/g)?.length ?? 0) >= 3;
}

/** A value as it stands, and in the spellings in which others may repeat it. */
function spellings(value: string): string[] {
  let decoded = value;
  try {
    decoded = decodeURIComponent(value);
  } catch {
    // as it stands
  }
  return [value, decoded, encodeURIComponent(decoded), JSON.stringify(decoded).slice(1, -1)];
}

function hasCredentials(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(text);
}
