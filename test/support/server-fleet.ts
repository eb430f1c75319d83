import { get } from 'node:http';
import type { InstanceBody } from '../../shared/api/formation.ts';
import { eventually } from './eventually.ts';
import { PROGRAMS_DIR, TestFleet, type FleetOptions } from './fleet.ts';
import { helloApp } from './fleet-user.ts';
import type { Server } from './servers/server.ts';
import { Servers } from './servers/servers.ts';

const INSTALL_LIMIT_MS = 280_000;
const AGENT_UNIT = 'slipway-agent.service';

/** Settings that exist before the installation, then the install line on standard input. */
const INSTALL = `umask 077
mkdir -p /etc/slipway
printf '%s' "$1" >/etc/slipway/agent.json
umask 022
exec sh
`;

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly tookMs: number;
}

interface NodeSeen {
  readonly name: string;
  readonly connected: boolean;
  readonly state: string;
}

interface ServerFleetOptions {
  readonly controller?: FleetOptions['controller'];
  /** Settings of every agent in addition to those of a server. */
  readonly agent?: Readonly<Record<string, unknown>>;
}

/** A controller on this host and real servers that reach it over a switch. */
export class ServerFleet {
  readonly fleet: TestFleet;
  readonly servers: Servers;
  /** The tokens that were used. */
  readonly tokens: string[] = [];
  readonly #options: ServerFleetOptions;

  private constructor(parts: { fleet: TestFleet; servers: Servers; options: ServerFleetOptions }) {
    this.fleet = parts.fleet;
    this.servers = parts.servers;
    this.#options = parts.options;
  }

  /** Boots the servers and starts the controller. No server has joined yet. */
  static async start(names: readonly string[], options: ServerFleetOptions = {}): Promise<ServerFleet> {
    const servers = await Servers.boot(names);
    try {
      const controller = {
        publicHost: servers.network.hostAddress,
        webPort: 80,
        programsDir: PROGRAMS_DIR,
        ...options.controller,
      };
      const fleet = await TestFleet.start({ agentElsewhere: true, listenHost: '0.0.0.0', controller });
      return new ServerFleet({ fleet, servers, options });
    } catch (error) {
      await servers.dispose();
      throw error;
    }
  }

  /** All servers join at the same time. Resolves with the ms from the install line to the session of each. */
  async joinAll(): Promise<number[]> {
    return Promise.all(this.servers.list.map((server) => this.join(server)));
  }

  async join(server: Server): Promise<number> {
    const { install, token } = (await this.fleet.api('POST', '/nodes/tokens', {})) as {
      install: string;
      token: string;
    };
    this.tokens.push(token);
    const startedAtMs = performance.now();
    const config = {
      stateDir: '/var/lib/slipway',
      proxy: { port: 80, user: { name: 'haproxy', group: 'haproxy' } },
      toolchainDir: '/opt/slipway/current/node',
      ...this.#options.agent,
    };
    await server.sh(INSTALL, [JSON.stringify(config)], {
      stdin: install.replace(/\| sudo sh$/, '| sh'),
      timeoutMs: INSTALL_LIMIT_MS,
    });
    await this.untilConnected(server);
    return performance.now() - startedAtMs;
  }

  async nodes(): Promise<readonly NodeSeen[]> {
    return (await this.fleet.api('GET', '/nodes')) as NodeSeen[];
  }

  async untilConnected(server: Server, limitMs = 240_000): Promise<void> {
    const connected = async (): Promise<boolean> =>
      (await this.nodes()).some(({ name, connected: is }) => is && name === server.name);
    await eventually(`${server.name} is connected`, connected, limitMs).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await this.report()}`, { cause: error });
    });
  }

  async instances(app: string): Promise<readonly InstanceBody[]> {
    return (await this.fleet.api('GET', `/apps/${app}/ps`)) as InstanceBody[];
  }

  /** One request to port 80 of a server, on a new connection. */
  get(server: Server, app: string, path = '/', timeoutMs = 5_000): Promise<Answer> {
    const startedAtMs = performance.now();
    const options = {
      host: server.address,
      port: 80,
      path,
      headers: { host: `${app}.localhost` },
      agent: false,
      timeout: timeoutMs,
    };
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
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${server.name} did not answer in time`)));
    });
  }

  /** Resolves with the first good answer. */
  answer(server: Server, app: string, limitMs = 240_000): Promise<string> {
    const look = async (): Promise<string | undefined> => {
      const found = await this.get(server, app, '/', 5_000).catch(() => undefined);
      return found?.status === 200 ? found.body : undefined;
    };
    return eventually(`${app} answers through ${server.name}`, look, limitMs);
  }

  /** The output of a failing test. */
  async report(): Promise<string> {
    const on = this.servers.list.filter((server) => server.isOn);
    const journals = await Promise.all(
      on.map(async (server) => `--- ${server.name}\n${await server.journal(AGENT_UNIT, 40)}`),
    );
    return [this.fleet.logs(), ...journals].join('\n');
  }

  async stop(): Promise<void> {
    await this.servers.dispose();
    await this.fleet.stop();
  }
}

/** One server that serves the app `hello`. */
export async function startHelloServer(): Promise<{ readonly fleet: ServerFleet; readonly server: Server }> {
  const fleet = await ServerFleet.start(['fra-1'], { controller: { rollout: { settleMs: 500, bakeMs: 0 } } });
  try {
    await fleet.joinAll();
    const pushed = await (await fleet.fleet.me.repository('hello', helloApp('1'))).push('hello');
    if (!pushed.ok) throw new Error(`${pushed.text}\n${await fleet.report()}`);
    const [server] = fleet.servers.list as [Server];
    return { fleet, server };
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}
