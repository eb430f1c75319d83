import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Agent, request } from 'undici';
import { run, runOk, start } from '../../shared/kit/exec.ts';

type ChildProcess = ReturnType<typeof start>;
import { Site, type User } from './fleet-user.ts';
import { freeSubnet } from './free-subnet.ts';

export const PRODUCT_DIR = join(import.meta.dirname, '..', '..');
/** Programs for nodes, made once for all tests. */
export const PROGRAMS_DIR = join(PRODUCT_DIR, '.tools', 'programs');

export interface FleetOptions {
  readonly sandbox?: 'lxc' | 'nspawn' | 'process';
  readonly controller?: Readonly<Record<string, unknown>>;
  readonly agent?: Readonly<Record<string, unknown>>;
  /** The agent runs as this account without any right of root; only `process` sandboxes can do that. */
  readonly agentUid?: number;
  /** No agent here: the test has one of its own on another machine. */
  readonly agentElsewhere?: boolean;
  /** What sandboxes may reach beside the open internet: a registry with an address of a closed range. */
  readonly egressAllow?: readonly { readonly cidr: string; readonly port?: number }[];
  /** Address that the controller's doors are bound to; loopback by default. */
  readonly doorsHost?: string;
}

interface CliSettings {
  readonly url: string;
  readonly token: string;
  readonly caPem: string;
  readonly pin: string;
}

interface Ports {
  readonly ssh: number;
  readonly api: number;
  readonly agents: number;
  readonly web: number;
}

/** A controller and one agent as real processes on loopback, with folders, ports, bridge and tables of their own. */
export class TestFleet {
  readonly dir: string;
  readonly ports: Ports;
  readonly site: Site;
  readonly #options: FleetOptions;
  #controller: ChildProcess | undefined;
  #agent: ChildProcess | undefined;
  #settings: CliSettings | undefined;

  private constructor(dir: string, ports: Ports, options: FleetOptions) {
    this.dir = dir;
    this.ports = ports;
    this.#options = options;
    this.site = new Site(dir, ports);
  }

  /** Starts both and makes the administrator `me`. */
  static async start(options: FleetOptions = {}): Promise<TestFleet> {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-e2e-'));
    await chmod(dir, 0o711);
    const [ssh, api, agents, web] = await freePorts(4);
    assert.ok(ssh !== undefined && api !== undefined && agents !== undefined && web !== undefined);
    const fleet = new TestFleet(dir, { ssh, api, agents, web }, options);
    try {
      await fleet.#prepare();
      await fleet.startController();
      if (options.agentElsewhere === true) return fleet;
      await fleet.#join();
      await fleet.startAgent();
      return fleet;
    } catch (error) {
      process.stderr.write(fleet.logs());
      await fleet.stop();
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    const { ports, dir } = this;
    mkdirSync(join(dir, 'agent'), { mode: 0o711 });
    const { agentUid } = this.#options;
    if (agentUid !== undefined) chownSync(join(dir, 'agent'), agentUid, agentUid);
    const host = this.#options.doorsHost ?? '127.0.0.1';
    const controller = {
      stateDir: join(dir, 'controller'),
      ssh: { host, port: ports.ssh },
      api: { host, port: ports.api },
      agents: { host, port: ports.agents },
      webPort: ports.web,
      ...this.#options.controller,
    };
    const agent = {
      stateDir: join(dir, 'agent'),
      sandbox: this.#options.sandbox ?? 'lxc',
      proxy: { address: '127.0.0.1', port: ports.web },
      mesh: false,
      network: {
        name: `slipt${String(process.pid)}`,
        bridge: bridgeName(),
        subnet: freeSubnet(),
        egressAllow: this.#options.egressAllow ?? [],
      },
      toolchainDir: dirname(dirname(process.execPath)),
      ...this.#options.agent,
    };
    await writeFile(join(dir, 'controller.json'), JSON.stringify(controller));
    await writeFile(join(dir, 'agent.json'), JSON.stringify(agent));
    const key = await this.site.makeKey('me');
    const args = ['controller/main.ts', 'init', '--config', join(dir, 'controller.json'), '--admin', 'me', '--key', `${key}.pub`];
    await runOk(run, { file: process.execPath, args: [...args, '--out', join(dir, 'cli.json')], cwd: PRODUCT_DIR });
    const settings = JSON.parse(readFileSync(join(dir, 'cli.json'), 'utf8')) as CliSettings;
    this.#settings = { ...settings, url: `https://127.0.0.1:${String(ports.api)}` };
  }

  async #join(): Promise<void> {
    const { token } = (await this.api('POST', '/nodes/tokens', {})) as { token: string };
    const { pin, url } = this.settings;
    const args = ['agent/main.ts', 'join', '--config', join(this.dir, 'agent.json'), '--url', url, '--pin', pin, '--name', 'node-1'];
    await runOk(run, { ...this.#agentCommand(args), stdin: token });
  }

  get settings(): CliSettings {
    assert.ok(this.#settings !== undefined);
    return this.#settings;
  }

  /** Where each keeps everything. */
  get stateDirs(): { readonly controller: string; readonly agent: string } {
    const of = (name: 'controller' | 'agent'): string => {
      const given = this.#options[name]?.['stateDir'];
      return typeof given === 'string' ? given : join(this.dir, name);
    };
    return { controller: of('controller'), agent: of('agent') };
  }

  get me(): User {
    return this.site.user('me');
  }

  async startController(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#controller = await this.#spawn('controller', ['serve', '--config', join(this.dir, 'controller.json')], env);
  }

  async startAgent(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.startAgentAlone(env);
    await this.untilConnected();
  }

  /** Resolves when it is ready, whether there is a controller or not. */
  async startAgentAlone(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#agent = await this.#spawn('agent', ['run', '--config', join(this.dir, 'agent.json')], env);
  }

  /** Resolves when the controller sees the node. */
  async untilConnected(): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const nodes = (await this.api('GET', '/nodes').catch(() => ({ nodes: [] }))) as
        { nodes?: { connected: boolean }[] } | { connected: boolean }[];
      const list = Array.isArray(nodes) ? nodes : (nodes.nodes ?? []);
      if (list.some((node) => node.connected)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`the agent did not connect\n${this.logs()}`);
  }

  async #spawn(name: 'controller' | 'agent', args: readonly string[], env: Readonly<Record<string, string>>): Promise<ChildProcess> {
    const log = openSync(join(this.dir, `${name}.log`), 'a');
    const environment = {
      ...this.#runtimeEnv(name),
      PATH: process.env['PATH'] ?? '',
      ...pick(process.env, ['NODE_EXTRA_CA_CERTS']),
      ...env,
    };
    const main = [`${name}/main.ts`, ...args];
    const command = name === 'agent' ? this.#agentCommand(main) : { file: process.execPath, args: main, cwd: PRODUCT_DIR };
    const child = start({ ...command, env: environment }, ['ignore', log, log, 'ipc']);
    closeSync(log);
    const ready = once(child, 'message');
    const ended = once(child, 'exit').then(() => assert.fail(`${name} ended\n${this.logs()}`));
    await Promise.race([ready, ended]);
    ended.catch(() => undefined);
    return child;
  }

  /** What the product's own launchers set: less memory, a quicker start. */
  #runtimeEnv(name: string): Record<string, string> {
    return {
      NODE_COMPILE_CACHE: join(this.dir, name, 'compile-cache'),
      NODE_OPTIONS: '--max-semi-space-size=4',
      MALLOC_ARENA_MAX: '2',
      MALLOC_TRIM_THRESHOLD_: '131072',
      MALLOC_MMAP_THRESHOLD_: '65536',
    };
  }

  #agentCommand(args: readonly string[]): { file: string; args: readonly string[]; cwd: string } {
    const uid = this.#options.agentUid;
    if (uid === undefined) return { file: process.execPath, args, cwd: PRODUCT_DIR };
    const account = [`--reuid=${String(uid)}`, `--regid=${String(uid)}`, '--clear-groups', '--no-new-privs', '--inh-caps=-all'];
    return { file: 'setpriv', args: [...account, '--bounding-set=-all', '--', process.execPath, ...args], cwd: PRODUCT_DIR };
  }

  get controllerPid(): number {
    return this.#controller?.pid ?? 0;
  }

  get agentPid(): number {
    return this.#agent?.pid ?? 0;
  }

  async endController(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await end(this.#controller, signal);
    this.#controller = undefined;
  }

  async endAgent(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await end(this.#agent, signal);
    this.#agent = undefined;
  }

  /** Resolves when the process has ended by itself (a failpoint killed it). */
  async controllerGone(): Promise<void> {
    if (this.#controller?.exitCode === null && this.#controller.signalCode === null) await once(this.#controller, 'exit');
    this.#controller = undefined;
  }

  async agentGone(): Promise<void> {
    if (this.#agent !== undefined && !hasEnded(this.#agent)) await once(this.#agent, 'exit');
    this.#agent = undefined;
  }

  /** Calls the HTTP API as `me`. */
  async api(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, token = this.settings.token): Promise<unknown> {
    const dispatcher = new Agent({ connect: { ca: this.settings.caPem } });
    try {
      const response = await request(`${this.settings.url}/v1${path}`, {
        method,
        dispatcher,
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.body.text();
      if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${String(response.statusCode)} ${text}`);
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    } finally {
      await dispatcher.close();
    }
  }

  /** What the command prints for `me`, both streams. */
  async slipway(...args: string[]): Promise<string> {
    const env = { PATH: process.env['PATH'] ?? '', SLIPWAY_CONFIG: join(this.dir, 'cli.json') };
    const { stdout, stderr } = await run({ file: join(PRODUCT_DIR, 'bin', 'slipway'), args, env, timeoutMs: 240_000 });
    return stdout + stderr;
  }

  /** Another user with a key of its own. */
  async addUser(name: string): Promise<User> {
    await this.api('POST', '/users', { name });
    const key = await this.site.makeKey(name);
    await this.api('POST', `/users/${name}/keys`, { publicKey: readFileSync(`${key}.pub`, 'utf8').trim() });
    return this.site.user(name);
  }

  /** Last lines of both logs, for a failing test. */
  logs(): string {
    return ['controller', 'agent']
      .map((name) => {
        try {
          return `--- ${name}\n${readFileSync(join(this.dir, `${name}.log`), 'utf8')
            .split('\n')
            .slice(-40)
            .join('\n')}`;
        } catch {
          return `--- ${name}: no log`;
        }
      })
      .join('\n');
  }

  /** Ends both and takes every sandbox, bridge and mount off the machine. */
  async stop(): Promise<void> {
    await this.endAgent('SIGTERM');
    await this.endController('SIGTERM');
    const remove = this.#agentCommand(['agent/main.ts', 'remove', '--config', join(this.dir, 'agent.json')]);
    await run({ ...remove, timeoutMs: 60_000 });
    const left = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(` ${this.dir}`));
    assert.deepEqual(left, [], 'mounts were left behind');
    const links = [...readdirSync('/sys/class/net'), ...(existsSync('/run/netns') ? readdirSync('/run/netns') : [])];
    const bridge = bridgeName();
    assert.deepEqual(
      links.filter((name) => name === bridge || name.startsWith(`${bridge}-`)),
      [],
      'parts of the network were left behind',
    );
    await rm(this.dir, { recursive: true, force: true });
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** One fleet per test process at a time. */
function bridgeName(): string {
  return `st${String(process.pid % 1_000_000)}`;
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || hasEnded(child)) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
