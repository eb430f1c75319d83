import { SlipwayError } from '../../shared/kit/errors.ts';
import type { App } from '../domain/apps.ts';

/** Refuses a deploy of a locked app. @throws SLIP_APP_LOCKED */
export function requireUnlocked({ name, lock }: Pick<App, 'name' | 'lock'>): void {
  if (lock === undefined) return;
  throw new SlipwayError({
    code: 'SLIP_APP_LOCKED',
    message: `${lock.by} locked the deploys of ${name}: ${lock.why}`,
    hint: `Ask ${lock.by}, or allow deploys again with: slipway apps:unlock -a ${name}`,
    httpStatus: 423,
  });
}
