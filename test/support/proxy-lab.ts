import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHaproxy } from '../../agent/proxy/haproxy/haproxy.ts';
import type { HaproxyConfig } from '../../agent/proxy/haproxy/settings.ts';
import type { AppRoutes, Backend, Proxy } from '../../agent/proxy/port.ts';
import type { AppName } from '../../shared/domain/names.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { run } from '../../shared/kit/exec.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { freePorts } from './free-ports.ts';

/** No test waits for its end. */
export const BUSY_START_TIMEOUT_MS = 120_000;

export interface ProxyLab {
  readonly proxy: Proxy;
  readonly stateDir: string;
  readonly port: number;
  /** A second proxy object on the same state, as after a restart of the agent. */
  reopen(): Proxy;
}

/** A real haproxy on a free port. It is stopped and removed at the end. */
export async function openProxyLab(overrides: Partial<HaproxyConfig> = {}): Promise<ProxyLab & AsyncDisposable> {
  const stateDir = await mkdtemp(join(tmpdir(), 'slipway-proxy-'));
  const port = await freePort();
  const binds = [{ address: '127.0.0.1', port }];
  const startTimeoutMs = BUSY_START_TIMEOUT_MS;
  const config: HaproxyConfig = { stateDir, binds, poolSize: 8, startTimeoutMs, ...overrides };
  const reopen = (): Proxy => createHaproxy(config, { run, clock: systemClock, logger: silentLogger, systemd: false });
  const proxy = reopen();
  const close = async (): Promise<void> => {
    await proxy.stop();
    await rm(stateDir, { recursive: true, force: true });
  };
  return { proxy, stateDir, port, reopen, [Symbol.asyncDispose]: close };
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

export interface TestBackend extends Backend, AsyncDisposable {
  readonly server: Server;
}

/** A web process on loopback. By default it answers with its id. */
export async function openBackend(id: string, listener?: RequestListener): Promise<TestBackend> {
  const server = createServer({ maxHeaderSize: 131_072 }, listener ?? ((_request, response) => response.end(id)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref(); // a test that fails before it closes this must not hang
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return { id, instanceName: 'web.1', address: '127.0.0.1', port, server, [Symbol.asyncDispose]: close };
}

export function routesOf(app: string, backends: readonly Backend[], hostnames = [`${app}.test`]): AppRoutes {
  const plain = backends.map(({ id, instanceName, address, port }) => ({ id, instanceName, address, port }));
  return { app: app as AppName, hostnames, backends: plain };
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request on a new connection. */
export function ask(port: number, host: string, options: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { path = '/', method = 'GET', headers = {}, body } = options;
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      agent: false,
      maxHeaderSize: 131_072,
      headers: { host, ...headers },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          headers: response.headers,
        });
      });
    });
    outgoing.end(body);
  });
}
