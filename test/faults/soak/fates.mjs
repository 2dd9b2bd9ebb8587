// What becomes of URL n of the soak's web: fixed by n alone, so that every count is known beforehand.

/** kind → the reason its row must have ("success": none), and its share of the URLs that hosts at work get. */
const kinds = {
  ok: ["success", 0.88],
  moved: ["success", 0.015], // a redirect to a picture
  flaky: ["success", 0.005], // 503 with Retry-After at first
  404: ["http_404", 0.0055],
  403: ["http_403", 0.005],
  410: ["http_410", 0.005],
  429: ["http_429", 0.005], // with Retry-After
  503: ["http_503", 0.005], // with Retry-After
  500: ["http_500", 0.005],
  hang: ["timeout", 0.005], // never answers
  drip: ["timeout", 0.005], // a byte now and then
  reset: ["connect_failed", 0.005], // before an answer
  broken: ["protocol_error", 0.005], // reset in the middle of the body
  short: ["protocol_error", 0.005], // fewer bytes than announced
  cut: ["decode_truncated", 0.005], // half a JPEG, whole by its length
  html: ["not_an_image", 0.005],
  empty: ["empty_body", 0.005],
  loop: ["redirect_limit", 0.005],
  inside: ["address_private", 0.005], // a redirect to a private address
  large: ["too_large", 0.005],
  forbidden: ["robots_disallowed", 0.005],
  noai: ["optout_x_robots_tag", 0.005],
  dead: ["dns_not_found", 0.005],
  cert: ["tls_untrusted", 0.005],
  bomb: ["inflated_too_large", 0.0005],
};

/** Every 25th URL is on a host that doesn't work at all; these take turns. */
export const wrongHosts = {
  dying: { address: "127.9.0", count: 4 }, // has site files, and 500 for everything else
  closed: { address: "127.9.1", count: 2 }, // refuses connections
  silent: { address: "127.9.2", count: 2 }, // accepts them and says nothing
};

export const hostCount = 500;

/** A number from 0 to 1, the same for the same n. */
function unit(n) {
  let h = Math.imul(n ^ 0x9e3779b9, 2246822519);
  h ^= h >>> 15;
  h = Math.imul(h, 3266489917);
  h ^= h >>> 13;
  return (h >>> 0) / 2 ** 32;
}

function kindOf(n) {
  let left = unit(n);
  for (const [kind, [, share]] of Object.entries(kinds)) if ((left -= share) < 0) return kind;
  return "ok";
}

/** @returns {{ url: string, reason: string, host: string }} reason null: the host fails, and is set aside in time */
export function rowOf(n, { port, securePort, closedPort }) {
  if (n % 25 === 24) {
    const turn = Math.floor(n / 25) % 8;
    const [name, at] = turn < 4 ? ["dying", turn] : turn < 6 ? ["closed", turn - 4] : ["silent", turn - 6];
    const host = `${wrongHosts[name].address}.${at + 1}`;
    const reason = { dying: null, closed: "connect_failed", silent: "robots_unreachable" }[name];
    return { url: `http://${host}:${name === "closed" ? closedPort : port}/500/${n}.jpg`, reason, host };
  }
  const kind = kindOf(n);
  const [reason] = kinds[kind];
  const at = (n - Math.floor(n / 25)) % hostCount;
  const host = kind === "dead" ? `h${n}.invalid` : `127.${1 + (at >> 8)}.${at & 255}.1`;
  const origin = kind === "cert" ? `https://${host}:${securePort}` : `http://${host}:${port}`;
  return { url: `${origin}/${kind}/${n}.jpg`, reason, host };
}
