import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';

export interface UnitPlaces {
  /** Folder of the unit files of this version; absent for an agent that install.sh did not install. */
  readonly shippedDir?: string | undefined;
  /** Folder where install.sh puts them. */
  readonly unitsDir: string;
  /** Folder where systemd keeps the units of `systemd-run`. */
  readonly transientDir: string;
  /** Prefixes of the names of our transient units. */
  readonly prefixes: readonly string[];
}

const AGENT_UNIT = 'slipway-agent.service';
const SHIPPED = [AGENT_UNIT, 'slipway.slice'];

/**
 * The unit files of the agent, the proxy and the apps. A unit continues without its file. But the next boot does not start it, and after a
 * reload systemd does not know how to stop or restart it.
 */
export class UnitFiles {
  readonly #places: UnitPlaces;
  readonly #run: Run;
  readonly #log: Logger;
  /** The last content of the transient units. Only systemd writes them. */
  readonly #seen = new Map<string, Buffer>();

  constructor(places: UnitPlaces, deps: { readonly run: Run; readonly log: Logger }) {
    this.#places = places;
    this.#run = deps.run;
    this.#log = deps.log;
  }

  /** Restores deleted files. A file that somebody changed or masked stays as it is. */
  async ensure(): Promise<void> {
    const restored = [...(await this.#restoreShipped()), ...(await this.#restoreTransient())];
    if (restored.length === 0) return;
    await this.#systemctl('daemon-reload');
    // A deleted file is a mistake: `systemctl disable` keeps the file.
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
      } else this.#seen.delete(name); // the unit has ended, and systemd removed its file
    }
    for (const name of names.filter((each) => each.endsWith('.service') && !this.#seen.has(each))) {
      const text = await readFile(join(transientDir, name)).catch(() => undefined); // the unit has just ended
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
