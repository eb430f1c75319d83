import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Agent, request } from 'undici';
import { run, runOk } from '../../shared/kit/exec.ts';
import { cliCommand, type CliCommand } from './cli-command.ts';
import { eventually } from './eventually.ts';
import { FleetProgram } from './fleet-program.ts';
import { Site, type User } from './fleet-user.ts';
import { freePorts } from './free-ports.ts';
import { freeSubnet } from './free-subnet.ts';

export const PRODUCT_DIR = join(import.meta.dirname, '..', '..');
/** Programs for nodes, made once for all tests. */
export const PROGRAMS_DIR = join(PRODUCT_DIR, '.tools', 'programs');

export interface FleetOptions {
  readonly sandbox?: 'lxc' | 'nspawn' | 'process';
  readonly controller?: Readonly<Record<string, unknown>>;
  readonly agent?: Readonly<Record<string, unknown>>;
  /** Environment of both processes, at each start. */
  readonly env?: Readonly<Record<string, string>>;
  /** The agent runs as this account, without rights of root. Only `process` sandboxes allow this. */
  readonly agentUid?: number;
  /** No agent on this machine: the test has one on another machine. */
  readonly agentElsewhere?: boolean;
  /** Addresses that sandboxes may reach besides the internet, for example a registry in a private network. */
  readonly egressAllow?: readonly { readonly cidr: string; readonly port?: number }[];
  /** Address of the servers of the controller; loopback by default. */
  readonly listenHost?: string;
}

/** A busy machine may exceed the time limit of the command for a connection. Nothing was sent then. */
const NOT_CONNECTED = 'cannot be reached: it does not answer';

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
  readonly tls: number;
}

/** A controller and one agent as real processes on loopback, with their own folders, ports, bridge and tables. */
export class TestFleet {
  readonly dir: string;
  readonly ports: Ports;
  readonly site: Site;
  readonly #options: FleetOptions;
  readonly #controller: FleetProgram;
  readonly #agent: FleetProgram;
  #settings: CliSettings | undefined;

  private constructor(dir: string, ports: Ports, options: FleetOptions) {
    this.dir = dir;
    this.ports = ports;
    this.#options = options;
    this.#controller = new FleetProgram('controller', dir);
    this.#agent = new FleetProgram('agent', dir, options.agentUid);
    this.site = new Site(dir, ports);
  }

  /** Starts both and creates the administrator `me`. */
  static async start(options: FleetOptions = {}): Promise<TestFleet> {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-e2e-'));
    await chmod(dir, 0o711);
    const [ssh, api, agents, web, tls] = await freePorts(5);
    assert.ok(ssh !== undefined && api !== undefined && agents !== undefined && web !== undefined && tls !== undefined);
    const fleet = new TestFleet(dir, { ssh, api, agents, web, tls }, options);
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
    const host = this.#options.listenHost ?? '127.0.0.1';
    const controller = {
      stateDir: join(dir, 'controller'),
      ssh: { host, port: ports.ssh },
      api: { host, port: ports.api },
      agents: { host, port: ports.agents },
      webPort: ports.web,
      checksAnswers: true,
      ...this.#options.controller,
    };
    const agent = {
      stateDir: join(dir, 'agent'),
      sandbox: this.#options.sandbox ?? 'lxc',
      proxy: { address: '127.0.0.1', port: ports.web, tls: { port: ports.tls } },
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
    await runOk(
      run,
      this.#controller.command('init', '--admin', 'me', '--key', `${key}.pub`, '--out', join(dir, 'cli.json')),
    );
    const settings = JSON.parse(readFileSync(join(dir, 'cli.json'), 'utf8')) as CliSettings;
    this.#settings = { ...settings, url: `https://127.0.0.1:${String(ports.api)}` };
  }

  async #join(): Promise<void> {
    const { token } = (await this.api('POST', '/nodes/tokens', {})) as { token: string };
    const { pin, url } = this.settings;
    await runOk(run, { ...this.#agent.command('join', '--url', url, '--pin', pin, '--name', 'node-1'), stdin: token });
  }

  get settings(): CliSettings {
    assert.ok(this.#settings !== undefined);
    return this.#settings;
  }

  /** The folders of both. */
  get stateDirs(): { readonly controller: string; readonly agent: string } {
    const folderOf = (name: 'controller' | 'agent'): string => {
      const given = this.#options[name]?.['stateDir'];
      return typeof given === 'string' ? given : join(this.dir, name);
    };
    return { controller: folderOf('controller'), agent: folderOf('agent') };
  }

  get me(): User {
    return this.site.user('me');
  }

  async startController(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#controller.start('serve', { ...this.#options.env, ...env });
  }

  async startAgent(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.startAgentAlone(env);
    await this.untilConnected();
  }

  /** Resolves when the agent is ready, with or without a controller. */
  async startAgentAlone(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#agent.start('run', { ...this.#options.env, ...env });
  }

  /** Resolves when the controller sees the node. */
  async untilConnected(): Promise<void> {
    const connected = async (): Promise<boolean> => {
      const nodes = (await this.api('GET', '/nodes').catch(() => ({ nodes: [] }))) as
        { nodes?: { connected: boolean }[] } | { connected: boolean }[];
      const list = Array.isArray(nodes) ? nodes : (nodes.nodes ?? []);
      return list.some((node) => node.connected);
    };
    await eventually('the agent is connected', connected).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.logs()}`, { cause: error });
    });
  }

  get controllerPid(): number {
    return this.#controller.pid;
  }

  get agentPid(): number {
    return this.#agent.pid;
  }

  async endController(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#controller.end(signal);
  }

  async endAgent(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#agent.end(signal);
  }

  /** Starts one of the two again with other settings. */
  async restartWith(name: 'controller' | 'agent', change: Readonly<Record<string, unknown>>): Promise<void> {
    const path = join(this.dir, `${name}.json`);
    const settings = JSON.parse(readFileSync(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...settings, ...change }));
    await (name === 'controller' ? this.endController('SIGTERM') : this.endAgent('SIGTERM'));
    if (name === 'controller') await this.startController();
    else await this.startAgentAlone();
    await this.untilConnected();
  }

  /** Resolves when the process has ended because a failpoint killed it. */
  async controllerGone(): Promise<void> {
    await this.#controller.gone();
  }

  async agentGone(): Promise<void> {
    await this.#agent.gone();
  }

  /** Calls the HTTP API as `me`. */
  async api(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    token = this.settings.token,
  ): Promise<unknown> {
    const dispatcher = new Agent({ connect: { ca: this.settings.caPem, timeout: 120_000 } });
    try {
      const response = await request(`${this.settings.url}/v1${path}`, {
        method,
        dispatcher,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.body.text();
      if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${String(response.statusCode)} ${text}`);
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    } finally {
      await dispatcher.close();
    }
  }

  /** The output of the command for `me`, both streams. */
  async slipway(...args: string[]): Promise<string> {
    return await eventually('the controller takes a connection', async () => {
      const { stdout, stderr } = await run({ ...this.slipwayCommand(args), timeoutMs: 240_000 });
      return stderr.includes(NOT_CONNECTED) ? undefined : stdout + stderr;
    });
  }

  /** The command line of the command for `me`. */
  slipwayCommand(args: readonly string[]): CliCommand {
    return cliCommand(args, {
      PATH: process.env['PATH'] ?? '',
      SLIPWAY_CONFIG: join(this.dir, 'cli.json'),
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(this.dir, 'compile-cache'),
    });
  }

  /** The output of `slipway logs`, asked again while a busy node does not answer in time. */
  pastLogs(...args: string[]): Promise<string> {
    return this.#withAllLines('logs', ...args);
  }

  /** The output of `slipway run:logs`, asked again while a busy node does not answer in time. */
  pastRunLogs(...args: string[]): Promise<string> {
    return this.#withAllLines('run:logs', ...args);
  }

  async #withAllLines(...args: string[]): Promise<string> {
    return await eventually('every node has sent its lines', async () => {
      const text = await this.slipway(...args);
      return text.includes('its lines are missing') ? undefined : text;
    });
  }

  /** Another user with another key. */
  async addUser(name: string): Promise<User> {
    await this.api('POST', '/users', { name });
    const key = await this.site.makeKey(name);
    await this.api('POST', `/users/${name}/keys`, { publicKey: readFileSync(`${key}.pub`, 'utf8').trim() });
    return this.site.user(name);
  }

  /** Last lines of both logs, for a failing test. */
  logs(): string {
    return [this.#controller, this.#agent].map((program) => program.lastLines()).join('\n');
  }

  /** Ends both and removes every sandbox, bridge and mount. */
  async stop(): Promise<void> {
    await this.endAgent('SIGTERM');
    await this.endController('SIGTERM');
    const hasJoined = existsSync(join(this.stateDirs.agent, 'node.pem'));
    if (hasJoined) await runOk(run, { ...this.#agent.command('remove'), timeoutMs: 240_000 });
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

/** One fleet per test process at a time. */
function bridgeName(): string {
  return `st${String(process.pid % 1_000_000)}`;
}
