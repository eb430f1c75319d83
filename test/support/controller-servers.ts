import type { TestContext } from 'node:test';
import { Agent, request } from 'undici';
import { join as joinFleet } from '../../agent/session/join.ts';
import { newApiToken, newJoinToken } from '../../controller/access/tokens.ts';
import { createApi } from '../../controller/api/create-api.ts';
import type { ApiDeps } from '../../controller/api/deps.ts';
import type { DispatchConfig } from '../../controller/dispatch/create-dispatch.ts';
import { NodeConnections } from '../../controller/api/node-connections.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import type { User } from '../../controller/domain/users.ts';
import { parseUserName } from '../../shared/domain/names.ts';
import { API_CONFIG, fakeDeps } from './api-fixture.ts';
import { FakeImages } from './fake-images.ts';
import { tempDir } from './certificates.ts';
import { startRig, type Rig } from './dispatch-rig.ts';

/** A busy machine needs some time for a hundred handshakes at once. */
const BUSY_CONNECT_TIMEOUT_MS = 120_000;

export interface Answer {
  readonly status: number;
  readonly body: { readonly error?: string; readonly message?: string; readonly hint?: string } & Record<
    string,
    unknown
  >;
}

/** The HTTPS and gRPC servers of a controller, over one store and one CA. */
export interface ControllerServers extends Rig {
  readonly url: string;
  readonly images: FakeImages;
  readonly admin: User;
  /** Sends the request as the administrator. */
  ask(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Sends the request with a certificate, or without one. */
  askAs(
    tls: { readonly key: string; readonly certificate: string } | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answer>;
  /** A secret token for one machine. */
  token(options?: { readonly expiresAtMs?: number }): Promise<string>;
  /** A machine that has joined over HTTPS. */
  machine(name: string): Promise<{ readonly row: NodeRow; readonly stateDir: string }>;
}

export async function openControllerServers(
  t: TestContext,
  change: Partial<ApiDeps> = {},
  dispatch: Partial<DispatchConfig> = {},
): Promise<ControllerServers> {
  const rig = await startRig(t, dispatch);
  const { store, ca } = rig;
  const images = new FakeImages();
  const deps: ApiDeps = {
    ...fakeDeps(store, rig.dispatch.fleet),
    ...{ store, images, authority: ca, fleet: rig.dispatch.fleet, connections: new NodeConnections() },
    endSessions: (node, message) => rig.dispatch.endSessions(node, message),
    mayReadImage: (node, digest) => rig.dispatch.mayReadImage(node, digest),
    mayWriteImage: (node, digest) => rig.dispatch.mayWriteImage(node, digest),
    ...change,
  };
  const api = createApi({ ...API_CONFIG, grpcAddress: `localhost:${String(rig.port)}` }, deps);
  const url = `https://127.0.0.1:${String(await api.listen())}`;
  t.after(() => api.close());
  const admin = await store.createUser({ name: parseUserName('root'), admin: true });
  const secret = newApiToken();
  await store.addToken({ userId: admin.id, secretHash: secret.secretHash, description: 'test' });
  const call = async (
    connect: object,
    headers: Record<string, string>,
    what: { method: string; path: string; body: unknown },
  ): Promise<Answer> => {
    const dispatcher = new Agent({ connect: { ca: ca.caPem, timeout: BUSY_CONNECT_TIMEOUT_MS, ...connect } });
    try {
      const json = what.body === undefined ? {} : { body: JSON.stringify(what.body) };
      const type: Record<string, string> = what.body === undefined ? {} : { 'content-type': 'application/json' };
      const options = { dispatcher, method: what.method as 'GET', headers: { ...headers, ...type }, ...json };
      const answer = await request(`${url}/v1${what.path}`, options);
      const text = await answer.body.text();
      return {
        status: answer.statusCode,
        body: text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as Answer['body']) : {},
      };
    } finally {
      await dispatcher.destroy();
    }
  };
  const servers: Omit<ControllerServers, keyof Rig> = {
    ...{ url, images, admin },
    ask: (method, path, body) =>
      call({}, { authorization: `Bearer ${secret.secret.reveal()}` }, { method, path, body }),
    askAs: (tls, method, path, body) =>
      call(tls === undefined ? {} : { key: tls.key, cert: tls.certificate }, {}, { method, path, body }),
    token: async ({ expiresAtMs = Date.now() + 3_600_000 } = {}) => {
      const token = newJoinToken();
      await store.addJoinToken({ secretHash: token.secretHash, labels: {}, expiresAtMs });
      return token.secret.reveal();
    },
    machine: async (name) => {
      const stateDir = await tempDir(t, 'slipway-machine-');
      const timeoutMs = BUSY_CONNECT_TIMEOUT_MS;
      await joinFleet({ url, token: await servers.token(), caPin: ca.pin, name, stateDir, timeoutMs });
      const row = (await store.nodes()).find((node) => node.name === name);
      if (row === undefined) throw new Error(`${name} did not join`);
      return { row, stateDir };
    },
  };
  // Not a copy: `dispatch` changes with a restart.
  return Object.assign(rig, servers);
}
