/** True where a parameter is to go. Its name is decoded and in lower case; its value is as it stands. */
export type IsDropped = (name: string, value: string) => boolean;

/**
 * A URL without some of the parameters of its query and of its path segments ("/a;jsessionid=1"); what stays keeps its
 * order and spelling.
 */
export function withoutParameters(href: string, isDropped: IsDropped): string {
  if (!href.includes("?") && !href.includes(";")) return href;
  const [beforeHash = "", ...hash] = href.split("#");
  const [path = "", ...query] = beforeHash.split("?");
  const stays = (parameter: string): boolean => {
    const { name, value } = parameterOf(parameter);
    return !isDropped(name, value);
  };
  const segments = path.split("/").map((segment) => {
    const [own = "", ...parameters] = segment.split(";");
    return [own, ...parameters.filter(stays)].join(";");
  });
  const left = query
    .join("?")
    .split("&")
    .map((part) => part.split(";").filter(stays).join(";"))
    .filter((part, at, all) => part !== "" || all.length === 1)
    .join("&");
  const rebuilt = `${segments.join("/")}${left === "" ? "" : `?${left}`}${hash.length === 0 ? "" : `#${hash.join("#")}`}`;
  return rebuilt === href ? href : new URL(rebuilt).href;
}

/** The parameters of a URL's path and query: names decoded, in lower case. */
export function parametersOf(href: string): { name: string; value: string }[] {
  const found: { name: string; value: string }[] = [];
  withoutParameters(href, (name, value) => {
    if (name !== "") found.push({ name, value });
    return false;
  });
  return found;
}

function parameterOf(text: string): { name: string; value: string } {
  const at = text.indexOf("=");
  const written = at < 0 ? text : text.slice(0, at);
  let name = written;
  try {
    name = decodeURIComponent(written);
  } catch {
    // as it stands
  }
  return { name: name.toLowerCase(), value: at < 0 ? "" : text.slice(at + 1) };
}
