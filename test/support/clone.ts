import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run, runOk, type CommandResult } from '../../shared/kit/exec.ts';
import { PRODUCT_DIR } from './fleet.ts';
import { freePortRange } from './free-ports.ts';

/** PATH without the folders of root, as for an ordinary user. */
const PLAIN_PATH = '/usr/bin:/bin';
/** script/bootstrap installs this Node on a machine without a suitable one. Otherwise a clone gets the Node on PATH. */
export const HAS_OWN_NODE = existsSync(join(PRODUCT_DIR, '.tools', 'node'));

/** Numbers of 10.250.0.0/16 and above, for these tests only. An ordinary user makes no network, so all share one number. */
const NETWORKS = [47, 48, 49, 50, 51];
const NETWORK_OF_NOBODY = 52;

interface ClaimedNetwork {
  readonly number: number;
  readonly release: () => void;
}

/** A number that no other clone on this machine uses. The kernel ends the claim when the process of the test ends. */
async function claimNetwork(): Promise<ClaimedNetwork> {
  for (const number of NETWORKS) {
    if (existsSync(`/sys/class/net/slip${String(number)}`)) continue;
    const claim = await listenAt(`\0slipway-test-network-${String(number)}`);
    if (claim === undefined) continue;
    claim.unref();
    return { number, release: () => void claim.close() };
  }
  throw new Error(`all of these are in use: ${NETWORKS.map((number) => `slip${String(number)}`).join(', ')}`);
}

/** Undefined when another process listens at this abstract Unix socket. */
function listenAt(path: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen(path, () => {
      resolve(server);
    });
  });
}

/** A clone of the committed tree, as a new user has it, and the commands in it. */
export class Clone {
  readonly parent: string;
  readonly dir: string;
  readonly ports: { readonly web: number; readonly https: number; readonly ssh: number };
  readonly #network: ClaimedNetwork;
  readonly #uid: number | undefined;

  private constructor(parent: string, ports: Clone['ports'], network: ClaimedNetwork, uid: number | undefined) {
    this.parent = parent;
    this.dir = join(parent, 'slipway');
    this.ports = ports;
    this.#network = network;
    this.#uid = uid;
  }

  /** Below a folder that only its owner may enter, like /root. Runtime and packages come from this checkout, without downloads. */
  static async make(uid?: number): Promise<Clone> {
    const clone = new Clone(
      await mkdtemp(join(tmpdir(), 'slipway-clone-')),
      { web: await freePortRange(1), https: await freePortRange(1), ssh: await freePortRange(3) },
      uid === undefined ? await claimNetwork() : { number: NETWORK_OF_NOBODY, release: () => undefined },
      uid,
    );
    await runOk(run, {
      file: 'git',
      args: ['clone', '--quiet', '--no-local', PRODUCT_DIR, clone.dir],
      timeoutMs: 240_000,
    });
    await mkdir(join(clone.parent, 'home'));
    if (uid !== undefined)
      await runOk(run, { file: 'chown', args: ['-R', `${String(uid)}:${String(uid)}`, '--', clone.parent] });
    for (const name of ['.tools', 'node_modules']) {
      await runOk(run, {
        file: 'cp',
        args: ['-al', '--', join(PRODUCT_DIR, name), join(clone.dir, name)],
        timeoutMs: 240_000,
      });
      if (uid !== undefined) await chown(join(clone.dir, name), uid, uid);
    }
    await rm(join(clone.dir, '.tools', 'bootstrap.lock'), { force: true });
    return clone;
  }

  /** Runs a program of the clone. */
  type(program: string, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    const path = HAS_OWN_NODE ? PLAIN_PATH : `${dirname(process.execPath)}:${PLAIN_PATH}`;
    const env = { PATH: path, HOME: join(this.parent, 'home'), ...more };
    const account =
      this.#uid === undefined ? [] : [`--reuid=${String(this.#uid)}`, `--regid=${String(this.#uid)}`, '--clear-groups'];
    return run({
      file: 'setpriv',
      args: [...account, '--', join(this.dir, program), ...args],
      cwd: this.dir,
      env,
      timeoutMs: 500_000,
    });
  }

  quickstart(...args: string[]): Promise<CommandResult> {
    const { web, https, ssh } = this.ports;
    const ports = ['--port', String(web), '--https-port', String(https), '--ports', String(ssh)];
    const places = [...ports, '--network', String(this.network)];
    return this.type('script/quickstart', [...places, ...args]);
  }

  slipway(...args: string[]): Promise<CommandResult> {
    return this.type('bin/slipway', args, { SLIPWAY_CONFIG: join(this.dir, '.slipway', 'cli.json') });
  }

  async pidOf(name: 'controller' | 'agent'): Promise<number> {
    return Number(await readFile(join(this.dir, '.slipway', 'run', `${name}.pid`), 'utf8'));
  }

  /** The status of `curl http://hello.localhost:PORT`. 0 when there is no answer. */
  curl(host: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve) => {
      const outgoing = get({ host: '127.0.0.1', port: this.ports.web, headers: { host }, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body });
        });
      });
      outgoing.on('error', () => {
        resolve({ status: 0, body: '' });
      });
    });
  }

  /** Everything of this clone on the machine outside of its folder: processes, mounts, network, rules, /run, groups. */
  async traces(): Promise<string[]> {
    const named = [`slipway-${String(this.network)}`, `slip${String(this.network)}`];
    const isOurs = (text: string): boolean =>
      text.includes(this.dir) || named.some((name) => new RegExp(`\\b${name}\\b`).test(text));
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
    const links = (await run({ file: 'ip', args: ['-o', 'link'] })).stdout.split('\n');
    const tables = (await run({ file: 'nft', args: ['list', 'tables'] })).stdout.split('\n');
    const groups = (await run({ file: 'find', args: ['/sys/fs/cgroup', '-maxdepth', '2', '-type', 'd'] })).stdout.split(
      '\n',
    );
    const runFiles = [...(await names('/run')), ...(await names('/run/netns'))];
    return [...(await processes()), ...mounts, ...links, ...tables, ...groups, ...runFiles].filter(isOurs);
  }

  async remove(): Promise<void> {
    await this.quickstart('--clean');
    await rm(this.parent, { recursive: true, force: true });
    this.#network.release();
  }

  get network(): number {
    return this.#network.number;
  }
}

/** The fields of /proc/PID/status of a process. */
export async function statusOf(pid: number): Promise<Readonly<Record<string, string>>> {
  const lines = (await readFile(`/proc/${String(pid)}/status`, 'utf8')).split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/:\s+/, 2) as [string, string]));
}

async function names(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(() => [])).map((name) => join(dir, name));
}

/** Command lines of all processes except those of this test. */
async function processes(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')),
  );
}
