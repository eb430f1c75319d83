import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COMMANDS } from '../../../../cli/command-table.ts';
import { plainPaint } from '../../../../cli/render/paint.ts';
import { renderWhy } from '../../../../cli/render/why.ts';
import type { AppWhyFacts } from '../../../../controller/observe/why/facts.ts';
import { whyApp } from '../../../../controller/observe/why/why-app.ts';
import { whyInstance } from '../../../../controller/observe/why/why-instance.ts';
import { whyNode } from '../../../../controller/observe/why/why-node.ts';
import { noRoom } from '../../../../controller/release/rollout-plan.ts';
import { versionTrouble } from '../../../../shared/domain/agent-version.ts';
import type { WhyBody } from '../../../../shared/domain/api-observe.ts';
import { parseProcessType } from '../../../../shared/domain/names.ts';
import { appFacts, failedRelease, instanceFact, nodeFact, releaseFact, WHY_NOW } from '../../../support/why-facts.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const oom = { code: 'SLIP_APP_OUT_OF_MEMORY', message: 'web.1 was killed: it used more than its 512 MB of memory.' };
const exited = { code: 'SLIP_APP_EXITED', message: 'web.1 exited with status 1.' };
const loopback = 'The app listens on 127.0.0.1:5000 only, where the proxy cannot reach it.';

const noPlace = (reasons: Record<string, string>): AppWhyFacts => {
  const { code, message } = noRoom({ processType: parseProcessType('web'), ordinal: 1, reasons });
  return appFacts({ latest: failedRelease(code, message) });
};
const failedBuild = (code: string, message: string): AppWhyFacts =>
  appFacts({
    latestBuild: { id: 'b1', state: 'failed', commit: 'd'.repeat(40), user: 'ada', createdAtMs: WHY_NOW, failure: { code, message } },
  });
const away = nodeFact({ connected: false, state: 'unreachable', lastSeenMsAgo: 3 * MINUTE, lost: true });

/** Each cause: the screen it makes, word for word. */
const CAUSES: readonly { readonly cause: string; readonly body: WhyBody | undefined; readonly screen: readonly string[] }[] = [
  {
    cause: 'out of memory',
    body: whyInstance(
      appFacts({
        instances: [
          instanceFact({
            state: 'backoff',
            restarts: 5,
            reason: oom,
            lastExit: { signal: 'SIGKILL', oomKilled: true, atMs: WHY_NOW - 3 * SECOND },
            nextStartAtMs: WHY_NOW + 2 * MINUTE,
          }),
        ],
      }),
      'web.1',
    ),
    screen: [
      'web.1 of shop is in trouble.',
      '',
      '  web.1 on fra-1 was killed: it used more than its 512 MB of memory.',
      '  → It was restarted 5 times, it ended last at 14:29:57 UTC.',
      '  → It is backing off until 14:32:00 UTC.',
      '  Next: slipway ps:limits web --memory 1G -a shop',
    ],
  },
  {
    cause: 'wrong bind',
    body: whyApp(
      appFacts({
        latest: failedRelease('SLIP_APP_LOOPBACK_ONLY', loopback),
        events: [
          {
            ...{ seq: 9, atMs: WHY_NOW - SECOND, kind: 'instance.failed', actor: 'node fra-1', app: 'shop', node: 'fra-1' },
            ...{ instance: 'web.1', message: loopback, details: { code: 'SLIP_APP_LOOPBACK_ONLY' } },
          },
        ],
      }),
    ),
    screen: [
      'shop is in trouble.',
      '',
      '  ada made v4: Deploy abc1234.',
      `  → web.1 on fra-1: ${loopback}`,
      '  → So v4 failed, and v3 goes on serving.',
      '  Next: slipway config:set HOST=0.0.0.0 -a shop && git push slipway main',
    ],
  },
  {
    cause: 'no memory anywhere',
    body: whyApp(
      noPlace({
        'fra-1': 'it has 300 MB of memory to promise, 512 MB are needed',
        'fra-2': 'it has 12 MB of memory to promise, 512 MB are needed',
      }),
    ),
    screen: [
      'shop is in trouble.',
      '',
      '  ada made v4: Deploy abc1234.',
      '  → web.1 cannot be placed: fra-1: it has 300 MB of memory to promise, 512 MB are needed; fra-2: it has 12 MB of memory to promise, 512 MB are needed.',
      '  → So v4 failed, and v3 goes on serving.',
      '  Next: slipway ps:limits web --memory 256M -a shop && git push slipway main',
    ],
  },
  {
    cause: 'certificate expired',
    body: whyNode({ ...away, lost: false, certificateExpiresAtMs: WHY_NOW - 60 * MINUTE }, WHY_NOW),
    screen: [
      'fra-1 is in trouble.',
      '',
      '  The certificate of fra-1 expired on 2026-11-20 at 13:30:00 UTC, so it is not let in.',
      '  → fra-1 has not been heard of for 3 min.',
      '  → Its 1 instance goes on if the machine does; nobody can tell from here.',
      '  Next: slipway nodes:rejoin fra-1',
    ],
  },
  {
    cause: 'an agent that is too old',
    body: whyNode(nodeFact({ versionTrouble: versionTrouble({ name: 'fra-1', agentVersion: '0.1.0+c3e11cb00a2f' }, '0.3.0') }), WHY_NOW),
    screen: [
      'fra-1 is in trouble.',
      '',
      '  The agent of fra-1 (0.1.0+c3e11cb00a2f) is more than one version behind this controller (0.3.0), and may not do all that is asked of it.',
      '  Next: slipway nodes:upgrade fra-1',
    ],
  },
  {
    cause: 'disk full',
    body: whyApp(
      appFacts({
        instances: [
          instanceFact({
            state: 'pending',
            startedAtMs: undefined,
            reason: { code: 'SLIP_DISK_FULL', message: "The node's disk is full, so nothing new can start there." },
          }),
        ],
      }),
    ),
    screen: [
      'shop is in trouble.',
      '',
      "  web.1 on fra-1: The node's disk is full, so nothing new can start there.",
      '  → It is tried again and again.',
      '  Next: slipway nodes:drain fra-1',
    ],
  },
  {
    cause: 'failing check',
    body: whyApp(
      appFacts({
        current: undefined,
        instances: [],
        latest: failedRelease('SLIP_APP_NEVER_BOUND', 'The app runs but did not listen on its port (PORT=5000) within 60 s.'),
      }),
    ),
    screen: [
      'shop is in trouble.',
      '',
      '  ada made v4: Deploy abc1234.',
      '  → The app runs but did not listen on its port (PORT=5000) within 60 s.',
      '  → So v4 failed, and nothing is serving.',
      '  Next: slipway logs -a shop',
    ],
  },
  {
    cause: 'crash loop',
    body: whyApp(
      appFacts({
        wanted: { web: 3 },
        instances: ['web.1', 'web.2', 'web.3'].map((name) =>
          instanceFact(
            {
              state: 'backoff',
              restarts: 7,
              reason: { ...exited, message: `${name} exited with status 1.` },
              lastExit: { code: 1, oomKilled: false, atMs: WHY_NOW - SECOND },
              nextStartAtMs: WHY_NOW + 64 * SECOND,
            },
            { name },
          ),
        ),
      }),
    ),
    screen: [
      'shop is in trouble.',
      '',
      '  web.1 on fra-1 exited with status 1.',
      '  → It was restarted 7 times, it ended last at 14:29:59 UTC.',
      '  → It is backing off until 14:31:04 UTC.',
      '  → 2 more are in the same way.',
      '  Next: slipway logs -a shop -p web.1',
    ],
  },
  {
    cause: 'node lost',
    body: whyInstance(appFacts({ nodes: [away], instances: [instanceFact({}, { state: 'unknown' })] }), 'web.1'),
    screen: [
      'web.1 of shop is in trouble.',
      '',
      '  fra-1 has not been heard of for 3 min.',
      '  → It counts as lost: its 1 instance is placed elsewhere until it is back, if it may and there is room.',
      '  → So nobody can say how web.1 is.',
      '  Next: slipway nodes:info fra-1',
    ],
  },
  {
    cause: 'stack mismatch',
    body: whyApp(noPlace({ 'fra-1': 'the slug was built for debian-12-x64, the node is ubuntu-24.04-x64' })),
    screen: [
      'shop is in trouble.',
      '',
      '  ada made v4: Deploy abc1234.',
      '  → web.1 cannot be placed: fra-1: the slug was built for debian-12-x64, the node is ubuntu-24.04-x64.',
      '  → So v4 failed, and v3 goes on serving.',
      '  Next: slipway nodes:token',
    ],
  },
  {
    cause: 'build limit',
    body: whyApp(failedBuild('SLIP_BUILD_OUT_OF_MEMORY', 'The build was killed: it used more than its 2 GB of memory.')),
    screen: [
      'shop is in trouble.',
      '',
      '  ada pushed ddddddd.',
      '  → The build was killed: it used more than its 2 GB of memory.',
      '  → So no release was made, and v3 goes on serving.',
      '  Next: slipway builds:output b1 -a shop',
    ],
  },
];

function assertNextExists({ chains }: WhyBody): void {
  const names = new Set(COMMANDS.map((command) => command.name));
  for (const { next } of chains) {
    for (const command of next.split(' && ')) {
      const [program, name] = command.split(' ');
      assert.ok(program === 'git' || (program === 'slipway' && names.has(name ?? '')), `no such command: ${command}`);
    }
  }
}

describe('why', () => {
  for (const { cause, body, screen } of CAUSES) {
    it(`names the cause and what mends it: ${cause}`, () => {
      assert.ok(body);
      assert.equal(renderWhy(body, plainPaint), screen.map((line) => `${line}\n`).join(''));
      assertNextExists(body);
    });
  }

  it('says of a node that was revoked how it comes back', () => {
    const body = whyNode({ ...away, revokedAtMs: WHY_NOW - 4 * MINUTE, certificateExpiresAtMs: WHY_NOW + MINUTE }, WHY_NOW);
    assert.equal(body.chains[0]?.links[0], 'The certificate of fra-1 was revoked on 2026-11-20 at 14:26:00 UTC, so it is not let in.');
    assert.equal(body.chains[0].next, 'slipway nodes:rejoin fra-1');
  });

  it('says of a node that went away with too many others that nothing of it is moved', () => {
    const { chains } = whyNode({ ...away, lost: false, held: true }, WHY_NOW);
    assert.equal(chains[0]?.links[1], 'More than a third of the fleet went away at once, so its 1 instance stays there.');
  });

  it('says of an instance on a lost node that it stays there, or finds no place, and what changes that', () => {
    const why = (facts: Partial<AppWhyFacts>, stuck?: string): WhyBody | undefined =>
      whyInstance(appFacts({ nodes: [away], instances: [instanceFact({}, { state: 'unknown', stuck })], ...facts }), 'web.1');
    const silent = 'fra-1 has not been heard of for 3 min.';
    const never = why({ patienceMs: 'never' })?.chains[0];
    assert.deepEqual(never?.links, [silent, 'web.1 of shop stays with it however long it is silent.']);
    assert.equal(never.next, 'slipway apps:lost-after default -a shop');
    const later = why({ patienceMs: 10 * MINUTE })?.chains[0];
    assert.deepEqual(later?.links, [silent, 'web.1 of shop stays with it until it has been silent for 10 min.']);
    const stuck = why({}, 'fra-2: it is cordoned and takes nothing new')?.chains[0];
    const because = 'web.1 cannot be placed: fra-2: it is cordoned and takes nothing new.';
    assert.deepEqual(stuck?.links, [silent, because, 'So web.1 is wanted and runs nowhere that anybody can see.']);
    assert.equal(stuck.next, 'slipway nodes:uncordon fra-2');
  });

  it('says of what has no place why not by now, whatever was said when that began', () => {
    const events = [
      {
        ...{ seq: 9, atMs: WHY_NOW, kind: 'instance.waits', actor: 'controller', app: 'shop', instance: 'web.2' },
        message: 'web.2 waits for a place: fra-1: it is cordoned and takes nothing new.',
      },
    ];
    const next = (placeless: ReadonlyMap<string, string>): string | undefined =>
      whyApp(appFacts({ wanted: { web: 2 }, events, placeless })).chains[0]?.next;
    assert.equal(
      next(new Map([['web.2', 'fra-1: it has no label region, region=fra is required']])),
      'slipway nodes:label fra-1 region=fra',
    );
    assert.equal(next(new Map()), 'slipway nodes:uncordon fra-1');
  });

  it('says of a node that obeys another controller what to do', () => {
    const refusal = { code: 'SLIP_DESIRED_OTHER_CONTROLLER', message: 'Two controllers run.', hint: 'Stop the copy.' };
    const { well, chains } = whyNode(nodeFact({ refusal }), WHY_NOW);
    const links = ['Two controllers run.', 'So fra-1 goes on with what it had, and nothing changes there.'];
    assert.deepEqual([well, chains], [false, [{ code: refusal.code, links, next: 'Stop the copy.' }]]);
  });

  it('says that all is well, and where', () => {
    const body = whyApp(appFacts());
    assert.deepEqual([body.well, body.chains[0]?.links], [true, ['v3 of shop is current; 1 of 1 up on fra-1.']]);
    assert.deepEqual(whyInstance(appFacts(), 'web.1')?.chains[0]?.links, ['web.1 on fra-1 is up for 5 min, v3.']);
    assert.equal(whyInstance(appFacts(), 'web.2'), undefined);
    assert.equal(whyNode(nodeFact(), WHY_NOW).well, true);
    for (const each of [body, whyApp(appFacts({ current: undefined, latest: undefined, instances: [] }))]) assertNextExists(each);
  });

  it('finds what keeps each node from taking an instance, the one that is mended most easily first', () => {
    const next = (reasons: Record<string, string>): string | undefined => whyApp(noPlace(reasons)).chains[0]?.next;
    assert.equal(
      next({ 'fra-1': 'it is not connected', 'fra-2': 'it is cordoned and takes nothing new' }),
      'slipway nodes:uncordon fra-2 && git push slipway main',
    );
    assert.equal(
      next({ 'fra-1': 'it has no label region, region=fra is required' }),
      'slipway nodes:label fra-1 region=fra && git push slipway main',
    );
    assert.equal(next({ 'fra-1': 'it is not connected' }), 'slipway why fra-1');
    assert.equal(next({ 'fra-1': 'it has 20 MB of memory to promise, 512 MB are needed' }), 'slipway nodes:token');
  });

  it('asks for a push only where a push failed, and for what it mends before it', () => {
    const reasons = { 'fra-1': 'it is cordoned and takes nothing new' };
    const { code, message } = noRoom({ processType: parseProcessType('web'), ordinal: 1, reasons });
    const next = (latest: ReturnType<typeof failedRelease>): string | undefined => whyApp(appFacts({ latest })).chains[0]?.next;
    assert.equal(next({ ...failedRelease(code, message), description: 'Set GREETING config vars' }), 'slipway nodes:uncordon fra-1');
    const killed = 'web.1 was killed: it used more than its 512 MB of memory.';
    assert.equal(
      next(failedRelease('SLIP_APP_OUT_OF_MEMORY', killed)),
      'slipway ps:limits web --memory 1G -a shop && git push slipway main',
    );
  });

  it('forgets a failed build once something newer was released, and an old release while a newer one serves', () => {
    const build = { ...failedBuild('SLIP_BUILD_TIMEOUT', 'It took too long.').latestBuild!, createdAtMs: WHY_NOW - 700_000 };
    assert.equal(whyApp(appFacts({ latestBuild: build })).well, true);
    assert.equal(whyApp(appFacts({ latest: releaseFact({ version: 5, state: 'deploying' }) })).well, true);
  });
});
