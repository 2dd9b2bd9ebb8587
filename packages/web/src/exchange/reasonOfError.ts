import type { Reason } from "@pairloom/config";
import { errors } from "undici";
import { AddressRefusedError, NameUnresolvedError } from "../address/guardedConnector.js";

/** What node:tls says of a certificate (OpenSSL's names for X509_V_ERR_…). */
const certificateReasons: Record<string, Reason> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls_untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "tls_untrusted",
  UNABLE_TO_GET_ISSUER_CERT: "tls_untrusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls_untrusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls_untrusted",
  CERT_UNTRUSTED: "tls_untrusted",
  CERT_HAS_EXPIRED: "tls_expired",
  CERT_NOT_YET_VALID: "tls_expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "tls_wrong_host",
  HOSTNAME_MISMATCH: "tls_wrong_host",
};
const tlsCode =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_OSSL)/;
const connectCode =
  /^(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EPIPE|EADDRNOTAVAIL|ENOTCONN|EACCES|EPERM|UND_ERR_CONNECT)/;

/** The reason for what undici, net, tls or our connector ended a request with, and a line for a person. */
export function reasonOfError(error: unknown): [reason: Reason, errorMessage: string] {
  if (error instanceof AddressRefusedError) return ["address_private", error.message];
  if (error instanceof NameUnresolvedError) return [error.reason, error.message];
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  if (error instanceof errors.HeadersOverflowError) return ["too_large", "the header is too large"];
  if (error instanceof errors.ConnectTimeoutError || code === "ETIMEDOUT") return ["timeout", message];
  const certificateReason = certificateReasons[code];
  if (certificateReason !== undefined) return [certificateReason, `${code}: ${message}`];
  if (tlsCode.test(code)) return ["tls_failed", `${code}: ${message}`];
  if (connectCode.test(code)) return ["connect_failed", message];
  return ["protocol_error", message];
}
