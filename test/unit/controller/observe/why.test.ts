import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AppWhyFacts } from '../../../../controller/observe/why/facts.ts';
import { whyApp } from '../../../../controller/observe/why/why-app.ts';
import { whyInstance } from '../../../../controller/observe/why/why-instance.ts';
import { whyNode } from '../../../../controller/observe/why/why-node.ts';
import { noRoom } from '../../../../controller/assignments/instance-failure.ts';
import type { WhyBody } from '../../../../shared/api/observe.ts';
import { parseProcessType } from '../../../../shared/domain/names.ts';
import {
  appFacts,
  assertNextExists,
  AWAY,
  failedBuild,
  failedRelease,
  instanceFact,
  nodeFact,
  noPlace,
  releaseFact,
  WHY_NOW,
} from '../../../support/why-facts.ts';

const MINUTE = 60_000;

describe('why', () => {
  it('names the command that lets a revoked node rejoin', () => {
    const body = whyNode(
      { ...AWAY, revokedAtMs: WHY_NOW - 4 * MINUTE, certificateExpiresAtMs: WHY_NOW + MINUTE },
      WHY_NOW,
    );
    assert.equal(
      body.chains[0]?.links[0],
      'The certificate of fra-1 was revoked on 2026-11-20 at 14:26:00 UTC, so the controller refuses it.',
    );
    assert.equal(body.chains[0].next, 'slipway nodes:rejoin fra-1');
  });

  it('explains that instances are not moved when too many nodes disconnect at once', () => {
    const { chains } = whyNode({ ...AWAY, lost: false, held: true }, WHY_NOW);
    assert.equal(
      chains[0]?.links[1],
      'More than a third of the fleet disconnected at once, so its 1 instance is not moved.',
    );
  });

  it('explains why an instance of a lost node is not moved, and the command that changes this', () => {
    const why = (facts: Partial<AppWhyFacts>, stuck?: string): WhyBody | undefined =>
      whyInstance(
        appFacts({ nodes: [AWAY], instances: [instanceFact({}, { state: 'unknown', stuck })], ...facts }),
        'web.1',
      );
    const silent = 'fra-1 has been silent for 3 min.';
    const never = why({ patienceMs: 'never' })?.chains[0];
    assert.deepEqual(never?.links, [silent, 'web.1 of shop stays on that node no matter how long it is silent.']);
    assert.equal(never.next, 'slipway apps:lost-after default -a shop');
    const later = why({ patienceMs: 10 * MINUTE })?.chains[0];
    assert.deepEqual(later?.links, [silent, 'web.1 of shop stays on that node until it has been silent for 10 min.']);
    const stuck = why({}, 'fra-2: it is cordoned and gets no new instances')?.chains[0];
    const because = 'web.1 cannot be placed: fra-2: it is cordoned and gets no new instances.';
    assert.deepEqual(stuck?.links, [silent, because, 'So web.1 should run, but no connected node runs it.']);
    assert.equal(stuck.next, 'slipway nodes:uncordon fra-2');
  });

  it('gives the current reason why an instance is not placed, not the first one', () => {
    const events = [
      {
        ...{ seq: 9, atMs: WHY_NOW, kind: 'instance.waits', actor: 'controller', app: 'shop', instance: 'web.2' },
        message: 'web.2 waits for a place: fra-1: it is cordoned and gets no new instances.',
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

  it('names the next command for a node that follows another controller', () => {
    const refusal = { code: 'SLIP_DESIRED_OTHER_CONTROLLER', message: 'Two controllers run.', hint: 'Stop the copy.' };
    const { well, chains } = whyNode(nodeFact({ refusedReason: refusal }), WHY_NOW);
    const links = ['Two controllers run.', 'fra-1 keeps its last accepted state, and no change reaches it.'];
    assert.deepEqual([well, chains], [false, [{ code: refusal.code, links, next: 'Stop the copy.' }]]);
  });

  it('says that an app is well, and where it runs', () => {
    const body = whyApp(appFacts());
    assert.deepEqual([body.well, body.chains[0]?.links], [true, ['v3 of shop is current; 1 of 1 up on fra-1.']]);
    assert.deepEqual(whyInstance(appFacts(), 'web.1')?.chains[0]?.links, ['web.1 on fra-1 is up for 5 min, v3.']);
    assert.equal(whyInstance(appFacts(), 'web.2'), undefined);
    assert.equal(whyNode(nodeFact(), WHY_NOW).well, true);
    for (const each of [body, whyApp(appFacts({ current: undefined, latest: undefined, instances: [] }))])
      assertNextExists(each);
  });

  it('names the reason of each node that cannot run an instance, the easiest repair first', () => {
    const next = (reasons: Record<string, string>): string | undefined => whyApp(noPlace(reasons)).chains[0]?.next;
    assert.equal(
      next({ 'fra-1': 'it is not connected', 'fra-2': 'it is cordoned and gets no new instances' }),
      'slipway nodes:uncordon fra-2 && git push slipway main',
    );
    assert.equal(
      next({ 'fra-1': 'it has no label region, region=fra is required' }),
      'slipway nodes:label fra-1 region=fra && git push slipway main',
    );
    assert.equal(next({ 'fra-1': 'it is not connected' }), 'slipway why fra-1');
    assert.equal(next({ 'fra-1': 'it has 20 MB of unreserved memory, 512 MB are needed' }), 'slipway nodes:token');
  });

  it('suggests a push only after a failed push, and the repair before it', () => {
    const reasons = { 'fra-1': 'it is cordoned and gets no new instances' };
    const { code, message } = noRoom({ processType: parseProcessType('web'), ordinal: 1, reasons });
    const next = (latest: ReturnType<typeof failedRelease>): string | undefined =>
      whyApp(appFacts({ latest })).chains[0]?.next;
    assert.equal(
      next({ ...failedRelease(code, message), description: 'Set GREETING config vars' }),
      'slipway nodes:uncordon fra-1',
    );
    const killed = 'web.1 was killed: it used more memory than its limit of 512 MB.';
    assert.equal(
      next(failedRelease('SLIP_APP_OUT_OF_MEMORY', killed)),
      'slipway ps:limits web --memory 1G -a shop && git push slipway main',
    );
  });

  it('ignores a failed build after a newer release, and an old release while a newer one serves', () => {
    const build = {
      ...failedBuild('SLIP_BUILD_TIMEOUT', 'It took too long.').latestBuild!,
      createdAtMs: WHY_NOW - 700_000,
    };
    assert.equal(whyApp(appFacts({ latestBuild: build })).well, true);
    assert.equal(whyApp(appFacts({ latest: releaseFact({ version: 5, state: 'deploying' }) })).well, true);
  });
});
