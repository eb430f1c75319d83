import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderAbort, renderDeploy } from '../../../../cli/builds/render-deploy.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import type { DeployBody } from '../../../../shared/api/deploys.ts';
import { FIGURES, NOW } from '../../../support/cli-screens.ts';

const WAITING: DeployBody = { phase: 'waiting', running: true, version: 3, user: 'ada', instances: [] };

describe('a deploy', () => {
  it('names its running release command, with the command for its output', () => {
    const command = { name: 'release.3', node: 'fra-1', startedAtMs: NOW };
    assert.deepEqual(renderDeploy('shop', { ...WAITING, command }, plainPaint), [
      'shop v3 (ada): runs the release command\n',
      '  Running the release command on node fra-1 since 2026-11-20 10:00:00 UTC. See the output with: slipway releases:output v3 -a shop\n',
    ]);
    assert.deepEqual(renderDeploy('shop', WAITING, plainPaint), [
      'shop v3 (ada): waits for its turn, for room, or for the release command\n',
    ]);
  });

  it('names a running script of app.json, before and after the release is live', () => {
    const output = 'since 2026-11-20 10:00:00 UTC. See the output with: slipway releases:output v3 -a shop';
    const command = { name: 'release.predeploy.3', script: 'scripts.dokku.predeploy', node: 'fra-1', startedAtMs: NOW };
    assert.deepEqual(renderDeploy('shop', { ...WAITING, command }, plainPaint), [
      'shop v3 (ada): runs scripts.dokku.predeploy\n',
      `  Running scripts.dokku.predeploy on node fra-1 ${output}\n`,
    ]);
    const after = { ...command, name: 'release.postdeploy.3', script: 'scripts.dokku.postdeploy' };
    assert.deepEqual(renderDeploy('shop', { ...WAITING, phase: 'live', command: after }, plainPaint), [
      'shop v3 (ada): live\n',
      `  Running scripts.dokku.postdeploy on node fra-1 ${output}\n`,
    ]);
  });

  it('has the figures of its switch, also after an abort', () => {
    const aborted = { ...WAITING, phase: 'failed', running: false, switch: FIGURES } as const;
    assert.deepEqual(renderDeploy('shop', aborted, plainPaint), [
      'shop v3 (ada): failed\n',
      '1 of 9 requests failed in the switch (1 H13), longest drain 0.0 s\n',
    ]);
  });

  it('names the sessions in instances that it replaces', () => {
    const session = { app: 'shop', instance: 'web.1', release: 2, node: 'attic', user: 'ada', openedAtMs: NOW };
    const sessions = [{ ...session, purpose: 'shell' } as const];
    assert.deepEqual(renderDeploy('shop', { ...WAITING, phase: 'settling', sessions }, plainPaint).slice(1), [
      '  ada has a terminal in web.1 of v2 on attic; it ends with that instance\n',
    ]);
  });

  it('was aborted, or only its scripts were stopped', () => {
    assert.equal(renderAbort('shop', WAITING, plainPaint), 'Aborted the deploy of shop.\n');
    const stoppedScripts = { version: 3, liveVersion: 3 };
    const said = renderAbort('shop', { ...WAITING, phase: 'live', stoppedScripts }, plainPaint);
    assert.equal(said, 'Stopped the scripts of v3; v3 stays live.\n');
  });
});
