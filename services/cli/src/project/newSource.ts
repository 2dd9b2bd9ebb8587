import { UserError, type ProjectSettings, type SourceConfig } from "@pairloom/config";
import { shownTemplate } from "@pairloom/sources/searchTemplate";

export interface SourceWish {
  search?: string;
  site?: string;
  maxPages?: number;
}

/** The source that a wish names, or null. @throws UserError for what is no URL */
export function newSource({ search, site, maxPages }: SourceWish): SourceConfig | null {
  if (site !== undefined) {
    const url = absoluteUrl(site, "--site");
    return {
      kind: "site",
      name: `site:${url.host}${url.pathname}`,
      url: url.href,
      followLinks: true,
      useSitemaps: true,
      maxPages: maxPages ?? 100_000,
    };
  }
  if (search === undefined) return null;
  return {
    kind: "search",
    name: `search:${absoluteUrl(search, "--search").host}`,
    url: search,
    pageSize: 100,
  };
}

function absoluteUrl(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new UserError(
      "url_invalid",
      `${option} expects an absolute http(s) URL, got ${JSON.stringify(shownTemplate(text))}`,
      {
        exitCode: 2,
      },
    );
  if (url.username !== "" || url.password !== "")
    throw new UserError(
      "url_credentials",
      `${option} names a user or a password, and those are not sent: ${shownTemplate(text)}`,
      {
        hint: "Leave them out. A search API's key is a parameter: &key={env:PAIRLOOM_KEY_NAME}",
        exitCode: 2,
      },
    );
  return url;
}

/** The settings with a source added, in place of one of the same name; it stands last. */
export function withSource(settings: ProjectSettings, source: SourceConfig | null): ProjectSettings {
  if (source === null) return settings;
  return { ...settings, sources: [...settings.sources.filter(({ name }) => name !== source.name), source] };
}
