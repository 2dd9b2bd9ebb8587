import { UserError, type Reason } from "@pairloom/config";
import type { NameResolver } from "../dns/nameResolver.js";
import type { AddressPolicy } from "./addressPolicy.js";
import { bareHost, checkUrl, portOf } from "./checkUrl.js";

export type Admitted =
  { ok: true; url: URL; host: string; address: string } | { ok: false; reason: Reason; errorMessage: string };

/**
 * Everything that can be said of a URL before a connection is opened: its form, its scheme, what its name resolves
 * to, its port. The address returned is the one that is tried first.
 *
 * @throws UserError "contact_missing": a public address is about to be asked and nobody says who asks
 */
export async function admit(
  text: string,
  policy: AddressPolicy,
  resolver: NameResolver,
  contact: string | null,
): Promise<Admitted> {
  const checked = checkUrl(text);
  if (!checked.ok) return checked;
  const { url } = checked;
  const host = bareHost(url);
  const resolution = await resolver.resolve(host);
  if (!resolution.ok) return resolution;
  const reachable = resolution.addresses.filter((address) => policy.verdict(address) !== "refused");
  if (reachable.length === 0) {
    const errorMessage = `${resolution.addresses.join(", ")} is private or special and not allowed`;
    return { ok: false, reason: "address_private", errorMessage };
  }
  const port = portOf(url);
  const [address] = reachable.filter((reached) => policy.permits(reached, port));
  if (address === undefined) {
    return { ok: false, reason: "url_port_refused", errorMessage: `port ${port} is not on the list` };
  }
  if ((contact ?? "").trim() === "" && policy.verdict(address) === "public") {
    throw new UserError("contact_missing", `No contact address is set, so ${host} is not asked`, {
      hint: "Say who crawls: --contact URL-or-e-mail, or PAIRLOOM_CONTACT; webmasters find it in the User-Agent.",
    });
  }
  return { ok: true, url, host, address };
}
