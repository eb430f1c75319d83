import type { CeilingChanges } from '../../../shared/api/formation.ts';
import { CEILING_NAMES, checkCeilingChange, sayCeiling, type Ceilings } from '../../../shared/domain/ceilings.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';

/** `null`: the default again. @throws SLIP_PS_CEILING_LOW */
export async function changeCeilings(
  { store, log }: Pick<ApiDeps, 'store' | 'log'>,
  { changes, user }: { readonly changes: CeilingChanges; readonly user: User },
): Promise<Ceilings> {
  checkCeilingChange(changes);
  const ceilings = await store.setLimitCeilings(changes);
  const [memory, pids, disk] = CEILING_NAMES.map((name) => sayCeiling(name, ceilings[name]));
  const message = `An instance may have at most ${String(memory)} of memory, ${String(pids)} processes and ${String(disk)} of disk.`;
  noteEvent({ store, log }, { kind: 'limits.ceilings', actor: user.name, next: 'slipway limits', message });
  return ceilings;
}
