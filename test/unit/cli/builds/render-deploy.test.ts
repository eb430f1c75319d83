import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderDeploy } from '../../../../cli/builds/render-deploy.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import type { DeployBody } from '../../../../shared/api/deploys.ts';
import { NOW } from '../../../support/cli-screens.ts';

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
});
