/** A problem of one identifier of an order (RFC 8555, 6.7.1). */
export interface AcmeSubproblem {
  readonly type: string;
  readonly detail: string;
  /** The name that has the problem, when the CA says it. */
  readonly name?: string | undefined;
}

/**
 * Why a request to the CA failed, as a value (RFC 8555, 6.7). `type` is the last word of an ACME error type, for example `rateLimited`,
 * or one of ours: `unreachable` (no answer), `badAnswer` (an answer that is not ACME), `unknown` (an error without a type).
 */
export interface AcmeProblem {
  readonly type: string;
  /** The HTTP status. 0: there was no answer. */
  readonly status: number;
  /** Text of the CA: short, and safe on a terminal. */
  readonly detail: string;
  readonly subproblems: readonly AcmeSubproblem[];
  /** The CA asks for no request before this time has passed (RFC 8555, 6.6). */
  readonly retryAfterMs?: number | undefined;
}

/** True when the same request can succeed later without a change by anybody. */
export function isTemporary({ type, status }: AcmeProblem): boolean {
  return type === 'unreachable' || type === 'rateLimited' || type === 'badNonce' || status === 429 || status >= 500;
}
