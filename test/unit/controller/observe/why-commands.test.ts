import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { whyApp } from '../../../../controller/observe/why/why-app.ts';
import { whyNode } from '../../../../controller/observe/why/why-node.ts';
import type { CommandFact } from '../../../../controller/observe/why/facts.ts';
import { appFacts, assertNextExists, nodeFact, releaseFact, WHY_NOW } from '../../../support/why-facts.ts';

const COMMAND: CommandFact = { process: 'release.4', kind: 'release', release: 4, node: 'fra-1', startedAtMs: WHY_NOW };
const RUN: CommandFact = { ...COMMAND, process: 'run.7', kind: 'run', release: 3 };
const DRAINED = nodeFact({ draining: true, cordoned: true, drainUntilMs: WHY_NOW + 60_000 });

describe('why, while one-off commands run', () => {
  it('names the release command, its node and the command for its output', () => {
    const latest = releaseFact({ version: 4, state: 'pending' });
    const body = whyApp(appFacts({ latest, commands: [COMMAND, RUN] }));
    assert.deepEqual(
      [body.well, body.chains.at(-1)],
      [
        true,
        {
          links: ['ada made v4: Deploy abc1234.', 'The release command of v4 runs on node fra-1 since 14:30:00 UTC.'],
          next: 'slipway releases:output v4 -a shop',
        },
      ],
    );
    assertNextExists(body);
  });

  it('names a script of app.json that failed after its release was live', () => {
    const failure = { code: 'SLIP_COMMAND_EXIT', message: 'release.setup.3 of shop exited with status 1.' };
    const body = whyApp(appFacts({ failedScripts: [{ process: 'release.setup.3', release: 3, failure }] }));
    const links = [
      'scripts.postdeploy of v3 failed. release.setup.3 of shop exited with status 1.',
      'It ran after v3 was live, so v3 keeps serving.',
    ];
    const next = 'slipway releases:output v3 -a shop';
    assert.deepEqual([body.well, body.chains], [false, [{ code: failure.code, links, next }]]);
    assertNextExists(body);
  });

  it('names a script of app.json as app.json names it', () => {
    const links = ['predeploy', 'setup', 'postdeploy'].map((script) => {
      const command = { ...COMMAND, process: `release.${script}.4` };
      return whyApp(appFacts({ commands: [command] })).chains.at(-1)?.links;
    });
    assert.deepEqual(links, [
      ['scripts.dokku.predeploy of v4 runs on node fra-1 since 14:30:00 UTC.'],
      ['scripts.postdeploy of v4 runs on node fra-1 since 14:30:00 UTC.'],
      ['scripts.dokku.postdeploy of v4 runs on node fra-1 since 14:30:00 UTC.'],
    ]);
  });

  it('says when a command is stopped because its node is drained', () => {
    const body = whyApp(appFacts({ commands: [RUN], nodes: [DRAINED] }));
    assert.deepEqual(body.chains.at(-1), {
      links: [
        'run.7 runs on node fra-1 since 14:30:00 UTC.',
        'fra-1 is being drained, so it is stopped at 14:31:00 UTC if it has not ended.',
      ],
      next: 'slipway run:logs run.7 -a shop',
    });
    assertNextExists(body);
  });

  it('names the commands for which a drain waits, but not all of many', () => {
    const links = (commands: readonly string[]): readonly string[] =>
      whyNode({ ...DRAINED, commands }, WHY_NOW).chains[0]?.links ?? [];
    const moved = 'fra-1 is being drained: its instances are moved to other nodes.';
    assert.deepEqual(links([]), [moved]);
    assert.deepEqual(links(['run.7 of shop']), [
      moved,
      'It still runs run.7 of shop. What has not ended at 14:31:00 UTC is stopped.',
    ]);
    assert.match(links(['a', 'b', 'c', 'd', 'e', 'f'])[1] ?? '', /runs a, b, c, d, e and 1 more\. /);
  });
});
