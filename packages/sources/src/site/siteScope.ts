import type { SiteScope } from "@pairloom/config";

/** The scope of a site crawl that starts here: this origin, and paths from the start page's folder down. */
export function scopeOf(startUrl: string, maxPages: number): SiteScope {
  const { origin, pathname } = new URL(startUrl);
  return { origin, pathPrefix: pathname.slice(0, pathname.lastIndexOf("/") + 1), maxPages };
}

/** True where the URL belongs to the site: same scheme, host and port, and a path below the prefix. */
export function inScope(url: string, scope: SiteScope): boolean {
  try {
    const { origin, pathname } = new URL(url);
    return origin === scope.origin && pathname.startsWith(scope.pathPrefix);
  } catch {
    return false;
  }
}
