import { stat } from 'node:fs/promises';
import { systemClock } from '../shared/kit/clock.ts';
import { SlipwayError } from '../shared/kit/errors.ts';
import { randomId } from '../shared/kit/random-id.ts';
import { Keyring } from './secrets/keyring.ts';
import { controllerPaths } from './foundations.ts';
import type { ControllerConfig } from './config.ts';
import { openStore, undoUpgrade } from './store/open-store.ts';

/**
 * Declares that the database was restored from a backup and is valid. Until then the nodes refuse such a controller, because they cannot
 * distinguish it from a forgotten copy.
 * @returns the next step for the operator
 */
export async function declareRestored({ stateDir }: Pick<ControllerConfig, 'stateDir'>): Promise<string> {
  const path = controllerPaths(stateDir).database;
  await refuseUnlessOurs(path);
  const store = await openStore({ path, clock: systemClock, randomId, keyring: new Keyring() });
  try {
    await store.declareRestored();
  } finally {
    await store.close();
  }
  return `${path} is now the valid database, and every node will accept it. Start the controller, then check with: slipway status\n`;
}

/** @returns what was done, for the operator */
export async function undoFailedUpgrade({ stateDir }: Pick<ControllerConfig, 'stateDir'>): Promise<string> {
  const path = controllerPaths(stateDir).database;
  await refuseUnlessOurs(path);
  if (!(await undoUpgrade(path)))
    return 'The database was not changed: no upgrade has changed it, or the controller has accepted work since.\n';
  return `${path} is again as it was before the upgrade. The upgraded database is ${path}.failed-upgrade.\n`;
}

/** Opening a missing database would create it, with files that only this account can write. */
async function refuseUnlessOurs(path: string): Promise<void> {
  const owner = await stat(path).then(
    ({ uid }) => uid,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (owner === undefined) {
    throw new SlipwayError({
      code: 'SLIP_RESTORED_NOTHING',
      message: `There is no database ${path}.`,
      hint: 'Put the backup there first, then run this command again.',
    });
  }
  const uid = process.getuid?.();
  if (uid === owner) return;
  throw new SlipwayError({
    code: 'SLIP_RESTORED_OWNER',
    message: `The database ${path} belongs to user ${String(owner)}, but this command runs as user ${String(uid)}.`,
    hint: 'Give the file to the account of the controller, and run this command as that account, for example with runuser.',
  });
}
