import type { ProblemBody } from '../../shared/api/schema.ts';
import { isLate } from '../certificates/orders/renewal-plan.ts';
import type { CertificateOrder } from '../domain/orders.ts';

/** Certificates of an app that are overdue, or that somebody must act for. Pure. */
export function orderProblems(app: string, orders: readonly CertificateOrder[], nowMs: number): readonly ProblemBody[] {
  return orders.flatMap((order) => {
    const { hostname, certificate, problem, state } = order;
    const next = `slipway why ${hostname}`;
    if (certificate !== undefined && isLate(order, nowMs)) {
      const end = new Date(certificate.notAfterMs).toISOString().slice(0, 10);
      const verb = certificate.notAfterMs <= nowMs ? 'ended' : 'ends';
      const why = problem === undefined ? '' : ` ${problem.message}`;
      return [
        {
          message: `${app}: the renewal of the certificate for ${hostname} is overdue. It ${verb} on ${end}.${why}`,
          next,
        },
      ];
    }
    if (state !== 'blocked' || certificate !== undefined || problem === undefined) return [];
    return [{ message: `${app}: ${hostname} has no certificate. ${problem.message}`, next }];
  });
}
