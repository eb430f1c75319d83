import type { AcmeProblem } from '../domain/acme-problem.ts';

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
