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

/** Thrown by every method of the ACME client. */
export class AcmeError extends Error {
  readonly problem: AcmeProblem;
  /** For the next request. A refusal brings one too. */
  readonly nonce: string | undefined;

  constructor(problem: AcmeProblem, { cause, nonce }: { cause?: unknown; nonce?: string | undefined } = {}) {
    super(
      `${problem.type} (${String(problem.status)}): ${problem.detail}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'AcmeError';
    this.problem = problem;
    this.nonce = nonce;
  }
}

/** True when the same request can succeed later without a change by anybody. */
export function isTemporary({ type, status }: AcmeProblem): boolean {
  return type === 'unreachable' || type === 'rateLimited' || type === 'badNonce' || status === 429 || status >= 500;
}

const ACME_TYPE = /^urn:ietf:params:acme:error:([A-Za-z]{1,64})$/;
const DETAIL_CHARACTERS_MAX = 500;
const SUBPROBLEMS_MAX = 20;
/** Control characters, and characters that change the direction or the width of a text. */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;

/** Text of a stranger, on one line. */
export function plainText(text: string): string {
  const line = text.replace(UNSHOWABLE, ' ').trim();
  return line.length > DETAIL_CHARACTERS_MAX ? `${line.slice(0, DETAIL_CHARACTERS_MAX)}…` : line;
}

/** The fields of a problem document that we read. All are optional (RFC 7807). */
export interface ProblemDocument {
  readonly type?: string | undefined;
  readonly detail?: string | undefined;
  readonly subproblems?: readonly SubproblemDocument[] | undefined;
}

interface SubproblemDocument {
  readonly type?: string | undefined;
  readonly detail?: string | undefined;
  readonly identifier?: { readonly value: string } | undefined;
}

export function toProblem(
  document: ProblemDocument,
  answer: { readonly status: number; readonly retryAfterMs?: number | undefined },
): AcmeProblem {
  const subproblems = (document.subproblems ?? []).slice(0, SUBPROBLEMS_MAX).map(({ type, detail, identifier }) => ({
    type: shortType(type),
    detail: plainText(detail ?? ''),
    ...(identifier === undefined ? {} : { name: plainText(identifier.value) }),
  }));
  return {
    type: shortType(document.type),
    status: answer.status,
    detail: plainText(document.detail ?? 'the CA gave no reason'),
    subproblems,
    ...(answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs }),
  };
}

function shortType(type: string | undefined): string {
  return ACME_TYPE.exec(type ?? '')?.[1] ?? 'unknown';
}
