import { challengeNameOf, needsDns } from '../../domain/dns-providers.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import { isTemporary, type AcmeProblem } from '../../domain/acme-problem.ts';

/** Problems that no repetition solves: somebody must change a setting, the account or the name. */
const NEEDS_PERSON: ReadonlySet<string> = new Set([
  ...['rejectedIdentifier', 'unsupportedIdentifier', 'invalidProfile'],
  ...['externalAccountRequired', 'userActionRequired', 'invalidContact', 'unsupportedContact'],
]);

/** In an answer to a request, not in the result of a validation: there, `unauthorized` means a wrong answer of the domain. */
export function needsPerson({ type, status }: AcmeProblem): boolean {
  return NEEDS_PERSON.has(type) || (type === 'unauthorized' && status >= 400);
}

/** One sentence, and one command, for a problem that the CA or the way to it has. */
export function describeProblem(hostname: string, problem: AcmeProblem): Reason {
  const detail = detailOf(hostname, problem).replace(/\.$/, '');
  const check = `slipway certs:check ${hostname}`;
  if (problem.retryAfterMs !== undefined && isTemporary(problem)) return rateLimited(hostname, detail);
  switch (problem.type) {
    case 'unreachable':
      return {
        code: 'SLIP_CERT_CA_UNREACHABLE',
        message: `The certificate authority cannot be reached: ${detail}.`,
        hint: `Slipway tries again by itself. Look at the network of the controller, and then at: ${check}`,
      };
    case 'rateLimited':
      return rateLimited(hostname, detail);
    case 'caa':
      return {
        code: 'SLIP_CERT_CAA',
        message: `A CAA record of ${hostname} forbids this certificate authority: ${detail}.`,
        hint: `Change the CAA record. See which one with: ${check}`,
      };
    case 'dns':
      return {
        code: 'SLIP_CERT_DNS',
        message: `The certificate authority could not look up ${hostname}: ${detail}.`,
        hint: `Repair the DNS of the domain, then run: ${check}`,
      };
    default:
      return otherProblem(hostname, problem, detail);
  }
}

function rateLimited(hostname: string, detail: string): Reason {
  return {
    code: 'SLIP_CERT_RATE_LIMITED',
    message: `The certificate authority takes no order for ${hostname} now: ${detail}.`,
    hint: `Slipway waits until the certificate authority takes orders again. See when it goes on with: slipway why ${hostname}`,
  };
}

const VALIDATION: ReadonlySet<string> = new Set(['connection', 'tls', 'unauthorized', 'incorrectResponse']);
const REFUSED: ReadonlySet<string> = new Set(['rejectedIdentifier', 'unsupportedIdentifier']);

function otherProblem(hostname: string, problem: AcmeProblem, detail: string): Reason {
  if (REFUSED.has(problem.type)) {
    return {
      code: 'SLIP_CERT_NAME_REFUSED',
      message: `The certificate authority gives no certificate to ${hostname}: ${detail}.`,
      hint: 'Use another certificate authority (slipway tls:set --ca URL), or another name.',
    };
  }
  if (VALIDATION.has(problem.type) && !needsPerson(problem) && needsDns(hostname)) {
    return {
      code: 'SLIP_CERT_VALIDATION',
      message: `The certificate authority did not find our TXT record at ${challengeNameOf(hostname)}: ${detail}.`,
      hint: `All name servers of the domain must have the record. Slipway tries again by itself. See with: slipway certs:check '${hostname}'`,
    };
  }
  if (VALIDATION.has(problem.type) && !needsPerson(problem)) {
    return {
      code: 'SLIP_CERT_VALIDATION',
      message: `The certificate authority did not get our answer from ${hostname}: ${detail}.`,
      hint: `Every address of the name must be a node of this fleet, from everywhere in the world. See with: slipway certs:check ${hostname}`,
    };
  }
  if (needsPerson(problem)) {
    return {
      code: 'SLIP_CERT_ACCOUNT',
      message: `The certificate authority refuses our account or our settings: ${detail}.`,
      hint: 'See them with: slipway tls. Correct them with: slipway tls:set',
    };
  }
  return {
    code: 'SLIP_CERT_CA_REFUSED',
    message: `The certificate authority refused the order (${problem.type}): ${detail}.`,
    hint: 'Slipway tries again by itself. If this happens again, look at the log of the controller.',
  };
}

/** The subproblem of the name says more than the problem of the whole order. */
function detailOf(hostname: string, { detail, subproblems }: AcmeProblem): string {
  const own = subproblems.find(({ name }) => name === hostname) ?? subproblems[0];
  return own === undefined || own.detail === '' ? detail : own.detail;
}
