import { QUOTA_CEILING, QUOTA_KINDS, type QuotaName } from '../../shared/domain/quota.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

export interface QuotaReached {
  readonly name: QuotaName;
  readonly max: number;
  readonly user: string;
}

/** The error when the user has as many as the quota allows. */
export function quotaReached({ name, max, user }: QuotaReached): SlipwayError {
  const { what, cure } = QUOTA_KINDS[name];
  return new SlipwayError({
    code: 'SLIP_QUOTA',
    httpStatus: 422,
    message: `User ${user} has ${String(max)} ${what}, and the quota allows no more.`,
    hint: `${cure}, or ask an administrator to raise it: slipway users:quotas ${user} ${name}=${String(Math.min(QUOTA_CEILING, Math.max(1, max * 2)))}`,
    details: { quota: name, max },
  });
}
