import type { FastifyError } from 'fastify';
import type { ErrorBody } from '../../shared/api/schema.ts';
import { SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';

export function errorBody(error: SlipwayError): ErrorBody {
  return { error: error.code, message: error.message, hint: error.hint, details: error.details };
}

/** Any failure as an error of the API. A refusal of the HTTP layer (size, JSON, media type) keeps its status. */
export function toApiError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError || !isHttpRefusal(error)) return toSlipwayError(error);
  return new SlipwayError({
    code: 'SLIP_REQUEST',
    httpStatus: error.statusCode,
    message: REFUSALS[error.code] ?? 'The API does not understand this request.',
    cause: error,
  });
}

const REFUSALS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body of the request is too large.',
  FST_ERR_CTP_INVALID_JSON_BODY:
    'The body of the request is not valid JSON, or a name in it is __proto__, which cannot be used.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body of the request is empty; JSON is expected.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body of the request must be JSON (content-type: application/json).',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The length of the body does not match the content-length header.',
};

function isHttpRefusal(error: unknown): error is FastifyError & { statusCode: number } {
  return (
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500
  );
}

export function unauthorised(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_UNAUTHORISED',
    httpStatus: 401,
    message: 'The API token is missing, unknown or expired.',
    hint: 'Sign in again with: slipway login',
  });
}

export function tokenRevoked(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TOKEN_REVOKED',
    httpStatus: 401,
    message: 'The API token of this connection was revoked, so the connection ends.',
    hint: 'Sign in again with: slipway login',
  });
}

export function forbidden(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_FORBIDDEN',
    httpStatus: 403,
    message: 'Only an admin may do this.',
    hint: 'Ask an admin of this fleet; see who you are with: slipway whoami',
  });
}

/** @param former what became of a certificate that was a node's once */
export function nodeCertificateRefused(former?: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_NODE_CERTIFICATE',
    httpStatus: 401,
    message: former ?? 'This needs the certificate of a node of this fleet.',
    hint:
      former === undefined
        ? 'If the certificate of the node has expired, give it a new one: slipway nodes:rejoin NODE'
        : undefined,
  });
}

/** The same message for an app that does not exist and for an app of another user. */
export function appNotFound(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_NOT_FOUND',
    httpStatus: 404,
    message: 'There is no app of this name that you may use.',
    hint: 'See your apps with: slipway apps',
  });
}

export function notFound(what: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_NOT_FOUND', httpStatus: 404, message: `There is no such ${what}.` });
}
