import { parseProcessType, quoteInput, type ProcessType } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { App } from '../domain/apps.ts';
import type { Release } from '../domain/releases.ts';

/** Before the first release, any valid name is accepted and stored. */
export function checkProcessType(app: App, current: Release | undefined, type: string): ProcessType {
  if (current === undefined) return parseProcessType(type);
  const types = Object.keys(current.slug.processTypes).filter((each) => each !== 'release');
  if (types.includes(type)) return parseProcessType(type);
  throw new SlipwayError({
    code: 'SLIP_PS_TYPE',
    message: `${app.name} has no process type ${quoteInput(type)}.`,
    hint: `Its Procfile declares: ${types.join(', ')}.`,
    httpStatus: 422,
  });
}
