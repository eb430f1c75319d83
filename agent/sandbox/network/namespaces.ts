import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import type { RandomId } from '../../../shared/kit/random-id.ts';
import { netnsHostBatch, netnsInsideBatch, netnsName, nextSlot, slotAddress, slotOf, type NetworkNames } from './plan.ts';

export interface NetworkLease {
  readonly netns: string;
  readonly address: string;
}

export interface NamespacesDeps {
  readonly run: Run;
  readonly log: Logger;
  readonly randomId: RandomId;
}

const NETNS_DIR = '/run/netns';

/** Network namespaces with an address and a route, a few of them made before they are needed. */
export class Namespaces {
  readonly #names: NetworkNames;
  readonly #warm: number;
  readonly #deps: NamespacesDeps;
  /** Slots that belong to a sandbox, or are being made. */
  readonly #taken = new Set<number>();
  readonly #ready: number[] = [];
  #last = 1;
  #closed = false;
  #refilling: Promise<void> = Promise.resolve();

  constructor(names: NetworkNames, warm: number, deps: NamespacesDeps) {
    this.#names = names;
    this.#warm = warm;
    this.#deps = deps;
  }

  /** At agent start: these namespaces belong to sandboxes; others of ours are left-overs and are removed. */
  async adopt(used: ReadonlySet<string>): Promise<void> {
    for (const netns of await this.#existing()) {
      const slot = slotOf(this.#names, netns) ?? 0;
      if (used.has(netns)) this.#taken.add(slot);
      else await this.#delete(netns);
    }
  }

  /** @throws SLIP_SANDBOX_ADDRESSES when the subnet is used up */
  async take(): Promise<NetworkLease> {
    let slot = this.#ready.shift();
    while (slot !== undefined && !existsSync(join(NETNS_DIR, netnsName(this.#names, slot)))) {
      this.#taken.delete(slot); // somebody removed it behind our back
      slot = this.#ready.shift();
    }
    slot ??= await this.#make();
    return { netns: netnsName(this.#names, slot), address: slotAddress(this.#names, slot) };
  }

  /** Cuts the way to the world; the proxy on this machine still reaches it. */
  async closeEgress(lease: NetworkLease): Promise<void> {
    await runOk(this.#deps.run, { file: 'ip', args: ['-n', lease.netns, 'route', 'del', 'default'] });
  }

  async release(netns: string): Promise<void> {
    await this.#delete(netns);
    const slot = slotOf(this.#names, netns);
    if (slot !== undefined) this.#taken.delete(slot);
  }

  /** Tops the ready ones up. Runs one at a time; call it off the hot path. */
  refill(): Promise<void> {
    this.#refilling = this.#refilling.then(async () => {
      while (!this.#closed && this.#ready.length < this.#warm) this.#ready.push(await this.#make());
    });
    this.#refilling = this.#refilling.catch((error: unknown) => {
      this.#deps.log.warn({ err: error }, 'network pool not refilled');
    });
    return this.#refilling;
  }

  /** Removes every namespace of ours, whoever made it. */
  async clear(): Promise<void> {
    this.#closed = true;
    await this.#refilling;
    this.#ready.length = 0;
    for (const netns of await this.#existing()) await this.release(netns);
  }

  async #make(): Promise<number> {
    const slot = nextSlot(this.#names.subnet, await this.#unusable(), this.#last);
    if (slot === undefined) throw addressesUsedUp();
    if (this.#taken.has(slot)) return this.#make(); // given away while we looked
    this.#taken.add(slot);
    this.#last = slot;
    const netns = netnsName(this.#names, slot);
    const veth = `${this.#names.bridge}-${this.#deps.randomId().slice(0, 6)}`;
    try {
      await this.#batch([], netnsHostBatch(this.#names, slot, veth));
      await this.#batch(['-n', netns], netnsInsideBatch(this.#names, slot));
    } catch (error) {
      await this.release(netns);
      throw error;
    }
    return slot;
  }

  /** Given away by us, or there for whatever reason. */
  async #unusable(): Promise<Set<number>> {
    const existing = (await this.#existing()).map((netns) => slotOf(this.#names, netns) ?? 0);
    return new Set([...this.#taken, ...existing]);
  }

  async #batch(options: readonly string[], lines: readonly string[]): Promise<void> {
    await runOk(this.#deps.run, { file: 'ip', args: [...options, '-batch', '-'], stdin: `${lines.join('\n')}\n`, timeoutMs: 20_000 });
  }

  async #delete(netns: string): Promise<void> {
    if (!(await this.#existing()).includes(netns)) return;
    await runOk(this.#deps.run, { file: 'ip', args: ['netns', 'del', netns], timeoutMs: 20_000 });
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
