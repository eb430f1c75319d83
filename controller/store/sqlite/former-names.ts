import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Tx } from './schema.ts';

/** The app to which a former name still leads. */
export async function ownerOfFormerName(tx: Tx, name: string, nowMs: number): Promise<string | undefined> {
  const row = await tx
    .selectFrom('formerAppNames')
    .select('appId')
    .where('name', '=', name)
    .where('untilMs', '>', nowMs)
    .executeTakeFirst();
  return row?.appId;
}

/** The message is the same for a former name, because a user must not learn which apps others have. */
export function nameTaken(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_EXISTS',
    kind: 'conflict',
    message: `The name ${name} is taken.`,
    hint: 'Choose another name, or let Slipway choose one with: slipway create',
  });
}
