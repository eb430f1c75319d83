import type { UpgradeBody, UpgradeNodeBody } from '../../shared/api/nodes.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet, LiveNode } from '../dispatch/port.ts';
import { noteEvent } from '../store/note-event.ts';
import type { Store } from '../store/port.ts';
import type { Programs } from './programs.ts';
import { planUpgrade } from './upgrade-plan.ts';

export interface UpgradesDeps {
  readonly fleet: Pick<Fleet, 'nodes'>;
  readonly programs: Pick<Programs, 'current'>;
  readonly store: Pick<Store, 'addEvent'>;
  /** Sends the upgrade to a node. False if the node is not connected. */
  readonly send: (node: NodeId, version: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

const POLL_MS = 250;
/** Enough for packages, downloads, 60 s to connect, and the same to go back. */
const NODE_LIMIT_MS = 5 * 60_000;

interface Entry {
  readonly wave: number;
  state: UpgradeNodeBody['state'];
  reason?: Reason | undefined;
}

/** Upgrades the nodes to the version of the controller, in waves. Only one upgrade runs at a time; it ends with the controller. */
export class Upgrades {
  readonly #deps: UpgradesDeps;
  readonly #entries = new Map<string, Entry>();
  #version = '';
  #state: UpgradeBody['state'] = 'none';

  constructor(deps: UpgradesDeps) {
    this.#deps = deps;
  }

  status(): UpgradeBody {
    const nodes = [...this.#entries].map(([name, { wave, state, reason }]) => ({ name, wave, state, reason }));
    return { state: this.#state, version: this.#version, nodes };
  }

  /** Starts an upgrade in the background. @param names of the nodes; empty for all nodes. @throws SLIP_UPGRADE_RUNS, SLIP_UPGRADE_NODE, SLIP_PROGRAM_MAKE */
  async start(names: readonly string[], actor: string): Promise<UpgradeBody> {
    if (this.#state === 'running') throw runsAlready();
    const { version } = await this.#deps.programs.current();
    const nodes = this.#deps.fleet.nodes();
    const unknown = names.find((name) => !nodes.some((node) => node.name === name));
    if (unknown !== undefined) throw noSuchNode(unknown);
    const plan = planUpgrade(names.length === 0 ? nodes : nodes.filter((node) => names.includes(node.name)), version);
    this.#version = version;
    this.#state = 'running';
    this.#entries.clear();
    plan.waves.forEach((wave, index) =>
      wave.forEach((name) => this.#entries.set(name, { wave: index + 1, state: 'waiting' })),
    );
    for (const { name, why } of plan.skipped) this.#skip(name, why);
    if (plan.waves.length > 0) this.#noteStart(plan.waves, actor);
    void this.#run(plan.waves, actor);
    return this.status();
  }

  #noteStart(waves: readonly (readonly string[])[], actor: string): void {
    const message = `The upgrade of the agents of ${waves.flat().join(', ')} to ${this.#version} started, in ${String(waves.length)} waves.`;
    noteEvent(this.#deps, { kind: 'fleet.upgrading', actor, message, next: 'slipway nodes:upgrade' });
  }

  /** Takes a report of an agent about a failed upgrade. */
  heard(node: string, reason: Reason): void {
    const entry = this.#entries.get(node);
    if (!reason.code.startsWith('SLIP_UPGRADE_') || entry?.state !== 'upgrading') return;
    entry.state = 'failed';
    entry.reason = reason;
  }

  async #run(waves: readonly (readonly string[])[], actor: string): Promise<void> {
    try {
      for (const wave of waves) {
        await Promise.all(wave.map((name) => this.#upgrade(name, actor)));
        if (wave.some((name) => this.#entries.get(name)?.state === 'failed')) break;
      }
    } catch (error) {
      this.#deps.log.error({ err: error }, 'upgrade.broke_off');
    }
    const all = [...this.#entries.values()];
    this.#state = all.some(({ state }) => state === 'failed' || state === 'upgrading' || state === 'waiting')
      ? 'failed'
      : 'done';
  }

  async #upgrade(name: string, actor: string): Promise<void> {
    const { clock, signal, send, log } = this.#deps;
    const entry = this.#entries.get(name);
    const node = this.#node(name);
    if (entry === undefined) return;
    entry.state = 'upgrading';
    log.info({ node: name, version: this.#version }, 'upgrade.sent');
    if (node === undefined || !send(node.nodeId, this.#version)) this.heard(name, gone());
    const untilMs = clock.monotonicMs() + NODE_LIMIT_MS;
    while (this.#outcome(name) === 'upgrading') {
      if (clock.monotonicMs() > untilMs) this.heard(name, silent(name));
      else if (this.#runsIt(name)) entry.state = 'done';
      else await clock.sleep(POLL_MS, signal);
    }
    await this.#record(name, entry, actor);
  }

  #outcome(name: string): Entry['state'] | undefined {
    return this.#entries.get(name)?.state;
  }

  #node(name: string): LiveNode | undefined {
    return this.#deps.fleet.nodes().find((node) => node.name === name);
  }

  #runsIt(name: string): boolean {
    const node = this.#node(name);
    return node?.connected === true && node.agentVersion === this.#version;
  }

  #skip(name: string, why: string): void {
    this.#entries.set(name, {
      wave: 0,
      state: 'skipped',
      reason: { code: 'SLIP_UPGRADE_SKIPPED', message: `It ${why}.` },
    });
  }

  async #record(name: string, entry: Entry, actor: string): Promise<void> {
    const message =
      entry.state === 'done'
        ? `The agent of ${name} was upgraded to ${this.#version}.`
        : `The agent of ${name} was not upgraded to ${this.#version}: ${entry.reason?.message ?? ''}`;
    const next = entry.state === 'done' ? undefined : `slipway nodes:upgrade ${name}`;
    await this.#deps.store.addEvent({
      kind: entry.state === 'done' ? 'node.upgraded' : 'node.upgrade-failed',
      node: name,
      actor,
      message,
      next,
    });
  }
}

function runsAlready(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_UPGRADE_RUNS',
    kind: 'conflict',
    httpStatus: 409,
    message: 'An upgrade of the fleet is already running.',
    hint: 'Watch it with: slipway nodes:upgrade --watch',
  });
}

function noSuchNode(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_UPGRADE_NODE',
    httpStatus: 404,
    message: `There is no node ${name}.`,
    hint: 'List all nodes with: slipway nodes',
  });
}

function gone(): Reason {
  return {
    code: 'SLIP_UPGRADE_GONE',
    message: 'The node is no longer connected.',
    hint: 'When it is connected again, run: slipway nodes:upgrade',
  };
}

function silent(name: string): Reason {
  return {
    code: 'SLIP_UPGRADE_SILENT',
    message: 'Within 5 min the node neither ran the new version nor reported an error.',
    hint: `See its state with: slipway nodes:info ${name}. If the agent cannot upgrade itself, run the line of slipway nodes:token on the node.`,
  };
}
