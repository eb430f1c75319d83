import type { AppId } from '../../shared/domain/ids.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

export function leftovers(appId: AppId, what: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DESTROYED_LEFTOVERS',
    kind: 'transient',
    message: `The agent cannot remove all data of the destroyed app ${appId} from this node: ${what}.`,
    hint: 'The agent tries again. If this message stays, see its log: journalctl -u slipway-agent. Until then, no other app gets the user ids of that app.',
  });
}

/** The controller contradicts itself, so the agent removes nothing. */
export const appInUse = {
  ofState: (appId: AppId): SlipwayError =>
    new SlipwayError({
      code: 'SLIP_DESTROYED_IN_USE',
      kind: 'bug',
      message: `The controller says that app ${appId} was destroyed, and it wants instances here with the id or the user ids of that app.`,
      hint: 'The agent removes no data of this app. Check that only one controller uses this database: `slipway status`.',
    }),
  ofTask: (app: string): SlipwayError =>
    new SlipwayError({
      code: 'SLIP_APP_DESTROYED',
      kind: 'conflict',
      message: `App ${app} was destroyed.`,
      hint: 'A new push to this name creates a new app without the data of the old one: git push slipway main',
    }),
};
