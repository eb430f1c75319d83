import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import type { RandomId } from '../../../shared/kit/random-id.ts';
import { SerialQueue } from '../../../shared/kit/serial-queue.ts';
import {
  cableBatch,
  netnsHostBatch,
  neighbourLine,
  netnsInsideBatch,
  netnsName,
  netnsRules,
  nextSlot,
  plugBatch,
  slotAddress,
  slotOf,
  type NetworkNames,
} from './plan.ts';
import { linksBatch, parseLinks, planRepairs, type Repair, type Seen } from './repairs.ts';

export interface NetworkLease {
  readonly netns: string;
  readonly address: string;
}

/** The sandbox that uses a network namespace. */
export interface NetnsOwner {
  /** A process of the sandbox; undefined before the start and after the end. */
  readonly pid: number | undefined;
  /** False: it has no access to the internet. */
  readonly egress: boolean;
}

export interface NamespacesDeps {
  readonly run: Run;
  readonly log: Logger;
  readonly randomId: RandomId;
}

const NETNS_DIR = '/run/netns';

/** Network namespaces with an address and a route. A pool of them is made in advance. */
export class Namespaces {
  readonly #names: NetworkNames;
  readonly #poolSize: number;
  readonly #deps: NamespacesDeps;
  /** Slots that belong to a sandbox, or are being made. */
  readonly #taken = new Set<number>();
  /** Taken slots whose namespace is being made. */
  readonly #making = new Set<number>();
  readonly #ready: number[] = [];
  #last = 1;
  #closed = false;
  readonly #refills = new SerialQueue();

  constructor(names: NetworkNames, poolSize: number, deps: NamespacesDeps) {
    this.#names = names;
    this.#poolSize = poolSize;
    this.#deps = deps;
  }

  /** At the start of the agent: marks the namespaces of sandboxes. All others are leftovers for {@link sweep}. */
  async adopt(used: ReadonlySet<string>): Promise<void> {
    for (const netns of await this.#existing()) {
      if (used.has(netns)) this.#taken.add(slotOf(this.#names, netns) ?? 0);
    }
  }

  /** @throws SLIP_SANDBOX_ADDRESSES when the subnet is used up */
  async take(): Promise<NetworkLease> {
    let slot = this.#ready.shift();
    while (slot !== undefined && !existsSync(join(NETNS_DIR, netnsName(this.#names, slot)))) {
      this.#taken.delete(slot); // another program removed it
      slot = this.#ready.shift();
    }
    slot ??= await this.#make();
    return { netns: netnsName(this.#names, slot), address: slotAddress(this.#names, slot) };
  }

  /** Closes the access to the internet. The proxy on this machine still reaches the sandbox. */
  async closeEgress(lease: NetworkLease): Promise<void> {
    await runOk(this.#deps.run, { file: 'ip', args: ['-n', lease.netns, 'route', 'del', 'default'] });
  }

  async release(netns: string): Promise<void> {
    const slot = slotOf(this.#names, netns);
    try {
      await this.#delete(netns);
    } finally {
      // If the namespace still exists, the next sweep removes it. Its slot is not used before.
      if (slot !== undefined) this.#taken.delete(slot);
    }
  }

  /** Removes our namespaces without a sandbox. Call it after {@link adopt}. */
  async sweep(netnsOwner: (netns: string) => Promise<NetnsOwner | undefined>): Promise<void> {
    for (const netns of await this.#existing()) {
      const slot = slotOf(this.#names, netns) ?? 0;
      if (this.#taken.has(slot)) continue;
      this.#taken.add(slot); // so that it is not made during its removal
      if ((await netnsOwner(netns)) !== undefined && existsSync(join(NETNS_DIR, netns))) continue;
      await this.release(netns).catch((error: unknown) => {
        this.#deps.log.warn({ netns, err: error }, 'network.leftover_not_removed');
      });
    }
  }

  /** Fills the pool. One refill runs at a time. No start should wait for it. */
  refill(): Promise<void> {
    const refilled = this.#refills.add(async () => {
      while (!this.#closed && this.#ready.length < this.#poolSize) this.#ready.push(await this.#make());
    });
    return refilled.catch((error: unknown) => {
      this.#deps.log.warn({ err: error }, 'network.pool_not_refilled');
    });
  }

  /** Removes all our namespaces. */
  async clear(): Promise<void> {
    this.#closed = true;
    await this.#refills.settled();
    this.#ready.length = 0;
    for (const netns of await this.#existing()) await this.release(netns);
  }

  async #make(): Promise<number> {
    const slot = nextSlot(this.#names.subnet, await this.#unusable(), this.#last);
    if (slot === undefined) throw addressesUsedUp();
    if (this.#taken.has(slot)) return this.#make(); // taken in the meantime
    this.#taken.add(slot);
    this.#making.add(slot);
    this.#last = slot;
    const netns = netnsName(this.#names, slot);
    const veth = this.#cableName();
    try {
      await this.#batch([], netnsHostBatch(this.#names, slot, veth));
      await this.#batch(['-n', netns], netnsInsideBatch(this.#names, slot));
      await this.#seal(netns);
    } catch (error) {
      await this.release(netns);
      throw error;
    } finally {
      this.#making.delete(slot);
    }
    return slot;
  }

  #cableName(): string {
    return `${this.#names.bridge}-${this.#deps.randomId().slice(0, 6)}`;
  }

  /** Restores removed parts of used and pooled namespaces. If nothing is missing, it costs one `ip` command. */
  async repair(netnsOwner: (netns: string) => Promise<NetnsOwner | undefined>): Promise<void> {
    const slots = [...this.#taken].filter((slot) => !this.#making.has(slot));
    if (slots.length === 0) return;
    for (const repair of planRepairs(this.#names, {
      slots,
      namespaces: new Set(await this.#existing()),
      ...(await this.#links()),
    })) {
      await this.#repairOne(repair, netnsOwner).catch((error: unknown) => {
        this.#deps.log.warn({ repair, err: error }, 'network.repair_failed');
      });
    }
  }

  async #repairOne(repair: Repair, netnsOwner: (netns: string) => Promise<NetnsOwner | undefined>): Promise<void> {
    if (repair.kind === 'plug') {
      await this.#batch([], plugBatch(this.#names, repair.cable));
    } else if (repair.kind === 'neighbour') {
      await this.#batch([], [neighbourLine(this.#names, repair.slot)]);
    } else if (repair.kind === 'name') {
      const pid = (await netnsOwner(repair.netns))?.pid;
      if (pid === undefined) return; // no process uses it
      await runOk(this.#deps.run, {
        file: 'ip',
        args: ['netns', 'attach', repair.netns, String(pid)],
        timeoutMs: 20_000,
      });
    } else {
      const inside = netnsInsideBatch(this.#names, repair.slot);
      const isClosed = (await netnsOwner(repair.netns))?.egress === false;
      await this.#batch([], cableBatch(this.#names, repair.slot, this.#cableName()));
      await this.#batch(['-n', repair.netns], isClosed ? inside.slice(0, -1) : inside);
      await this.#seal(repair.netns); // a namespace of an older agent has no rules yet
    }
    this.#deps.log.info({ repair }, 'network.repaired');
  }

  async #links(): Promise<Pick<Seen, 'cables' | 'neighbours'>> {
    const { bridge } = this.#names;
    return parseLinks(await this.#batch(['-json', '-details'], linksBatch(bridge)), bridge);
  }

  async #seal(netns: string): Promise<void> {
    const args = [`--net=${join(NETNS_DIR, netns)}`, '--', 'nft', '-f', '-'];
    await runOk(this.#deps.run, { file: 'nsenter', args, stdin: netnsRules(this.#names), timeoutMs: 20_000 });
  }

  /** Taken slots, and slots whose namespace exists for any other reason. */
  async #unusable(): Promise<Set<number>> {
    const existing = (await this.#existing()).map((netns) => slotOf(this.#names, netns) ?? 0);
    return new Set([...this.#taken, ...existing]);
  }

  async #batch(options: readonly string[], lines: readonly string[]): Promise<string> {
    const command = {
      file: 'ip',
      args: [...options, '-batch', '-'],
      stdin: `${lines.join('\n')}\n`,
      timeoutMs: 20_000,
    };
    return (await runOk(this.#deps.run, command)).stdout;
  }

  async #delete(netns: string): Promise<void> {
    if (!(await this.#existing()).includes(netns)) return;
    try {
      await runOk(this.#deps.run, { file: 'ip', args: ['netns', 'del', netns], timeoutMs: 20_000 });
    } catch (error) {
      // Another removal of the same namespace may have been faster.
      if ((await this.#existing()).includes(netns)) throw error;
    }
  }

  async #existing(): Promise<string[]> {
    const names = await readdir(NETNS_DIR).catch(() => []);
    return names.filter((name) => slotOf(this.#names, name) !== undefined);
  }
}

function addressesUsedUp(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_ADDRESSES',
    kind: 'conflict',
    message: 'Every address of the sandbox network is in use.',
    hint: 'Give the agent a larger subnet, or stop instances.',
  });
}
