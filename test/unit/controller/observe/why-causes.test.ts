import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { renderWhy } from '../../../../cli/why/render.ts';
import { whyApp } from '../../../../controller/observe/why/why-app.ts';
import { whyInstance } from '../../../../controller/observe/why/why-instance.ts';
import { whyNode } from '../../../../controller/observe/why/why-node.ts';
import { duplicateNodeReason } from '../../../../controller/dispatch/duplicate-node.ts';
import { versionMismatch } from '../../../../shared/domain/agent-version.ts';
import type { WhyBody } from '../../../../shared/api/observe.ts';
import {
  appFacts,
  assertNextExists,
  AWAY,
  failedBuild,
  failedRelease,
  instanceFact,
  nodeFact,
  noPlace,
  WHY_NOW,
} from '../../../support/why-facts.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const oom = {
  code: 'SLIP_APP_OUT_OF_MEMORY',
  message: 'web.1 was killed: it used more memory than its limit of 512 MB.',
};
const PORT_BUSY = {
  code: 'SLIP_PROXY_PORT_BUSY',
  message: 'The proxy cannot listen on port 80: another program already does.',
  hint: "Stop the program that `ss -ltnp 'sport = :80'` names.",
};
const TWINS = [
  { bootId: 'a', address: '10.0.0.13' },
  { bootId: 'b', address: '10.0.0.12' },
] as const;
const exited = { code: 'SLIP_APP_EXITED', message: 'web.1 exited with status 1.' };
const loopback = 'The app listens on 127.0.0.1:5000 only, where the proxy cannot reach it.';

/** Each cause: the screen it makes, word for word. */
const CAUSES: readonly {
  readonly cause: string;
  readonly body: WhyBody | undefined;
  readonly screen: readonly string[];
}[] = [
  {
    cause: 'out of memory',
    body: whyInstance(
      appFacts({
        instances: [
          instanceFact({
            state: 'backoff',
            ...{ restarts: 5, crashes: { count: 5, sinceMs: WHY_NOW - 2 * MINUTE } },
            reason: oom,
            lastExit: { signal: 'SIGKILL', oomKilled: true, atMs: WHY_NOW - 3 * SECOND },
            nextStartAtMs: WHY_NOW + 2 * MINUTE,
          }),
        ],
      }),
      'web.1',
    ),
    screen: [
      'web.1 of shop has a problem.',
      '',
      '  web.1 on fra-1 was killed: it used more memory than its limit of 512 MB.',
      '  → It keeps crashing (5 times in 117 s), next start in 2 min.',
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
            ...{
              seq: 9,
              atMs: WHY_NOW - SECOND,
              kind: 'instance.failed',
              actor: 'node fra-1',
              app: 'shop',
              node: 'fra-1',
            },
            ...{ instance: 'web.1', message: loopback, details: { code: 'SLIP_APP_LOOPBACK_ONLY' } },
          },
        ],
      }),
    ),
    screen: [
      'shop has a problem.',
      '',
      '  ada made v4: Deploy abc1234.',
      `  → web.1 on fra-1: ${loopback}`,
      '  → So v4 failed, and v3 keeps serving.',
      '  Next: slipway config:set HOST=0.0.0.0 -a shop && git push slipway main',
    ],
  },
  {
    cause: 'no memory anywhere',
    body: whyApp(
      noPlace({
        'fra-1': 'it has 300 MB of unreserved memory, 512 MB are needed',
        'fra-2': 'it has 12 MB of unreserved memory, 512 MB are needed',
      }),
    ),
    screen: [
      'shop has a problem.',
      '',
      '  ada made v4: Deploy abc1234.',
      '  → web.1 cannot be placed: fra-1: it has 300 MB of unreserved memory, 512 MB are needed; fra-2: it has 12 MB of unreserved memory, 512 MB are needed.',
      '  → So v4 failed, and v3 keeps serving.',
      '  Next: slipway ps:limits web --memory 256M -a shop && git push slipway main',
    ],
  },
  {
    cause: 'certificate expired',
    body: whyNode({ ...AWAY, lost: false, certificateExpiresAtMs: WHY_NOW - 60 * MINUTE }, WHY_NOW),
    screen: [
      'fra-1 has a problem.',
      '',
      '  The certificate of fra-1 expired on 2026-11-20 at 13:30:00 UTC, so the controller refuses it.',
      '  → fra-1 has been silent for 3 min.',
      '  → Its 1 instance keeps running if the machine runs. The controller cannot check this.',
      '  Next: slipway nodes:rejoin fra-1',
    ],
  },
  {
    cause: 'an agent that could not start',
    body: whyNode({ ...AWAY, lost: false, failure: PORT_BUSY }, WHY_NOW),
    screen: [
      'fra-1 has a problem.',
      '',
      '  fra-1 has been silent for 3 min.',
      '  → Its agent could not start: The proxy cannot listen on port 80: another program already does.',
      '  → Its 1 instance keeps running if the machine runs. The controller cannot check this.',
      "  Next: on fra-1: Stop the program that `ss -ltnp 'sport = :80'` names.",
    ],
  },
  {
    cause: 'what an agent cannot put right',
    body: whyNode(nodeFact({ failure: PORT_BUSY }), WHY_NOW),
    screen: [
      'fra-1 has a problem.',
      '',
      '  fra-1: The proxy cannot listen on port 80: another program already does.',
      '  → Its agent tries again every few seconds.',
      "  Next: on fra-1: Stop the program that `ss -ltnp 'sport = :80'` names.",
    ],
  },
  {
    cause: 'an instance that is up behind a proxy that is not',
    body: whyApp(appFacts({ instances: [instanceFact({})], nodes: [nodeFact({ failure: PORT_BUSY })] })),
    screen: [
      'shop has a problem.',
      '',
      '  fra-1: The proxy cannot listen on port 80: another program already does.',
      '  → Its agent tries again every few seconds.',
      '  → So web.1 is up there but gets no requests.',
      "  Next: on fra-1: Stop the program that `ss -ltnp 'sport = :80'` names.",
    ],
  },
  {
    cause: 'a disk image of a node that runs twice',
    body: whyNode(nodeFact({ failure: duplicateNodeReason('fra-1', TWINS) }), WHY_NOW),
    screen: [
      'fra-1 has a problem.',
      '',
      '  Two machines use the identity of node fra-1 (at 10.0.0.12 and 10.0.0.13). One is a copy of the other, with its certificate.',
      '  Next: on the copy: sudo sh /opt/slipway/current/install.sh --uninstall, then the command that slipway nodes:token prints',
    ],
  },
  {
    cause: 'an agent that is too old',
    body: whyNode(
      nodeFact({ versionMismatch: versionMismatch({ name: 'fra-1', agentVersion: '0.1.0+c3e11cb00a2f' }, '0.3.0') }),
      WHY_NOW,
    ),
    screen: [
      'fra-1 has a problem.',
      '',
      '  The agent of fra-1 (0.1.0+c3e11cb00a2f) is more than one version behind this controller (0.3.0), so it may not support all that the controller sends.',
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
            reason: { code: 'SLIP_DISK_FULL', message: "The node's disk is full, so no new instance can start there." },
          }),
        ],
      }),
    ),
    screen: [
      'shop has a problem.',
      '',
      "  web.1 on fra-1: The node's disk is full, so no new instance can start there.",
      '  → The agent keeps trying.',
      '  Next: slipway nodes:drain fra-1',
    ],
  },
  {
    cause: 'failing check',
    body: whyApp(
      appFacts({
        current: undefined,
        instances: [],
        latest: failedRelease(
          'SLIP_APP_NEVER_BOUND',
          'The app runs but did not listen on its port (PORT=5000) within 60 s.',
        ),
      }),
    ),
    screen: [
      'shop has a problem.',
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
      'shop has a problem.',
      '',
      '  web.1 on fra-1 exited with status 1.',
      '  → It keeps crashing (7 times), next start in 64 s.',
      '  → 2 more have the same cause.',
      '  Next: slipway logs -a shop -p web.1',
    ],
  },
  {
    cause: 'node lost',
    body: whyInstance(appFacts({ nodes: [AWAY], instances: [instanceFact({}, { state: 'unknown' })] }), 'web.1'),
    screen: [
      'web.1 of shop has a problem.',
      '',
      '  fra-1 has been silent for 3 min.',
      '  → It counts as lost: its 1 instance restarts on other nodes if placement rules and capacity allow.',
      '  → The state of web.1 is unknown.',
      '  Next: slipway nodes:info fra-1',
    ],
  },
  {
    cause: 'stack mismatch',
    body: whyApp(noPlace({ 'fra-1': 'the slug was built for debian-12-x64, the node is ubuntu-24.04-x64' })),
    screen: [
      'shop has a problem.',
      '',
      '  ada made v4: Deploy abc1234.',
      '  → web.1 cannot be placed: fra-1: the slug was built for debian-12-x64, the node is ubuntu-24.04-x64.',
      '  → So v4 failed, and v3 keeps serving.',
      '  Next: slipway nodes:token',
    ],
  },
  {
    cause: 'build limit',
    body: whyApp(
      failedBuild('SLIP_BUILD_OUT_OF_MEMORY', 'The build was killed: it used more memory than its limit of 2 GB.'),
    ),
    screen: [
      'shop has a problem.',
      '',
      '  ada pushed ddddddd.',
      '  → The build was killed: it used more memory than its limit of 2 GB.',
      '  → So no release was made, and v3 keeps serving.',
      '  Next: slipway builds:output b1 -a shop',
    ],
  },
];

describe('why, cause by cause', () => {
  for (const { cause, body, screen } of CAUSES) {
    it(`names the cause and the next command: ${cause}`, () => {
      assert.ok(body);
      assert.equal(renderWhy(body, plainPaint), screen.map((line) => `${line}\n`).join(''));
      assertNextExists(body);
    });
  }
});
