import { parseAppName } from '../../../shared/domain/names.ts';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ApiDeps } from '../../../controller/api/deps.ts';
import { apiRoutes } from '../../../controller/api/routes.ts';
import { newSerial } from '../../../controller/access/ca/certificates.ts';
import { newJoinToken } from '../../../controller/access/tokens.ts';
import { Upgrades } from '../../../controller/install/upgrades.ts';
import type { NodeRow } from '../../../controller/domain/nodes.ts';
import type { CronEntry } from '../../../shared/domain/cron.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import { silentLogger } from '../../../shared/kit/log.ts';
import { API_CONFIG, FAKE_PROGRAM, openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { makeCsr } from '../../support/csr.ts';
import { eventually } from '../../support/eventually.ts';
import { liveNodeOf } from '../../support/live-node.ts';
import { addApp, addNode, assignment, newRelease, noChange, slugOf } from '../../support/store-fixtures.ts';
import { sshKeyPair } from '../../support/ssh-key-pair.ts';
import { addIssued } from '../../support/issued-certificates.ts';
import { uploadFor } from '../../support/web-certificates.ts';

/** The table alone: handlers are not called here, so no deps are needed. */
const ROUTES = apiRoutes(API_CONFIG, { clock: systemClock } as ApiDeps).filter(
  ({ method }) => method !== 'GET' && method !== 'HEAD',
);

/** Nothing of the fleet changes, or the event comes from elsewhere. */
const TELLS_NOTHING: Readonly<Record<string, string>> = {
  'POST /apps/:app/deploys': 'a build and a release, whose own events tell of it',
  'PUT /images/:digest': 'layers of a build, whose own events tell of it',
  'POST /join/check': 'a question: is this token good?',
  'POST /apps/:app/checks/run': 'a question to the running instances; nothing changes',
  'POST /domains/:hostname/check': 'a question: will a certificate authority reach this domain?',
  'POST /node/trouble':
    'said at every start that fails, as a heartbeat says it of a running agent; status and why tell',
  'POST /node/certificate': 'a certificate that nobody uses yet; its first use is told',
};

const KEYS = [1, 2].map(() => sshKeyPair().public);

const CRON_ENTRY: CronEntry = {
  ...{ name: 'job', command: 'node job.js', schedule: '@daily', timeZone: 'Etc/UTC', suspended: false },
  ...{ concurrency: 'allow', missed: 'run-once', timeoutMs: 60_000 },
};

interface Ask {
  readonly path: string;
  readonly json?: unknown;
  readonly caller?: Caller;
}

describe('every route that changes something makes an event', () => {
  let fixture: ApiFixture;
  let root: Caller;
  let machine: NodeRow;
  let second: NodeRow;
  let upgrades: Upgrades;
  const stop = new AbortController();

  before(async () => {
    fixture = await openApi({
      upgrades: { start: (names, actor) => upgrades.start(names, actor), status: () => upgrades.status() },
    });
    const ada = await fixture.addCaller('root', true);
    root = ada.caller;
    const app = await addApp(fixture.store, ada.user.id, 'hello');
    machine = (await fixture.addNodeCaller('fra-1')).node;
    second = await addNode(fixture.store, 'fra-2');
    for (const node of [machine, second]) await fixture.store.setNodeState(node.id, 'ready');
    await fixture.store.setFormation(app.id, { web: 2 });
    const slug = { ...slugOf('a'), processTypes: { web: 'node .' }, cron: [CRON_ENTRY] };
    await fixture.store.createRelease(newRelease(app, { slug }));
    const at = { nodeId: machine.id, appId: app.id, release: 1 };
    await fixture.store.beginRollout(app.id, 1, {
      ...noChange,
      add: [assignment(at), assignment({ ...at, ordinal: 2 })],
    });
    await fixture.store.completeRollout(app.id, 1, noChange);
    fixture.fleet.live = [machine, second].map((row) => liveNodeOf(row));
    fixture.fleet.status = (instanceId) => ({ instanceId, state: 'live', restarts: 0, lastLines: [], timingsMs: {} });
    upgrades = new Upgrades({
      ...{ fleet: fixture.fleet, programs: { current: () => Promise.resolve(FAKE_PROGRAM) }, store: fixture.store },
      ...{ send: () => true, clock: systemClock, log: silentLogger, signal: stop.signal },
    });
  });
  after(async () => {
    stop.abort();
    await fixture.close();
  });

  const joinToken = async (rejoins?: NodeRow): Promise<string> => {
    const { secret, secretHash } = newJoinToken();
    const target = rejoins === undefined ? {} : { rejoins: rejoins.id };
    await fixture.store.addJoinToken({ secretHash, labels: {}, expiresAtMs: Number.MAX_SAFE_INTEGER, ...target });
    return secret.reveal();
  };

  /** Two more of the app on the node that has one: something to even out, which no release and no restart leaves. */
  const crowd = async (): Promise<void> => {
    const app = (await fixture.store.routedApps()).find((each) => each.app === 'hello');
    assert.ok(app !== undefined);
    await fixture.store.setFormation(app.appId, { web: 4 });
    const at = { nodeId: machine.id, appId: app.appId, release: 1 };
    await fixture.store.changeAssignments({
      ...noChange,
      add: [3, 4].map((ordinal) => assignment({ ...at, ordinal })),
    });
  };

  /** In the order of the table, so that each finds what it changes; a new route without an entry fails. */
  const asks: Readonly<Record<string, () => Ask | Promise<Ask>>> = {
    'POST /nodes/upgrade': () => ({ path: '/nodes/upgrade', json: { nodes: ['fra-1'] } }),
    'POST /join': async () => ({
      path: '/join',
      json: { token: await joinToken(), csr: (await makeCsr({})).csrPem, name: 'fra-3' },
    }),
    'POST /rejoin': async () => {
      const node = await addNode(fixture.store, 'fra-4');
      return { path: '/rejoin', json: { token: await joinToken(node), csr: (await makeCsr({})).csrPem } };
    },
    'POST /node/certificate/use': async () => {
      const [serial, { csrPem, keyPem }] = [newSerial(), await makeCsr({})];
      const { certificatePem, notAfterMs } = await fixture.authority.issueNode({ csrPem, nodeId: machine.id, serial });
      await fixture.store.addCertificate(machine.id, { serial, notAfterMs });
      return { path: '/node/certificate/use', json: {}, caller: { tls: { key: keyPem, cert: certificatePem } } };
    },
    'POST /keys': () => ({ path: '/keys', json: { publicKey: KEYS[0] } }),
    'DELETE /keys/:fingerprint': async () => {
      const [user] = await fixture.store.users();
      const [key] = await fixture.store.keysOf(user!.id);
      return { path: `/keys/${encodeURIComponent(key!.fingerprint)}` };
    },
    'POST /apps': () => ({ path: '/apps', json: { name: 'other' } }),
    'DELETE /apps/:app': async () => {
      await addApp(fixture.store, (await fixture.store.users())[0]!.id, 'former');
      return { path: '/apps/former' };
    },
    'PATCH /apps/:app': async () => {
      await addApp(fixture.store, (await fixture.store.users())[0]!.id, 'renamed');
      return { path: '/apps/renamed', json: { name: 'store' } };
    },
    'POST /apps/:app/stop': () => ({ path: '/apps/store/stop', json: { process: 'web' } }),
    'POST /apps/:app/start': () => ({ path: '/apps/store/start', json: {} }),
    'POST /apps/:app/builds/:id/cancel': async () => {
      const app = await fixture.store.appByName(parseAppName('hello'));
      const build = { appId: app!.id, userId: app!.ownerId, commit: 'c'.repeat(40) };
      return { path: `/apps/hello/builds/${(await fixture.store.createBuild(build)).id}/cancel` };
    },
    'DELETE /apps/:app/build-cache': () => ({ path: '/apps/hello/build-cache' }),
    'POST /apps/:app/deploy/abort': () => ({ path: '/apps/hello/deploy/abort' }),
    'PUT /apps/:app/maintenance': () => ({ path: '/apps/hello/maintenance', json: { page: '<h1>Later</h1>' } }),
    'DELETE /apps/:app/maintenance': () => ({ path: '/apps/hello/maintenance' }),
    'PUT /apps/:app/lock': () => ({ path: '/apps/hello/lock', json: { why: 'a migration' } }),
    'DELETE /apps/:app/lock': () => ({ path: '/apps/hello/lock' }),
    'POST /apps/:app/promote': async () => {
      await addApp(fixture.store, (await fixture.store.users())[0]!.id, 'live');
      return { path: '/apps/hello/promote', json: { to: 'live' } };
    },
    'POST /apps/:app/rollback': () => ({ path: '/apps/hello/rollback', json: { version: 1 } }),
    'PATCH /apps/:app/releases/:version': () => ({ path: '/apps/hello/releases/v1', json: { pinned: true } }),
    'PATCH /apps/:app/retention': () => ({ path: '/apps/hello/retention', json: { slugs: 3 } }),
    'POST /gc': () => ({ path: '/gc', json: { dryRun: false } }),
    'PATCH /apps/:app/config': () => ({ path: '/apps/hello/config', json: { A: '1' } }),
    'PATCH /apps/:app/build-settings': () => ({ path: '/apps/hello/build-settings', json: { root: 'api' } }),
    'POST /apps/:app/cron/:entry/run': () => ({ path: '/apps/hello/cron/job/run' }),
    'POST /apps/:app/cron/:entry/suspend': () => ({ path: '/apps/hello/cron/job/suspend' }),
    'POST /apps/:app/cron/:entry/resume': () => ({ path: '/apps/hello/cron/job/resume' }),
    'POST /apps/:app/certificates': async () => ({
      path: '/apps/hello/certificates',
      json: await uploadFor('hello.apps.example.test'),
    }),
    'DELETE /apps/:app/certificates/:certificate': () => ({
      path: '/apps/hello/certificates/hello.apps.example.test',
    }),
    'PATCH /apps/:app/https': () => ({ path: '/apps/hello/https', json: { redirect: false } }),
    'POST /apps/:app/certificates/:certificate/revoke': async () => {
      const app = (await fixture.store.routedApps()).find((each) => each.app === 'hello');
      assert.ok(app !== undefined);
      const hostname = 'revoked.example.com';
      await addIssued(fixture.store, app.appId, { hostname, fingerprint: 'f1' });
      return { path: `/apps/hello/certificates/${hostname}/revoke`, json: { reason: 'superseded' } };
    },
    'POST /tls/dns': () => ({
      path: '/tls/dns',
      json: { name: 'dns1', kind: 'exec', zone: 'example.com', program: 'p' },
    }),
    'DELETE /tls/dns/:provider': () => ({ path: '/tls/dns/dns1' }),
    'PATCH /tls': () => ({ path: '/tls', json: { contacts: ['ops@example.com'] } }),
    'POST /apps/:app/domains': () => ({ path: '/apps/hello/domains', json: { hostname: 'www.example.com' } }),
    'DELETE /apps/:app/domains/:hostname': () => ({ path: '/apps/hello/domains/www.example.com' }),
    'DELETE /apps/:app/domains': async () => {
      const app = await fixture.store.appByName(parseAppName('hello'));
      await fixture.store.addDomain(app!.id, 'b.example.com');
      return { path: '/apps/hello/domains' };
    },
    'PATCH /apps/:app/formation': () => ({
      path: '/apps/hello/formation',
      json: { updates: [{ type: 'web', quantity: 2 }] },
    }),
    'PATCH /apps/:app/formation/:type/limits': () => ({
      path: '/apps/hello/formation/web/limits',
      json: { memoryBytes: 2 ** 28 },
    }),
    'PATCH /apps/:app/formation/:type/placement': () => ({
      path: '/apps/hello/formation/web/placement',
      json: { onFull: 'wait' },
    }),
    'PATCH /apps/:app/checks/:type': () => ({
      path: '/apps/hello/checks/web',
      json: { check: { path: '/up', type: 'readiness' } },
    }),
    'DELETE /apps/:app/checks/:type': async () => {
      const app = await fixture.store.appByName(parseAppName('hello'));
      await fixture.store.changeHealthChecks(app!.id, () => ({ web: [] }));
      return { path: '/apps/hello/checks/web' };
    },
    'POST /apps/:app/restart': () => ({ path: '/apps/hello/restart', json: {} }),
    'POST /apps/:app/runs': () => ({ path: '/apps/hello/runs', json: { command: 'ls -l' } }),
    'POST /apps/:app/runs/:run/stop': () => ({ path: '/apps/hello/runs/run.2/stop' }),
    'POST /nodes/:node/cordon': () => ({ path: '/nodes/fra-1/cordon' }),
    'POST /nodes/:node/uncordon': () => ({ path: '/nodes/fra-1/uncordon' }),
    'POST /nodes/:node/drain': () => ({ path: '/nodes/fra-2/drain', json: {} }),
    'PATCH /nodes/:node/labels': () => ({ path: '/nodes/fra-1/labels', json: { labels: { zone: 'a' } } }),
    'PUT /builders': () => ({ path: '/builders', json: { require: { role: 'build' } } }),
    'DELETE /nodes/:node': async () => {
      await addNode(fixture.store, 'fra-5');
      return { path: '/nodes/fra-5' };
    },
    'PUT /apps/:app/lost-after': () => ({ path: '/apps/hello/lost-after', json: { lostAfterMs: 'never' } }),
    'POST /rebalance': async () => {
      await fixture.store.changeNode(second.id, { cordoned: false, drainUntilMs: null });
      await crowd();
      return { path: '/rebalance' };
    },
    'POST /users': () => ({ path: '/users', json: { name: 'bob' } }),
    'POST /users/:name/keys': () => ({ path: '/users/bob/keys', json: { publicKey: KEYS[1] } }),
    'PATCH /users/:name/quotas': () => ({ path: '/users/bob/quotas', json: { apps: 5 } }),
    'POST /egress': () => ({ path: '/egress', json: { cidr: '10.0.5.0/24' } }),
    'DELETE /egress/:cidr': () => ({ path: '/egress/10.0.5.0%2F24' }),
    'PUT /edge': () => ({ path: '/edge', json: { require: { role: 'edge' } } }),
    'PATCH /proxy/fronts': () => ({ path: '/proxy/fronts', json: { trusted: ['cloudflare'] } }),
    'POST /apps/:app/egress': () => ({ path: '/apps/hello/egress', json: { cidr: '10.0.5.9' } }),
    'DELETE /apps/:app/egress/:cidr': () => ({ path: '/apps/hello/egress/10.0.5.9' }),
    'POST /controller/rotate-key': () => ({ path: '/controller/rotate-key' }),
    'PATCH /limits': () => ({ path: '/limits', json: { pidsMax: 2048 } }),
    'POST /nodes/tokens': () => ({ path: '/nodes/tokens', json: {} }),
    'POST /nodes/:node/revoke': () => ({ path: '/nodes/fra-2/revoke' }),
    'POST /nodes/:node/rejoin': () => ({ path: '/nodes/fra-3/rejoin', json: {} }),
    'DELETE /join-tokens/:id': async () => ({
      path: `/join-tokens/${(await fixture.store.joinTokens(Date.now()))[0]!.id}`,
    }),
    'DELETE /tokens/:id': async () => {
      const { user, caller } = await fixture.addCaller('eve');
      return { path: `/tokens/${(await fixture.store.apiTokensOf(user.id))[0]!.id}`, caller };
    },
  };

  for (const { method, url } of ROUTES) {
    const route = `${method} ${url}`;
    if (TELLS_NOTHING[route] !== undefined) continue;
    it(route, async () => {
      const ask = asks[route];
      assert.ok(ask !== undefined, 'say here how to ask for it, or why it tells nothing');
      const { path, json, caller } = await ask();
      const before = (await fixture.store.events({ limit: 1 }))[0]?.seq ?? 0;
      const answer = await fixture.call(caller ?? root, method, `/v1${path}`, json === undefined ? {} : { json });
      const text = await answer.body.text();
      assert.ok(answer.statusCode < 300, text);
      const { message, actor } = await eventually(
        'an event',
        async () => (await fixture.store.events({ afterSeq: before, limit: 1 }))[0],
      );
      assert.ok(message !== '' && actor !== '');
    });
  }
});
