import type { NewEvent } from '../../../shared/domain/event.ts';
import type { CertificateOrder } from '../../domain/orders.ts';
import { NO_RELEASE } from './steps.ts';

/** Pure: the event of a move of an order. Undefined: nobody needs to know of it. */
export function describeOrderEvent(app: string, from: CertificateOrder, to: CertificateOrder): NewEvent | undefined {
  const { hostname, problem, certificate, state } = to;
  const own = { actor: 'controller', app, next: `slipway why ${hostname}` };
  if (state === 'serving' && certificate !== undefined) {
    const end = new Date(certificate.notAfterMs).toISOString().slice(0, 10);
    const message = `Every connected node serves the certificate of ${hostname}. It ends on ${end}, and is renewed before.`;
    return { ...own, kind: 'certificate.served', message };
  }
  if (problem === undefined || !['blocked', 'waiting'].includes(state)) return undefined;
  if (problem.code === from.problem?.code || problem.code === NO_RELEASE) return undefined;
  const how = state === 'blocked' ? 'Somebody must act.' : 'The controller tries again by itself.';
  return {
    ...own,
    kind: `certificate.${state}`,
    message: `No certificate for ${hostname} yet: ${problem.message} ${how}`,
  };
}
