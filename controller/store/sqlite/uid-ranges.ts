import { SlipwayError } from '../../../shared/kit/errors.ts';
import { chooseRange, UID_RANGES } from '../../schedule/uid-ranges.ts';
import type { Tx } from './schema.ts';

/** Takes a range of user ids for a new app. @throws SLIP_APP_UIDS */
export async function drawUidRange(tx: Tx): Promise<number> {
  const { nextUidRange } = await tx.selectFrom('controller').select('nextUidRange').executeTakeFirstOrThrow();
  const free = await tx
    .selectFrom('destroyedApps')
    .select('uidBase')
    .where('freeAtMs', 'is not', null)
    .where('files', '=', 0)
    .orderBy('freeAtMs')
    .orderBy('uidBase')
    .executeTakeFirst();
  const choice = chooseRange({ next: nextUidRange, longestFree: free?.uidBase });
  if (choice === undefined) throw noRange();
  if (free !== undefined) await tx.deleteFrom('destroyedApps').where('uidBase', '=', choice.uidBase).execute();
  if (choice.next !== nextUidRange) await tx.updateTable('controller').set({ nextUidRange: choice.next }).execute();
  return choice.uidBase;
}

function noRange(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_UIDS',
    message: `All ${String(UID_RANGES)} ranges of user ids of this fleet are in use or in quarantine, so no app can be created.`,
    hint: 'An administrator can see which nodes a quarantine waits for: slipway apps:destroyed',
  });
}
