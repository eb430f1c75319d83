import type { DestroyedApp } from '../../shared/domain/assignment.ts';
import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { DestroyedAck, Hello } from '../../shared/rpc/messages.ts';
import { DESTROYED_PER_NODE_MAX } from '../domain/destroyed-apps.ts';
import type { Store } from '../store/port.ts';
import type { AgentSession } from './agent-session.ts';

export interface DestroyedAppsDeps {
  readonly store: Pick<Store, 'unknownApps' | 'acknowledgeDestroyed' | 'touchNode'>;
  readonly logger: Logger;
  readonly publish: (node: NodeId) => Promise<void>;
}

/** Tracks which destroyed apps a node was asked to remove, and which it has removed. */
export class DestroyedApps {
  readonly #deps: DestroyedAppsDeps;

  constructor(deps: DestroyedAppsDeps) {
    this.#deps = deps;
  }

  /**
   * Finds build caches of apps that the database does not know, so that the node removes them. They exist when the node's disk or the
   * database was restored from a backup, or when the machine was removed and joined again.
   */
  async findUnknown(session: AgentSession, { cachedAppIds, takesDestroyed }: Hello): Promise<void> {
    if (takesDestroyed !== true || cachedAppIds.length === 0) return;
    const unknown = await this.#deps.store.unknownApps(cachedAppIds as readonly AppId[]);
    session.unknownApps = new Set(unknown.slice(0, DESTROYED_PER_NODE_MAX));
  }

  /** Records the destroyed apps that a sent state names. */
  recordSent(session: AgentSession, destroyed: readonly DestroyedApp[] = []): void {
    session.endsInstances = destroyed.length > 0;
    for (const { appId } of destroyed) session.askedDestroyed.add(appId);
  }

  acknowledged(session: AgentSession, { appIds }: DestroyedAck): void {
    const asked = appIds.filter((appId) => session.askedDestroyed.has(appId));
    if (asked.length < appIds.length) session.warnOnce('session.unknown_destroyed_apps');
    if (asked.length > 0) void this.#store(session, asked);
  }

  async #store(session: AgentSession, appIds: readonly AppId[]): Promise<void> {
    const { store, logger, publish } = this.#deps;
    try {
      for (const appId of appIds) session.unknownApps.delete(appId);
      const left = await store.acknowledgeDestroyed(session.nodeId, appIds);
      if (left + appIds.length <= DESTROYED_PER_NODE_MAX) return;
      await store.touchNode(session.nodeId); // one state cannot name all of them, so the next state names the rest
      await publish(session.nodeId);
    } catch (error) {
      // The agent sends the answer again after the next desired state.
      logger.warn({ node: session.name, err: error }, 'destroyed.answer_not_stored');
    }
  }
}

/** Pure: the destroyed apps that a state names, those of the database first. */
export function destroyedFor(
  known: readonly DestroyedApp[] | undefined,
  unknownApps: ReadonlySet<AppId>,
): readonly DestroyedApp[] | undefined {
  const others = [...unknownApps].filter((appId) => known?.some((one) => one.appId === appId) !== true);
  const all = [...(known ?? []), ...others.map((appId) => ({ appId, uidBase: 0 }))];
  return all.length === 0 ? undefined : all;
}
