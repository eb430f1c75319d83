import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { run } from '../../../shared/kit/exec.ts';
import { groupsNamed, killGroup, removeGroup } from './groups.ts';
import { ensureServerImage } from './image.ts';
import { removeNetwork, ServerNetwork } from './network.ts';
import { Server } from './server.ts';

const PREFIX = 'sv';
const FOLDER = 'slipway-servers-';

/** Servers on their own switch, one set for each test process. Their network ends at this host. */
export class Servers {
  readonly network: ServerNetwork;
  readonly list: readonly Server[];
  readonly #dir: string;

  private constructor(dir: string, network: ServerNetwork, list: readonly Server[]) {
    this.#dir = dir;
    this.network = network;
    this.list = list;
  }

  /** Boots servers with these names. `above` are trees over the image, for example with a product. */
  static async boot(names: readonly string[], above: readonly string[] = []): Promise<Servers> {
    await removeForgotten();
    const image = await ensureServerImage();
    const id = `${PREFIX}${process.pid.toString(36)}`;
    const dir = await mkdtemp(join(tmpdir(), `${FOLDER}${String(process.pid)}-`));
    const network = new ServerNetwork(id);
    const list = names.map((name, index) => {
      const facts = {
        name,
        id: `${id}-${String(index + 1)}`,
        address: network.address(11 + index),
        dir: join(dir, name),
      };
      return new Server({ ...facts, lowers: [...above, image], network });
    });
    const servers = new Servers(dir, network, list);
    try {
      await network.create();
      for (const server of list) await server.install();
      await Promise.all(list.map((server) => server.boot()));
    } catch (error) {
      await servers.dispose();
      throw error;
    }
    return servers;
  }

  named(name: string): Server {
    const found = this.list.find((server) => server.name === name);
    if (found === undefined) throw new Error(`there is no server ${name}`);
    return found;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.list.map((server) => server.dispose()));
    await this.network.remove();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** Ends servers of killed test processes. */
async function removeForgotten(): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  const roots = mounts.filter((path) => basename(path) === 'root' && path.includes(`/${FOLDER}`));
  const forgotten = new Set<string>();
  for (const root of roots) {
    const owner = Number(new RegExp(`/${FOLDER}(\\d+)-`).exec(root)?.[1]);
    if (existsSync(`/proc/${String(owner)}`)) continue;
    const id = `${PREFIX}${owner.toString(36)}`;
    for (const group of await groupsNamed(`${id}-`)) {
      await killGroup(group);
      await removeGroup(group);
    }
    await run({ file: 'umount', args: ['-l', root] });
    await removeNetwork(id);
    forgotten.add(dirname(dirname(root)));
  }
  // One folder has the roots of all servers of a set. None of them is mounted any more.
  for (const dir of forgotten) await rm(dir, { recursive: true, force: true });
}
