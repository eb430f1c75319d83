import type { Sandbox } from '../../sandbox/port.ts';
import { byApp } from '../by-app.ts';
import type { Place } from '../port.ts';

/**
 * Sandboxes that no instance and no build has any more, and what is left of sandboxes that nobody knows: a half-made folder, a control
 * group, a log without an entry. The latter count for every destroyed app, because their app is unknown.
 */
export function sandboxesPlace(deps: {
  readonly sandbox: Pick<Sandbox, 'list' | 'traces' | 'forget'>;
  /** Instances and builds that this node has, had, or is about to have: their sandboxes are not lost. */
  readonly known: () => ReadonlySet<string>;
}): Place {
  const { sandbox, known } = deps;
  return {
    name: 'sandbox',
    means: 'remove',
    look: async (apps) => {
      // First the traces: a sandbox that is made meanwhile is then not among them.
      const traces = await sandbox.traces();
      const all = await sandbox.list();
      const listed = new Set(all.map(({ id }) => id));
      const inUse = known();
      const lost = traces.filter((id) => !listed.has(id) && !inUse.has(id));
      const own = (uidBase: number): readonly string[] =>
        uidBase === 0 ? [] : all.filter((one) => one.uidBase === uidBase).map(({ id }) => id);
      return byApp(apps, ({ uidBase }) => [...own(uidBase), ...lost]);
    },
    end: async (_app, left) => {
      for (const id of left) await sandbox.forget(id);
    },
  };
}
