import { X509Certificate } from 'node:crypto';
import { status as Status } from '@grpc/grpc-js';

/** Why there is no session. */
export interface SessionFailure {
  /** gRPC status code, when the failure came from the stream. */
  readonly code?: number | undefined;
  /** The message of the library. */
  readonly details: string;
}

export interface FailureContext {
  readonly address: string;
  readonly nowMs: number;
  /** The node's own certificate, PEM. */
  readonly certificate: string | undefined;
}

const MINUTE_MS = 60_000;

/** Messages of the libraries, and what they mean. The first match counts. */
const EXPLANATIONS: readonly (readonly [RegExp, (context: FailureContext) => string])[] = [
  [
    /ECONNREFUSED/,
    ({ address }) =>
      `nothing answers at ${address} (connection refused): the controller is not running, or it has another port`,
  ],
  [
    /ENOTFOUND|EAI_AGAIN|Name resolution failed/,
    ({ address }) => `the name in ${address} cannot be resolved: check this node's DNS`,
  ],
  [/EHOSTUNREACH|ENETUNREACH/, ({ address }) => `there is no network route to ${address}`],
  [
    /alert certificate expired/,
    ({ nowMs }) =>
      `the controller says this node's certificate has expired (this node's clock says ${iso(nowMs)}): join again`,
  ],
  [
    /certificate has expired|CERT_HAS_EXPIRED/,
    ({ nowMs }) => `the controller's certificate has expired, or this node's clock is ahead: it says ${iso(nowMs)}`,
  ],
  [
    /not yet valid|CERT_NOT_YET_VALID/,
    ({ nowMs }) => `the controller's certificate is not valid yet: this node's clock is behind, it says ${iso(nowMs)}`,
  ],
  [
    /does not match certificate|ERR_TLS_CERT_ALTNAME/,
    ({ address }) =>
      `the controller's certificate does not name ${address}: add this name to the controller's server names`,
  ],
  [
    /self.signed certificate|unable to verify|unable to get (local )?issuer|certificate signature failure/,
    ({ address }) => `the server at ${address} has no certificate of this fleet's CA: is it another controller?`,
  ],
  [
    /unsupported certificate purpose|unsuitable certificate purpose/,
    ({ address }) => `the server at ${address} has a certificate that is not a controller's`,
  ],
  [
    /alert (unknown ca|bad certificate|certificate unknown|unsupported certificate)|certificate required|cut after the handshake/i,
    () => "the controller does not accept this node's certificate: it belongs to another fleet, or is not a node's",
  ],
  [/Hello|heartbeat/i, () => 'the controller received nothing from this node in time'],
  [/controller is stopping/, () => 'the controller is stopping'],
  [
    /timeout|timed out|ETIMEDOUT|\bping\b/i,
    ({ address }) => `no answer from ${address} in time: the network drops packets`,
  ],
  [
    /ECONNRESET|EPIPE|socket hang up|Connection dropped|closed|RST_STREAM/,
    ({ address }) => `the connection to ${address} was cut`,
  ],
];

/** The reason why there is no session, as one clause. */
export function explainFailure(failure: SessionFailure, context: FailureContext): string {
  if (failure.code === Status.UNAUTHENTICATED) {
    if (!isUnknownCertificate(failure.details)) return failure.details.slice(0, 300);
    return 'no node of the fleet has this certificate: the node was removed; join again with a new token';
  }
  if (failure.code === Status.ABORTED)
    return 'another agent connected with the same certificate: is this machine a copy of another one?';
  const own = explainOwnCertificate(context);
  if (own !== undefined) return own;
  return EXPLANATIONS.find(([pattern]) => pattern.test(failure.details))?.[1](context) ?? failure.details.slice(0, 300);
}

/** The connection failed, and the gRPC library gives no reason. */
export function isUnexplained(failure: SessionFailure): boolean {
  return failure.code === Status.UNAVAILABLE && failure.details.includes('Failed to connect');
}

/** The controller never had this certificate. For a revoked or replaced one, it sends the reason. */
function isUnknownCertificate(details: string): boolean {
  return details === '' || details.startsWith('No node of this fleet');
}

function explainOwnCertificate({ certificate, nowMs }: FailureContext): string | undefined {
  if (certificate === undefined) return undefined;
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  if (nowMs > to)
    return `this node's certificate expired on ${iso(to)} (this node's clock says ${iso(nowMs)}): join again, or set the clock`;
  if (nowMs < from) {
    const behind = Math.ceil((from - nowMs) / MINUTE_MS);
    return `this node's clock is at least ${String(behind)} min behind: it says ${iso(nowMs)}, its certificate is valid from ${iso(from)}`;
  }
  return undefined;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
