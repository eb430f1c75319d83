import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceBody } from '../../shared/domain/api.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { packProductTar } from '../vm/disks.ts';
import { eventually } from './eventually.ts';
import { TestFleet, type FleetOptions } from './fleet.ts';
import type { Server } from './servers/server.ts';
import { Servers } from './servers/servers.ts';

const CONFIG = '/etc/slipway/agent.json';
const NODE = '/opt/slipway/.tools/node/bin/node';
const AGENT_UNIT = 'slipway-agent.service';

const INSTALL = `set -eu
umask 077
mkdir -p /etc/slipway
printf '%s' "$1" >${CONFIG}
cd /opt/slipway
export NODE_COMPILE_CACHE=/var/cache/slipway/code
${NODE} agent/main.ts join --config ${CONFIG} --url "$2" --pin "$3" --name "$(hostname)"
install -m 0644 packaging/slipway-agent.service /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now ${AGENT_UNIT}
`;

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly tookMs: number;
}

interface ServerFleetOptions {
  readonly controller?: FleetOptions['controller'];
  /** Settings of every agent beside those of a server. */
  readonly agent?: Readonly<Record<string, unknown>>;
}

/** A controller on this host and real servers that reach it over a switch. */
export class ServerFleet {
  readonly fleet: TestFleet;
  readonly servers: Servers;
  readonly #options: ServerFleetOptions;
  readonly #dir: string;

  private constructor(parts: { fleet: TestFleet; servers: Servers; options: ServerFleetOptions; dir: string }) {
    this.fleet = parts.fleet;
    this.servers = parts.servers;
    this.#options = parts.options;
    this.#dir = parts.dir;
  }

  /** Boots the servers and starts the controller; nobody has joined yet. */
  static async start(names: readonly string[], options: ServerFleetOptions = {}): Promise<ServerFleet> {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-product-'));
    const product = join(dir, 'opt/slipway');
    await mkdir(product, { recursive: true });
    const tar = await packProductTar(dir);
    await runOk(run, { file: 'tar', args: ['-xf', tar, '-C', product], timeoutMs: 60_000 });
    await rm(tar);
    const servers = await Servers.boot(names, [dir]);
    try {
      const controller = { publicHost: servers.network.hostAddress, webPort: 80, ...options.controller };
      const fleet = await TestFleet.start({ agentElsewhere: true, doorsHost: '0.0.0.0', controller });
      return new ServerFleet({ fleet, servers, options, dir });
    } catch (error) {
      await servers.dispose();
      throw error;
    }
  }

  /** Each joins, all at once. Resolves with how long each took from the line to its session, ms. */
  async joinAll(): Promise<number[]> {
    return Promise.all(this.servers.list.map((server) => this.join(server)));
  }

  async join(server: Server): Promise<number> {
    const { token } = (await this.fleet.api('POST', '/nodes/tokens', {})) as { token: string };
    const startedAtMs = performance.now();
    const url = `https://${this.servers.network.hostAddress}:${String(this.fleet.ports.api)}`;
    const config = {
      stateDir: '/var/lib/slipway',
      proxy: { port: 80, user: { name: 'haproxy', group: 'haproxy' } },
      toolchainDir: '/opt/slipway/.tools/node',
      ...this.#options.agent,
    };
    await server.sh(INSTALL, [JSON.stringify(config), url, this.fleet.settings.pin], { stdin: token });
    await this.untilConnected(server);
    return performance.now() - startedAtMs;
  }

  async nodes(): Promise<readonly { readonly name: string; readonly connected: boolean }[]> {
    return (await this.fleet.api('GET', '/nodes')) as { name: string; connected: boolean }[];
  }

  async untilConnected(server: Server, limitMs = 60_000): Promise<void> {
    const connected = async (): Promise<boolean> => (await this.nodes()).some(({ name, connected: is }) => is && name === server.name);
    await eventually(`${server.name} is connected`, connected, limitMs).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await this.report()}`);
    });
  }

  async instances(app: string): Promise<readonly InstanceBody[]> {
    return (await this.fleet.api('GET', `/apps/${app}/ps`)) as InstanceBody[];
  }

  /** One request to a server's port 80, on a connection of its own. */
  get(server: Server, app: string, path = '/'): Promise<Answer> {
    const startedAtMs = performance.now();
    const options = { host: server.address, port: 80, path, headers: { host: `${app}.localhost` }, agent: false, timeout: 5_000 };
    return new Promise((resolve, reject) => {
      const outgoing = get(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, body, tookMs: performance.now() - startedAtMs });
        });
      });
      outgoing.on('error', reject);
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${server.name} did not answer within 5 s`)));
    });
  }

  /** Resolves with the first good answer. */
  answer(server: Server, app: string, limitMs = 30_000): Promise<string> {
    const look = async (): Promise<string | undefined> => {
      const found = await this.get(server, app).catch(() => undefined);
      return found?.status === 200 ? found.body : undefined;
    };
    return eventually(`${app} answers through ${server.name}`, look, limitMs);
  }

  /** What a failing test shows. */
  async report(): Promise<string> {
    const on = this.servers.list.filter((server) => server.isOn);
    const journals = await Promise.all(on.map(async (server) => `--- ${server.name}\n${await server.journal(AGENT_UNIT, 40)}`));
    return [this.fleet.logs(), ...journals].join('\n');
  }

  async stop(): Promise<void> {
    await this.servers.dispose();
    await this.fleet.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
