import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { LogLineBody, StatusBody } from '../../../shared/api/observe.ts';
import { createApi } from '../../../controller/api/create-api.ts';
import type { ApiDeps } from '../../../controller/api/deps.ts';
import type { App } from '../../../controller/domain/apps.ts';
import type { NodeRow } from '../../../controller/domain/nodes.ts';
import type { LogLine } from '../../../shared/domain/log-line.ts';
import type { InstanceState } from '../../../shared/domain/instance.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import { parseProcessType } from '../../../shared/domain/names.ts';
import { API_CONFIG, openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { liveNodeOf } from '../../support/live-node.ts';
import { addApp, assignment, newRelease, noChange } from '../../support/store-fixtures.ts';

const line = (message: string): LogLine => ({ atMs: 1, source: 'app', process: 'web.1', message });

describe('streams and status of the API', () => {
  let fixture: ApiFixture;
  let ada: Caller;
  let app: App;
  let buildId = '';
  before(async () => {
    fixture = await openApi({
      buildLog: (id, follow) =>
        Promise.resolve(
          id === buildId
            ? Readable.from([Buffer.from('-----> Node.js\n'), Buffer.from(follow ? 'live\n' : '')])
            : undefined,
        ),
    });
    const owner = await fixture.addCaller('ada');
    ada = owner.caller;
    app = await addApp(fixture.store, owner.user.id, 'hello');
    buildId = (await fixture.store.createBuild({ appId: app.id, userId: app.ownerId, commit: 'a'.repeat(40) })).id;
  });
  after(() => fixture.close());

  it('gives past log lines, as many as asked for', async () => {
    fixture.fleet.lines = ['one', 'two', 'three'].map(line);
    const answer = await fixture.call(ada, 'GET', '/v1/apps/hello/logs?lines=2');
    const lines = (await answer.body.text()).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((text) => (JSON.parse(text) as LogLineBody).message),
      ['two', 'three'],
    );
  });

  it('follows a log while it grows, and lets go of it when the reader leaves', async () => {
    let release: (() => void) | undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    fixture.fleet.following = async function* (signal) {
      yield line('live');
      await once(signal, 'abort');
      release?.();
    };
    const answer = await fixture.call(ada, 'GET', '/v1/apps/hello/logs?lines=0&follow=true');
    const [chunk] = (await once(answer.body, 'data')) as [Buffer];
    assert.equal((JSON.parse(chunk.toString()) as LogLineBody).message, 'live');
    answer.body.on('error', () => undefined).destroy();
    await released;
  });

  it('names the port that another program uses', async () => {
    const port = Number(new URL(fixture.url).port);
    const second = createApi({ ...API_CONFIG, port }, {
      store: fixture.store,
      authority: fixture.authority,
      clock: systemClock,
    } as ApiDeps);
    await assert.rejects(second.listen(), {
      code: 'SLIP_API_LISTEN',
      message: `The API cannot listen on 127.0.0.1:${port}: another program does.`,
    });
    await second.close();
  });

  it('gives the output of a build, and of no other app’s', async () => {
    const output = await fixture.call(ada, 'GET', `/v1/apps/hello/builds/${buildId}/output?follow=true`);
    assert.equal(await output.body.text(), '-----> Node.js\nlive\n');
    await addApp(fixture.store, app.ownerId, 'other');
    const elsewhere = await fixture.call(ada, 'GET', `/v1/apps/other/builds/${buildId}/output`);
    assert.equal(elsewhere.statusCode, 404);
    await elsewhere.body.dump();
  });

  it('shows problems first, then nodes and apps', async () => {
    const { node } = await fixture.addNodeCaller('node-a');
    const row = await deployOn(node);
    report(node, row.instanceId, 'live');
    const well = await status();
    assert.deepEqual(well.problems, []);
    assert.deepEqual(
      well.apps.find((entry) => entry.name === 'hello'),
      {
        name: 'hello',
        release: 1,
        live: 1,
        ready: 1,
        desired: 1,
        nodes: ['node-a'],
        lastDeployAtMs: well.apps[0]?.lastDeployAtMs,
        maintenance: false,
        webUrl: 'http://hello.localhost:8080',
      },
    );
    report(node, row.instanceId, 'backoff');
    const [problem] = (await status()).problems;
    assert.match(problem!.message, /^hello: web\.1 on node-a is down\. It crashed\./);
    assert.equal(problem!.next, 'slipway why web.1 -a hello');
    fixture.fleet.live = [];
    assert.match((await status()).problems[0]!.message, /No connected node can build/);
  });

  async function status(): Promise<StatusBody> {
    return (await (await fixture.call(ada, 'GET', '/v1/status')).body.json()) as StatusBody;
  }

  async function deployOn(node: NodeRow) {
    const row = { ...assignment({ nodeId: node.id, appId: app.id, release: 1 }), processType: parseProcessType('web') };
    await fixture.store.createRelease(newRelease(app));
    await fixture.store.beginRollout(app.id, 1, { ...noChange, add: [row] });
    await fixture.store.completeRollout(app.id, 1, noChange);
    return row;
  }

  function report(node: NodeRow, instanceId: ReturnType<typeof assignment>['instanceId'], state: InstanceState): void {
    const reason = state === 'backoff' ? { code: 'SLIP_APP_CRASHED', message: 'It crashed.' } : undefined;
    fixture.fleet.statuses.set(instanceId, { instanceId, state, restarts: 0, lastLines: [], timingsMs: {}, reason });
    fixture.fleet.live = [liveNodeOf(node)];
  }
});
