import { isStopped, wantedCounts, type Stopped } from '../../shared/domain/placement.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { App } from '../domain/apps.ts';
import type { Release } from '../domain/releases.ts';
import { changeCounts, type CountDeps } from './change-counts.ts';
import { checkProcessType } from '../assignments/check-process-type.ts';
import { type Asker } from './process-types.ts';

/** The process types of a stop or a start. */
export interface StopResult {
  readonly types: readonly string[];
  /** What is stopped now; undefined: nothing. */
  readonly stopped: Stopped | undefined;
}

/**
 * Stops process types and starts them again. They stay stopped over pushes, restarts and lost nodes, and keep their counts. The caller holds
 * the app's queue.
 */
export class Stops {
  readonly #deps: CountDeps;

  constructor(deps: CountDeps) {
    this.#deps = deps;
  }

  /** Standby instances stop too. @param type undefined: all @throws SLIP_PS_TYPE, SLIP_PS_ONE */
  async stop(app: App, by: Asker, type: string | undefined): Promise<StopResult> {
    refuseOneInstance(app, type, 'ps:stop');
    const { store, restarts, failpoint } = this.#deps;
    const { types, before } = await this.#typesOf(app, type);
    const stopped = afterStop(before, type);
    const message = `Stopped ${type ?? 'all process types'}.`;
    await store.setStopped(app.id, stopped, { by: by.name, event: { kind: 'app.stopped', message } });
    await failpoint('app.stopped');
    const rows = await store.assignmentsOfApp(app.id);
    const ending = rows.filter((row) => row.desired !== 'stop' && isStopped(stopped, row.processType));
    await restarts.retire(app, () => ending);
    return { types, stopped };
  }

  /** Starts as many instances as the formation says. @throws SLIP_PS_TYPE, SLIP_PS_ONE, SLIP_PLACE_NO_ROOM */
  async start(app: App, by: Asker, type: string | undefined): Promise<StopResult> {
    refuseOneInstance(app, type, 'ps:start');
    const { store } = this.#deps;
    const { types, all, current, before } = await this.#typesOf(app, type);
    const stopped = afterStart(before, type, all);
    const message = `Started ${type ?? 'all process types'}.`;
    const save = (): Promise<unknown> =>
      store.setStopped(app.id, stopped, { by: by.name, event: { kind: 'app.started', message } });
    if (current === undefined) await save();
    else {
      const counts = Object.entries(wantedCounts(current.slug.processTypes, await store.formation(app.id)));
      const wanted = Object.fromEntries(counts.filter(([each]) => types.includes(each)));
      await changeCounts(this.#deps, { app, current }, { wanted, now: {}, save });
    }
    return { types, stopped };
  }

  /** The process types that a stop or a start means. Before the first release, the type alone. */
  async #typesOf(
    app: App,
    type: string | undefined,
  ): Promise<{
    readonly types: readonly string[];
    readonly all: readonly string[];
    readonly current: Release | undefined;
    readonly before: Stopped | undefined;
  }> {
    const { store } = this.#deps;
    const [current, now] = [await store.currentRelease(app.id), await store.appById(app.id)];
    const all = Object.keys(wantedCounts(current?.slug.processTypes ?? {}, {}));
    const types = type === undefined ? all : [checkProcessType(app, current, type)];
    return { types, all, current, before: now?.stopped };
  }
}

/** @param type undefined: all process types, also those of later releases */
export function afterStop(stopped: Stopped | undefined, type: string | undefined): Stopped {
  if (type === undefined || stopped === 'all') return 'all';
  return [...new Set([...(stopped ?? []), type])].sort();
}

/** @param types the process types of the current release */
export function afterStart(
  stopped: Stopped | undefined,
  type: string | undefined,
  types: readonly string[],
): Stopped | undefined {
  if (type === undefined) return undefined;
  const rest = (stopped === 'all' ? types : (stopped ?? [])).filter((each) => each !== type);
  return rest.length === 0 ? undefined : [...rest].sort();
}

/** `web.1`: another instance would start in its place. @throws SLIP_PS_ONE */
function refuseOneInstance(app: App, word: string | undefined, command: 'ps:stop' | 'ps:start'): void {
  const [, type] = /^([\w-]+)\.\d+$/.exec(word ?? '') ?? [];
  if (type === undefined || word === undefined) return;
  throw new SlipwayError({
    code: 'SLIP_PS_ONE',
    message: `${command} works on an app or on a process type, not on one instance: another instance would start in the place of ${word}.`,
    hint: `Restart it with: slipway ps:restart ${word} -a ${app.name}. Run fewer with: slipway ps:scale ${type}=-1 -a ${app.name}. Stop the type with: slipway ${command} ${type} -a ${app.name}`,
    httpStatus: 422,
  });
}
