import type { Duplex } from 'node:stream';
import type { KeptAttachment } from '../../observe/open-attachments.ts';
import type { AttachPurpose } from '../../../shared/attach/purpose.ts';
import type { NodeId } from '../../../shared/domain/ids.ts';
import { instanceName } from '../../../shared/domain/assignment.ts';
import type { NewEvent } from '../../../shared/domain/event.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { AttachTarget } from '../../dispatch/port.ts';
import type { App } from '../../domain/apps.ts';
import type { AssignmentRow } from '../../domain/assignments.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { findRun } from './runs.ts';

export interface AttachRequest {
  readonly app: App;
  readonly user: User;
  /** `web.1` */
  readonly instance: string;
  readonly signal: AbortSignal;
  /** Tells the user one line. */
  readonly tell: (text: string) => void;
}

export interface OpenAttachment {
  readonly stream: Duplex;
  /** Called when the user starts something, once. */
  readonly onStart: (purpose: AttachPurpose) => void;
  /** Why the stream ends when its sandbox stops, if that is known. */
  readonly endReason: KeptAttachment['endReason'];
}

/** Open streams at a time. */
export const ATTACH_LIMITS = Object.freeze({ app: 30, user: 30, node: 100 });
/** Each connection of ps:forward is a stream. Not each of them is an event. */
const FORWARD_EVENT_MS = 60_000;
const FORWARDS_KEPT = 1_000;

type AttachDeps = Pick<ApiDeps, 'store' | 'fleet' | 'clock' | 'log' | 'attachments'>;

/** Streams between users and processes in instances: who may have how many, and the event of each. */
export class Attachments {
  readonly #deps: AttachDeps;
  readonly #open = new Map<string, number>();
  readonly #forwardsNotedAtMs = new Map<string, number>();

  constructor(deps: AttachDeps) {
    this.#deps = deps;
  }

  /** @throws SLIP_ATTACH_INSTANCE, SLIP_ATTACH_LIMIT, and what the fleet throws */
  async open(request: AttachRequest): Promise<OpenAttachment> {
    const row = await this.#find(request.app, request.instance);
    const stream = await this.#connect(request, row.nodeId, { sandboxId: row.instanceId });
    const { app, user, tell } = request;
    const { started, endReason, close } = this.#deps.attachments.add({ app, user, row, tell });
    stream.once('close', close);
    const onStart = (purpose: AttachPurpose): void => {
      started(purpose);
      this.#note(request, row, purpose);
    };
    return { stream, onStart, endReason };
  }

  /** A command that waits for its user. @throws SLIP_RUN_UNKNOWN, SLIP_ATTACH_RUN_ENDED, SLIP_ATTACH_LIMIT, and what the fleet throws */
  async openRun(request: AttachRequest): Promise<OpenAttachment> {
    const row = await findRun(this.#deps, request.app, request.instance);
    if (row.finishedAtMs !== undefined) throw runEnded(row.process, request.app);
    const stream = await this.#connect(request, row.nodeId, { sandboxId: row.id, waits: true });
    return { stream, onStart: () => undefined, endReason: () => undefined }; // the command has its event and its reason
  }

  async #connect({ app, user, signal }: AttachRequest, nodeId: NodeId, target: AttachTarget): Promise<Duplex> {
    const release = this.#count({ app: app.id, user: user.id, node: nodeId });
    try {
      const stream = await this.#deps.fleet.attach(nodeId, target, signal);
      stream.once('close', release);
      return stream;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Of several instances with this name, such as during a deploy, the one that serves. */
  async #find(app: App, name: string): Promise<AssignmentRow> {
    const rows = (await this.#deps.store.assignmentsOfApp(app.id)).filter((row) => instanceName(row) === name);
    const rank = (row: AssignmentRow): number => {
      const state = this.#deps.fleet.status(row.instanceId)?.state;
      return (state === 'live' ? 2 : state === 'starting' ? 1 : 0) * 2 + (row.desired === 'run' ? 1 : 0);
    };
    const [best] = rows.sort((a, b) => rank(b) - rank(a) || b.createdAtMs - a.createdAtMs);
    if (best === undefined || rank(best) < 2) throw noInstance(app, name, best !== undefined);
    return best;
  }

  #count(owners: Readonly<Record<keyof typeof ATTACH_LIMITS, string>>): () => void {
    const keys = Object.entries(owners).map(([kind, id]) => `${kind} ${id}`);
    for (const kind of ['app', 'user', 'node'] as const) {
      const max = ATTACH_LIMITS[kind];
      if ((this.#open.get(`${kind} ${owners[kind]}`) ?? 0) >= max) throw tooMany(kind, max);
    }
    for (const key of keys) this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      for (const key of keys) this.#lessOf(key);
    };
  }

  #lessOf(key: string): void {
    const left = (this.#open.get(key) ?? 1) - 1;
    if (left > 0) this.#open.set(key, left);
    else this.#open.delete(key);
  }

  #note({ app, user, instance }: AttachRequest, { nodeId }: AssignmentRow, purpose: AttachPurpose): void {
    if (purpose === 'forward' && this.#wasNoted(`${user.id} ${app.id} ${instance}`)) return;
    const node = this.#deps.fleet.node(nodeId)?.name;
    const event: NewEvent = {
      kind: `instance.${KINDS[purpose]}`,
      actor: user.name,
      app: app.name,
      instance,
      message: `${user.name} ${DEEDS[purpose]} ${instance}.`,
      ...(node === undefined ? {} : { node }),
    };
    noteEvent(this.#deps, event);
  }

  #wasNoted(key: string): boolean {
    const now = this.#deps.clock.monotonicMs();
    const before = this.#forwardsNotedAtMs.get(key);
    if (before !== undefined && now - before < FORWARD_EVENT_MS) return true;
    if (this.#forwardsNotedAtMs.size >= FORWARDS_KEPT) this.#forwardsNotedAtMs.clear();
    this.#forwardsNotedAtMs.set(key, now);
    return false;
  }
}

const KINDS: Readonly<Record<AttachPurpose, string>> = {
  shell: 'shell_opened',
  command: 'command_run',
  forward: 'port_forwarded',
  copy: 'files_copied',
};

const DEEDS: Readonly<Record<AttachPurpose, string>> = {
  shell: 'opened a shell in',
  command: 'ran a command in',
  forward: 'opened a connection to a port of',
  copy: 'copied files from or to',
};

function noInstance({ name: app }: App, name: string, exists: boolean): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_INSTANCE',
    httpStatus: exists ? 409 : 404,
    message: exists ? `${name} of ${app} does not run now.` : `${app} has no instance ${name.slice(0, 80)}.`,
    hint: `See its instances with: slipway ps -a ${app}`,
  });
}

function runEnded(name: string, { name: app }: App): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_RUN_ENDED',
    kind: 'conflict',
    message: `${name} of ${app} has ended.`,
    hint: `See how it ended with: slipway run:list -a ${app}`,
  });
}

function tooMany(kind: keyof typeof ATTACH_LIMITS, max: number): SlipwayError {
  const whose = { app: 'This app has', user: 'You have', node: 'The node of this instance has' }[kind];
  return new SlipwayError({
    code: 'SLIP_ATTACH_LIMIT',
    kind: 'conflict',
    httpStatus: 429,
    message: `${whose} ${String(max)} open sessions of ps:exec, ps:forward and run, which is the limit.`,
    hint: 'Close one of them and try again.',
  });
}
