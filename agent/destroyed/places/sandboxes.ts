import type { Sandbox } from '../../sandbox/port.ts';
import { byApp } from '../by-app.ts';
import type { Place } from '../port.ts';

/**
 * Sandboxes without an instance or a build, and remains of unknown sandboxes: a half-made folder, a control group, a log without an entry.
 * Remains with an unknown app count for every destroyed app.
 */
export function sandboxesPlace(deps: {
  readonly sandbox: Pick<Sandbox, 'list' | 'traces' | 'forget'>;
  /** Past, present and future instances and builds of this node. Their sandboxes are not leftovers. */
  readonly known: () => ReadonlySet<string>;
}): Place {
  const { sandbox, known } = deps;
  return {
    name: 'sandbox',
    means: 'remove',
    look: async (apps) => {
      // The traces are read first, so that they do not contain a sandbox that is made in the meantime.
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
