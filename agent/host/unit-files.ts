import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';

export interface UnitPlaces {
  /** Unit files that came with this version; absent for an agent that nobody installed. */
  readonly shippedDir?: string | undefined;
  /** Where install.sh puts those. */
  readonly unitsDir: string;
  /** Where systemd keeps those of `systemd-run`. */
  readonly transientDir: string;
  /** How the names of our transient units begin. */
  readonly prefixes: readonly string[];
}

const AGENT_UNIT = 'slipway-agent.service';
const SHIPPED = [AGENT_UNIT, 'slipway.slice'];

/**
 * The unit files of the agent, the proxy and the apps. A unit runs on without its file, but the next boot does not start it, and once
 * systemd is reloaded nobody knows how it is to be stopped or restarted.
 */
export class UnitFiles {
  readonly #places: UnitPlaces;
  readonly #run: Run;
  readonly #log: Logger;
  /** Transient ones as last seen: only systemd writes them. */
  readonly #seen = new Map<string, Buffer>();

  constructor(places: UnitPlaces, deps: { readonly run: Run; readonly log: Logger }) {
    this.#places = places;
    this.#run = deps.run;
    this.#log = deps.log;
  }

  /** Puts back what somebody deleted. What somebody wrote instead, or masked, is left alone. */
  async ensure(): Promise<void> {
    const restored = [...(await this.#restoreShipped()), ...(await this.#restoreTransient())];
    if (restored.length === 0) return;
    await this.#systemctl('daemon-reload');
    // whoever takes it out of the boot on purpose says `disable`, which leaves the file
    if (restored.includes(AGENT_UNIT)) await this.#systemctl('enable', AGENT_UNIT);
    this.#log.warn({ units: restored }, 'units.restored');
  }

  async #restoreShipped(): Promise<string[]> {
    const { shippedDir, unitsDir } = this.#places;
    if (shippedDir === undefined) return [];
    const restored: string[] = [];
    for (const name of SHIPPED) {
      if (await exists(join(unitsDir, name))) continue;
      await writeFileAtomic(join(unitsDir, name), await readFile(join(shippedDir, name)));
      restored.push(name);
    }
    return restored;
  }

  async #restoreTransient(): Promise<string[]> {
    const { transientDir, prefixes } = this.#places;
    const names = (await readdir(transientDir).catch(() => [])).filter((name) =>
      prefixes.some((prefix) => name.startsWith(prefix)),
    );
    const restored: string[] = [];
    for (const [name, text] of this.#seen) {
      if (names.includes(name)) continue;
      if (await this.#isActive(name)) {
        await replaceFile(join(transientDir, name), text);
        restored.push(name);
      } else this.#seen.delete(name); // its file went with it
    }
    for (const name of names.filter((each) => each.endsWith('.service') && !this.#seen.has(each))) {
      const text = await readFile(join(transientDir, name)).catch(() => undefined); // it has just ended
      if (text !== undefined) this.#seen.set(name, text);
    }
    return restored;
  }

  async #isActive(name: string): Promise<boolean> {
    const { stdout } = await this.#systemctl('show', '--property=ActiveState', '--value', name);
    return stdout.trim() === 'active';
  }

  #systemctl(...args: string[]): ReturnType<Run> {
    return runOk(this.#run, { file: 'systemctl', args, timeoutMs: 30_000 });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
