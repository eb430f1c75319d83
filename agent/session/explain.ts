import { X509Certificate } from 'node:crypto';
import { status as Status } from '@grpc/grpc-js';

export interface Trouble {
  /** gRPC status code, when the failure came from the stream. */
  readonly code?: number | undefined;
  /** What the libraries said. */
  readonly details: string;
}

export interface Circumstances {
  readonly address: string;
  readonly nowMs: number;
  /** The node's own certificate, PEM. */
  readonly certificate: string | undefined;
}

const MINUTE_MS = 60_000;

/** [what the libraries say, what it means]. First match wins. */
const WORDS: readonly (readonly [RegExp, (at: Circumstances) => string])[] = [
  [
    /ECONNREFUSED/,
    ({ address }) =>
      `nothing answers at ${address} (connection refused): the controller is not running, or its port is another`,
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
    ({ address }) => `who answers at ${address} has no certificate of this fleet's CA: is it another controller?`,
  ],
  [
    /unsupported certificate purpose|unsuitable certificate purpose/,
    ({ address }) => `who answers at ${address} shows a certificate that is not a controller's`,
  ],
  [
    /alert (unknown ca|bad certificate|certificate unknown|unsupported certificate)|certificate required|cut after the handshake/i,
    () => "the controller does not accept this node's certificate: it is of another fleet, or not a node's",
  ],
  [/Hello|heartbeat/i, () => 'the controller heard nothing from this node in time'],
  [/controller is stopping/, () => 'the controller is stopping'],
  [
    /timeout|timed out|ETIMEDOUT|\bping\b/i,
    ({ address }) => `no answer from ${address} in time: the network between drops packets`,
  ],
  [
    /ECONNRESET|EPIPE|socket hang up|Connection dropped|closed|RST_STREAM/,
    ({ address }) => `the connection to ${address} was cut`,
  ],
];

/** One clause that says in words why there is no session. */
export function explainTrouble(trouble: Trouble, at: Circumstances): string {
  if (trouble.code === Status.UNAUTHENTICATED) {
    if (!isStranger(trouble.details)) return trouble.details.slice(0, 300);
    return "no node of the fleet has this node's certificate: it was removed; join again with a new token";
  }
  if (trouble.code === Status.ABORTED)
    return 'another agent with the same certificate took over: is this machine a copy of another?';
  const own = ownCertificate(at);
  if (own !== undefined) return own;
  return WORDS.find(([pattern]) => pattern.test(trouble.details))?.[1](at) ?? trouble.details.slice(0, 300);
}

/** The connection failed and the gRPC library does not say why. */
export function isVague(trouble: Trouble): boolean {
  return trouble.code === Status.UNAVAILABLE && trouble.details.includes('Failed to connect');
}

/** The controller does not know the certificate; of one it knew it says itself what became of it. */
function isStranger(details: string): boolean {
  return details === '' || details.startsWith('No node of this fleet');
}

function ownCertificate({ certificate, nowMs }: Circumstances): string | undefined {
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
