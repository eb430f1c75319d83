import type { AppId } from '../../shared/domain/ids.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

export function leftovers(appId: AppId, what: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DESTROYED_LEFTOVERS',
    kind: 'transient',
    message: `The agent cannot remove what destroyed app ${appId} left on this node: ${what}.`,
    hint: 'The agent tries again. If this stays, its log says why: journalctl -u slipway-agent. Until it is gone, no other app gets the user ids of that app.',
  });
}

/** Two statements of the controller that cannot both be true. The agent removes nothing. */
export const appInUse = {
  ofState: (appId: AppId): SlipwayError =>
    new SlipwayError({
      code: 'SLIP_DESTROYED_IN_USE',
      kind: 'bug',
      message: `The controller says that app ${appId} was destroyed, and it wants instances here with the id or the user ids of that app.`,
      hint: 'The agent removes nothing of it. Check that only one controller uses this database: `slipway status`.',
    }),
  ofBuild: (app: string): SlipwayError =>
    new SlipwayError({
      code: 'SLIP_APP_DESTROYED',
      kind: 'conflict',
      message: `App ${app} was destroyed.`,
      hint: 'A new push to that name makes a new app, with nothing of the former one: git push slipway main',
    }),
};
