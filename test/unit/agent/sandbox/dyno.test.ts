import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandSpec, dynoEnv, dynoSpec } from '../../../../agent/sandbox/dyno.ts';
import { DEFAULT_LIMITS, type Assignment } from '../../../../shared/domain/assignment.ts';
import type { CommandTask } from '../../../../shared/domain/command.ts';
import { sealAll } from '../../../../shared/kit/sensitive.ts';

const assignment = {
  instanceId: 'instance0001',
  appId: 'app00001',
  app: 'sample-app',
  uidBase: 0x3000_0000,
  release: 12,
  processType: 'web',
  ordinal: 1,
  command: 'node server.js --greeting "hello $USER"',
  layers: [],
  stack: 'host',
  config: sealAll({ GREETING: "it's", PORT: '1', HOME: '/evil', DYNO: 'x', PATH: '/custom' }),
  limits: DEFAULT_LIMITS,
  desired: 'run',
  commit: 'c'.repeat(40),
} as unknown as Assignment;

describe('a dyno', () => {
  it('runs its command by bash, as one argument', () => {
    const spec = dynoSpec({ assignment, lowerDirs: ['/l'] });
    assert.deepEqual(spec.argv, ['/bin/bash', '/run/slipway/bin/dyno.sh', assignment.command]);
    assert.deepEqual([spec.port, spec.hostname, spec.purpose], [5000, 'sample-app-web-1', 'app']);
  });

  it('gets its config variables, which cannot change what the platform says about itself', () => {
    const env = dynoEnv(assignment, 5000);
    assert.deepEqual([env['GREETING'], env['PATH']], ["it's", '/custom']);
    assert.deepEqual([env['PORT'], env['HOME'], env['DYNO']], ['5000', '/app', 'web.1']);
    assert.deepEqual(
      [env['HEROKU_APP_NAME'], env['HEROKU_RELEASE_VERSION'], env['HEROKU_SLUG_COMMIT']],
      ['sample-app', 'v12', assignment.commit],
    );
  });

  it('gets a PORT for web only', () => {
    const worker = { ...assignment, processType: 'Mail_Worker', config: {} } as unknown as Assignment;
    const spec = dynoSpec({ assignment: worker, lowerDirs: [] });
    assert.equal(spec.port, undefined);
    assert.equal('PORT' in spec.env, false);
    assert.equal(spec.hostname, 'sample-app-mail-worker-1');
  });
});

describe('a command', () => {
  it('runs like an instance, with its own variables, without a port', () => {
    const { config: _, ...given } = assignment;
    const own = { taskId: 'task00000001', kind: 'run', process: 'run.4821', env: sealAll({ A: '2' }) };
    // Only what an environment is made of; the rest of a task is for the runner.
    const task = { ...given, ...own, config: sealAll({ A: '1', DYNO: 'x' }) } as unknown as CommandTask;
    const spec = commandSpec(task, ['/l']);
    assert.deepEqual(spec.argv, dynoSpec({ assignment, lowerDirs: ['/l'] }).argv);
    assert.deepEqual([spec.purpose, spec.hostname, spec.port], ['command', 'sample-app-run-4821', undefined]);
    assert.deepEqual([spec.env['A'], spec.env['DYNO'], 'PORT' in spec.env], ['2', 'run.4821', false]);
  });
});
