import type { AttachPurpose } from '../../shared/attach/purpose.ts';
import { instanceName } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId, UserId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { User } from '../domain/users.ts';
import type { Store } from '../store/port.ts';
import { comingEnd, type ComingEnd } from './coming-end.ts';

interface OpenAttachmentsDeps {
  readonly store: Pick<Store, 'appById' | 'assignmentsOfApp' | 'nodes' | 'releases'>;
  readonly fleet: Pick<Fleet, 'node' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long an instance stays ready after a newer release serves. */
  readonly bakeMs: number;
}

interface NewAttachment {
  readonly app: Pick<App, 'id' | 'name' | 'ownerId'>;
  readonly row: Pick<AssignmentRow, 'instanceId' | 'nodeId' | 'processType' | 'ordinal' | 'release'>;
  readonly user: Pick<User, 'name'>;
  /** Tells the user one line. */
  readonly tell: (text: string) => void;
}

/** A session that somebody has in an instance. */
export interface AttachmentRow {
  readonly app: string;
  readonly appId: AppId;
  readonly ownerId: UserId;
  /** `web.1` */
  readonly instance: string;
  readonly instanceId: InstanceId;
  readonly nodeId: NodeId;
  readonly node: string;
  readonly release: number;
  readonly user: string;
  readonly purpose: AttachPurpose;
  /** Wall clock. */
  readonly openedAtMs: number;
}

interface Open extends NewAttachment {
  appName: string;
  purpose: AttachPurpose | undefined;
  coming: ComingEnd | undefined;
  readonly openedAtMs: number;
}

/** One stream of a user, from its start to its end. */
export interface KeptAttachment {
  readonly started: (purpose: AttachPurpose) => void;
  /** Why it ended, if the controller knows why its instance ends. */
  readonly endReason: () => SlipwayError | undefined;
  readonly close: () => void;
}

/** Time between two checks while no report arrives. */
const CHECK_MS = 5_000;

/** The sessions of users in instances: who has which one, and who must be told that an instance ends. */
export class OpenAttachments {
  readonly #deps: OpenAttachmentsDeps;
  readonly #open = new Set<Open>();
  /** Aborted when the last session is closed. */
  #watching = new AbortController();

  constructor(deps: OpenAttachmentsDeps) {
    this.#deps = deps;
  }

  add(attachment: NewAttachment): KeptAttachment {
    const openedAtMs = this.#deps.clock.nowMs();
    const { app } = attachment;
    const open: Open = { ...attachment, appName: app.name, purpose: undefined, coming: undefined, openedAtMs };
    this.#open.add(open);
    if (this.#open.size === 1) this.#watch();
    else void this.#tryCheck();
    return {
      started: (purpose) => (open.purpose = purpose),
      endReason: () => replaced(open),
      close: () => {
        if (this.#open.delete(open) && this.#open.size === 0) this.#watching.abort();
      },
    };
  }

  /** The sessions in which something has started, oldest first. Several connections to one port are one session. */
  list(): readonly AttachmentRow[] {
    const rows = new Map<string, AttachmentRow>();
    for (const { app, appName, row, user, purpose, openedAtMs } of this.#open) {
      if (purpose === undefined) continue;
      const key = `${user.name} ${row.instanceId} ${purpose}`;
      if (purpose === 'forward' && rows.has(key)) continue;
      const { instanceId, nodeId, release } = row;
      rows.set(purpose === 'forward' ? key : `${key} ${String(rows.size)}`, {
        ...{ app: appName, appId: app.id, ownerId: app.ownerId, instance: instanceName(row), instanceId, nodeId },
        ...{ node: this.#nodeName(nodeId), release, user: user.name, purpose, openedAtMs },
      });
    }
    return [...rows.values()];
  }

  #nodeName(nodeId: NodeId): string {
    return this.#deps.fleet.node(nodeId)?.name ?? 'removed node';
  }

  /** Checks now, and after each report of a node with a session. */
  #watch(): void {
    const { clock, fleet } = this.#deps;
    this.#watching = new AbortController();
    const onChange = (listener: () => void): (() => void) =>
      fleet.onChange((nodeId) => {
        if ([...this.#open].some(({ row }) => row.nodeId === nodeId)) listener();
      });
    const limits = { untilMs: Infinity, signal: this.#watching.signal };
    watchFleet({ fleet: { onChange }, clock }, limits, async (checkAgainAt) => {
      await this.#tryCheck();
      checkAgainAt(clock.monotonicMs() + CHECK_MS);
      return undefined;
    }).catch(() => undefined); // the last session was closed
  }

  async #tryCheck(): Promise<void> {
    await this.check().catch((error: unknown) => this.#deps.log.warn({ err: error }, 'attach.not_checked'));
  }

  /** Tells each user what has changed about the end of the instance. */
  async check(): Promise<void> {
    const nodes = await this.#deps.store.nodes();
    for (const [appId, all] of Map.groupBy([...this.#open], ({ app }) => app.id))
      await this.#checkApp(appId, all, nodes);
  }

  async #checkApp(appId: AppId, all: readonly Open[], nodes: readonly NodeRow[]): Promise<void> {
    const { store, bakeMs } = this.#deps;
    const [app, rows, [latest]] = [
      await store.appById(appId),
      await store.assignmentsOfApp(appId),
      await store.releases(appId, 1),
    ];
    for (const open of all) {
      const { instanceId, nodeId, release } = open.row;
      if (app !== undefined) open.appName = app.name;
      const copy = rows.find(({ replaces }) => replaces === instanceId);
      this.#tell(
        open,
        comingEnd({
          ...{ instance: instanceName(open.row), release, latest, bakeMs, node: this.#nodeName(nodeId) },
          desired: rows.find((row) => row.instanceId === instanceId)?.desired,
          copy: copy === undefined ? undefined : { node: this.#nodeName(copy.nodeId), reason: copy.moveReason },
          drainUntilMs: nodes.find(({ id }) => id === nodeId)?.drainUntilMs,
        }),
      );
    }
  }

  #tell(open: Open, coming: ComingEnd | undefined): void {
    const before = open.coming;
    // A known reason stays: the drain of a node is over when its last instance has moved.
    open.coming = coming && { notice: coming.notice, ended: coming.ended ?? before?.ended };
    if (coming?.notice === before?.notice) return;
    open.tell(coming?.notice ?? `${instanceName(open.row)} keeps running, so this session goes on.`);
  }
}

function replaced({ coming, row, appName }: Open): SlipwayError | undefined {
  if (coming?.ended === undefined) return undefined;
  return new SlipwayError({
    code: 'SLIP_ATTACH_REPLACED',
    kind: 'transient',
    message: coming.ended,
    hint: `Open a new session: slipway ps:exec ${instanceName(row)} -a ${appName}`,
  });
}
