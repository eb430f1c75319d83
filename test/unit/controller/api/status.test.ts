import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { statusOf, type AppFacts } from '../../../../controller/api/status.ts';
import type { InstanceBody } from '../../../../shared/api/formation.ts';
import type { NodeBody } from '../../../../shared/api/nodes.ts';
import type { StatusBody } from '../../../../shared/api/observe.ts';
import type { Release } from '../../../../controller/domain/releases.ts';

const current = { version: 3, state: 'current', createdAtMs: 5 } as Release;

function node(change: Partial<NodeBody> = {}): NodeBody {
  return {
    name: 'fra-1',
    state: 'ready',
    labels: {},
    joinedAtMs: 0,
    connected: true,
    builder: true,
    missing: [],
    ...change,
  };
}

function instance(change: Partial<InstanceBody> = {}): InstanceBody {
  const about = { name: 'web.1', type: 'web', release: 3, node: 'fra-1', command: 'node .' };
  return { ...about, state: 'live', desired: 'run', restarts: 0, ...change };
}

function status(
  app: Partial<AppFacts>,
  nodes: readonly NodeBody[] = [node()],
  heldNodes: readonly string[] = [],
): StatusBody {
  const shop = {
    name: 'shop',
    webUrl: 'http://shop.test',
    instances: [instance()],
    wanted: { web: 1 },
    formerLimits: [],
    aboveCeilings: [],
    failedCron: [],
    failedScripts: [],
    commands: [],
    current,
    latest: current,
  };
  return statusOf({
    version: '1',
    uptimeMs: 0,
    nowMs: 1_000_000,
    nodes,
    heldNodes,
    mesh: [],
    quotas: [],
    apps: [{ ...shop, latestBuild: undefined, ...app }],
  });
}

function messages(body: StatusBody): readonly string[] {
  return body.problems.map(({ message }) => message);
}

describe('status', () => {
  it('has no problem when all wanted instances are up', () => {
    assert.deepEqual(messages(status({})), []);
  });

  it('has a problem whenever fewer instances are up than wanted', () => {
    const unreported = status({ instances: [instance({ state: 'pending' })] });
    assert.deepEqual(messages(unreported), ['shop: 0 of 1 up: web.1 on fra-1 (starting).']);
    const placeless = status({ wanted: { web: 2 } });
    assert.deepEqual(messages(placeless), ['shop: 1 of 2 up: web.2 not placed.']);
    assert.equal(placeless.problems[0]?.next, 'slipway why shop');
  });

  it('counts instances that are up, and those of them that are ready', () => {
    const [shop] = status({ instances: [instance({ ready: false })] }).apps;
    assert.deepEqual([shop?.live, shop?.ready, shop?.desired], [1, 0, 1]);
  });

  it('names the one-off commands that run', () => {
    const command = {
      app: 'shop',
      name: 'release.3',
      kind: 'release',
      release: 3,
      node: 'fra-1',
      startedAtMs: 5,
    } as const;
    assert.deepEqual([status({}).commands, status({ commands: [command] }).commands], [undefined, [command]]);
  });

  it('reports a script of app.json that failed, with the command for its output', () => {
    const failure = { code: 'SLIP_COMMAND_EXIT', message: 'release.postdeploy.3 of shop exited with status 1.' };
    const body = status({ failedScripts: [{ process: 'release.postdeploy.3', release: 3, failure }] });
    assert.deepEqual(body.problems, [
      {
        message: 'shop: scripts.dokku.postdeploy of v3 failed. release.postdeploy.3 of shop exited with status 1.',
        next: 'slipway releases:output v3 -a shop',
      },
    ]);
  });

  it('reports an app for which the route table has no room', () => {
    const leftOut = {
      code: 'SLIP_ROUTES_SIZE',
      message: 'shop gets no requests: it is too large.',
      hint: 'slipway domains -a shop',
    };
    assert.deepEqual(status({ leftOut }).problems, [{ message: leftOut.message, next: leftOut.hint }]);
  });

  it('reports where the instances of a lost node run, and counts each of them once', () => {
    const nodes = [
      node(),
      node({ name: 'fra-2', connected: false, lost: true, lastSeenMsAgo: 90_000, builder: false }),
    ];
    const body = status({ instances: [instance({ node: 'fra-2', state: 'unknown' }), instance()] }, nodes);
    assert.deepEqual(messages(body), [
      'Node fra-2 has been silent for 90 s; it counts as lost, and its instances run elsewhere.',
    ]);
    assert.deepEqual([body.apps[0]?.live, body.apps[0]?.desired, body.apps[0]?.nodes], [1, 1, ['fra-1']]);
  });

  it('reports which instances wait for a lost node', () => {
    const nodes = [
      node(),
      node({ name: 'fra-2', connected: false, lost: true, lastSeenMsAgo: 90_000, builder: false }),
    ];
    const body = status({ instances: [instance({ node: 'fra-2', state: 'unknown' })] }, nodes);
    assert.deepEqual(messages(body), [
      'Node fra-2 has been silent for 90 s; it counts as lost, and 1 of its instances does not run elsewhere.',
      'shop: 0 of 1 up: web.1 on fra-2 (not connected).',
    ]);
  });

  it('names the command that makes the agent detect a newly installed program', () => {
    const [problem] = status({}, [
      node({ missing: ['haproxy is missing: install it with: apt-get install haproxy'] }),
    ]).problems;
    assert.equal(problem?.next, 'on fra-1: do that, then systemctl restart slipway-agent');
  });

  const PORT_BUSY = {
    code: 'SLIP_PROXY_PORT_BUSY',
    message: 'The proxy cannot listen on port 80: another program already does.',
  };

  it('reports what an agent cannot repair on its machine, and why an agent could not start', () => {
    const [problem] = status({}, [node({ trouble: PORT_BUSY })]).problems;
    assert.deepEqual(problem, { message: `Node fra-1: ${PORT_BUSY.message}`, next: 'slipway why fra-1' });
    assert.equal(
      messages(
        status({}, [node({ connected: false, lastSeenMsAgo: 30_000, trouble: PORT_BUSY }), node({ name: 'fra-2' })]),
      )[0],
      `Node fra-1 has been silent for 30 s; its apps keep running while the machine runs. Its agent could not start: ${PORT_BUSY.message}`,
    );
  });

  it('reports a full disk once', () => {
    const trouble = { code: 'SLIP_DISK_FULL', message: "The node's disk is full, so no new instance can start there." };
    assert.deepEqual(messages(status({}, [node({ trouble, diskFreeBytes: 0 })])), [
      'Node fra-1 has 0 MB of disk left.',
    ]);
  });

  it('reports first that no instances are moved, and until when', () => {
    const [problem] = status({}, [node()], ['fra-2', 'fra-3']).problems;
    assert.match(
      problem?.message ?? '',
      /^fra-2, fra-3 disconnected at the same time, .*: slipway nodes:remove NODE --force\.$/,
    );
    assert.equal(problem?.next, 'slipway why fra-2');
  });

  it('reports a node that refuses the desired state of this controller', () => {
    const refusal = {
      code: 'SLIP_DESIRED_OTHER_CONTROLLER',
      message: 'Two controllers with the same history are running.',
    };
    const [problem] = status({}, [node({ refusal })]).problems;
    assert.equal(problem?.message, `Node fra-1 does not follow this controller. ${refusal.message}`);
    assert.equal(problem.next, 'slipway why fra-1');
  });

  it('reports just after a start the apps that no node has reported yet', () => {
    const body = status({ instances: [instance({ state: 'unknown' })] }, [
      node({ connected: false }),
      node({ name: 'fra-2' }),
    ]);
    assert.deepEqual(messages(body), [
      'Node fra-1 has been silent since the controller started; its apps keep running while the machine runs.',
      'shop: 0 of 1 up: web.1 on fra-1 (not connected).',
    ]);
  });

  it('reports instances that still run with their old limits', () => {
    const [problem] = status({ formerLimits: ['web.2', 'web.3'] }).problems;
    assert.deepEqual(problem, {
      message: 'shop: web.2, web.3 still run with their former limits.',
      next: 'slipway ps:restart web -a shop',
    });
    assert.match(
      status({ formerLimits: ['web.2'] }).problems[0]?.message ?? '',
      /^shop: web.2 still runs with its former limits\.$/,
    );
  });

  it('reports a crash once', () => {
    const crashed = instance({
      state: 'backoff',
      reason: { code: 'SLIP_APP_EXITED', message: 'web.1 exited with status 1.' },
    });
    assert.deepEqual(messages(status({ instances: [crashed] })), [
      'shop: web.1 on fra-1 is down. web.1 exited with status 1.',
    ]);
  });

  it('reports an instance that is up between two crashes', () => {
    const lastExit = { code: 1, oomKilled: false, atMs: 990_000 };
    const crashLoop = { crashes: 4, withinMs: 130_000 };
    const loop = 'shop: web.1 on fra-1 keeps crashing (4 times in 2 min)';
    const said = (over: Partial<InstanceBody>): readonly string[] =>
      messages(status({ instances: [instance({ lastExit, crashLoop, ...over })] }));
    assert.deepEqual(said({ state: 'live' }), [`${loop}, up again. It exited with code 1.`]);
    assert.deepEqual(said({ state: 'starting' }), [`${loop}, starting now. It exited with code 1.`]);
    const waiting = { ...crashLoop, nextStartAtMs: 1_020_000 };
    assert.deepEqual(said({ state: 'backoff', crashLoop: waiting }), [
      `${loop}, next start in 20 s. It exited with code 1.`,
    ]);
    const replaced = instance({ crashLoop, lastExit, desired: 'standby' });
    assert.deepEqual(
      messages(status({ instances: [instance({}), replaced] })),
      [],
      'what has been replaced is no trouble any more',
    );
  });

  it('names a few of many instances, grouped by node', () => {
    const instances = [1, 2].map((number) => instance({ name: `web.${String(number)}`, state: 'pending' }));
    const [message] = messages(status({ instances, wanted: { web: 6 } }));
    assert.equal(message, 'shop: 0 of 6 up: web.1, web.2 on fra-1 (starting); web.3, web.4 not placed; and 2 more.');
  });

  it('ignores standbys, copies and surplus instances', () => {
    const instances = [instance(), instance({ desired: 'standby', release: 2 }), instance({ state: 'starting' })];
    assert.deepEqual(messages(status({ instances })), []);
  });
});
