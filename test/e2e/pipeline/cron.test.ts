import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';

const CRON = [
  { name: 'report', command: 'sh report.sh "users & orders"', schedule: '0 0 1 1 *' },
  { name: 'broken', command: 'echo no table; exit 3', schedule: '@yearly' },
];
const APP = {
  ...helloApp('1'),
  'app.json': JSON.stringify({ cron: CRON }),
  'report.sh': 'echo "report in $DYNO: $1"\n',
};

interface Run {
  readonly run?: string;
  readonly state: string;
  readonly exitCode?: number;
}

describe('cron entries', () => {
  let fleet: TestFleet;
  let hello: Repository;

  before(async () => {
    fleet = await TestFleet.start({ controller: { rollout: { settleMs: 200, bakeMs: 200 } } });
    hello = await fleet.me.repository('hello', APP);
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
  });
  after(() => fleet.stop());

  it('run in a sandbox of the app, and their output and exit code are kept', async () => {
    assert.match(await fleet.slipway('cron', '-a', 'hello'), /report +0 0 1 1 \* \(Etc\/UTC\) +in \d+ days/);
    assert.match(await fleet.slipway('cron:run', 'report', '-a', 'hello'), /report in cron\.report\.1: users & orders/);
    const broken = await fleet.slipway('cron:run', 'broken', '-a', 'hello');
    assert.match(broken, /no table\n[^]*cron\.broken\.2 failed after \d+ s with exit code 3\./);
    const runs = (await fleet.api('GET', '/apps/hello/cron-runs')) as Run[];
    assert.deepEqual(
      runs.map(({ run, state, exitCode }) => [run, state, exitCode]),
      [
        ['cron.broken.2', 'failed', 3],
        ['cron.report.1', 'succeeded', 0],
      ],
    );
    assert.match(await fleet.slipway('cron:output', 'cron.broken.2', '-a', 'hello'), /no table\n/);
    assert.match(await fleet.slipway('why', 'hello'), /cron\.broken\.2 of hello exited with status 3/);
    assert.match(await fleet.pastLogs('-a', 'hello', '-p', 'cron.report', '-n', '50'), /users & orders/);
  });
});
