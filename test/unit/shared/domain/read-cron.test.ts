import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cronEntries } from '../../../../shared/domain/cron.ts';
import { readCron, unknownCronType } from '../../../../shared/domain/read-cron.ts';

const read = (value: unknown): ReturnType<typeof readCron> => readCron(value, (what) => new Error(what));
const JOB = { command: 'node job.js', schedule: '@daily' };

describe('the cron entries of app.json', () => {
  it("are read in Dokku's format, with defaults", () => {
    const entries = read([
      JOB,
      { type: 'report', schedule: ' 30 2 * * * ', timezone: 'Europe/Berlin', concurrency_policy: 'replace' },
      { ...JOB, name: 'often', schedule: '*/5 * * * *', missed: 'skip', timeout: 60, maintenance: true },
    ]);
    const defaults = { timeZone: 'Etc/UTC', concurrency: 'allow', missed: 'run-once', timeoutMs: 86_400_000 };
    assert.deepEqual(entries, [
      { ...defaults, name: 'node-job-js', command: 'node job.js', schedule: '@daily', suspended: false },
      {
        ...defaults,
        ...{ name: 'report', processType: 'report', schedule: '30 2 * * *', timeZone: 'Europe/Berlin' },
        ...{ concurrency: 'replace', suspended: false },
      },
      {
        ...{ name: 'often', command: 'node job.js', schedule: '*/5 * * * *', timeZone: 'Etc/UTC' },
        ...{ concurrency: 'allow', missed: 'skip', timeoutMs: 60_000, suspended: true },
      },
    ]);
    const stored: unknown = JSON.parse(JSON.stringify(entries));
    assert.deepEqual(cronEntries.parse(stored), stored, 'they survive the database');
  });

  it('with the same command get names from their schedules, in any order', () => {
    const jobs = [JOB, { ...JOB, schedule: '@hourly' }];
    const names = read(jobs).map(({ name }) => name);
    assert.match(names.join(' '), /^node-job-js-[0-9a-f]{8} node-job-js-[0-9a-f]{8}$/);
    assert.deepEqual(
      read(jobs.toReversed()).map(({ name }) => name),
      names.toReversed(),
    );
  });

  const bad: readonly [string, unknown, RegExp][] = [
    ['no list', {}, /^"cron" must be a list$/],
    ['too many', Array(21).fill(JOB), /^"cron" has more than 20 entries$/],
    ['no object', ['@daily'], /^"cron\.0" must be an object$/],
    ['an unknown key', [{ ...JOB, scedule: 'x' }], /^"cron\.0" has the unknown key "scedule"/],
    ['neither command nor type', [{ schedule: '@daily' }], /^"cron\.0" must have either/],
    ['both command and type', [{ ...JOB, type: 'web' }], /^"cron\.0" must have either/],
    ['an empty command', [{ ...JOB, command: ' ' }], /^"cron\.0\.command" must be a text/],
    ['a bad type', [{ type: '../x', schedule: '@daily' }], /^"cron\.0\.type" must be the name/],
    ['a bad name', [{ ...JOB, name: 'A b' }], /^"cron\.0\.name" must have 1 to 40/],
    ['no schedule', [{ command: 'x' }], /^"cron\.0\.schedule" must be a text/],
    [
      'a schedule that never matches',
      [JOB, { ...JOB, schedule: '0 0 30 2 *' }],
      /^"cron\.1\.schedule" "0 0 30 2 \*" never/,
    ],
    ['seconds', [{ ...JOB, schedule: '* * * * * *' }], /has 6 fields/],
    ['an unknown time zone', [{ ...JOB, timezone: 'Mars/Base' }], /^"cron\.0\.timezone" "Mars\/Base" must be/],
    [
      'an unknown policy',
      [{ ...JOB, concurrency_policy: 'never' }],
      /"cron\.0\.concurrency_policy" must be allow, forbid or replace/,
    ],
    ['a bad rule for missed ticks', [{ ...JOB, missed: 'all' }], /"cron\.0\.missed" must be run-once or skip/],
    ['a timeout of three days', [{ ...JOB, timeout: 259_200 }], /"cron\.0\.timeout" must be a whole number/],
    ['a flag that is a text', [{ ...JOB, maintenance: 'yes' }], /"cron\.0\.maintenance" must be true or false/],
    ['the same entry twice', [JOB, JOB], /^"cron\.1" has the same name as "cron\.0"/],
    [
      'the same name twice',
      [
        { ...JOB, name: 'x' },
        { ...JOB, name: 'x' },
      ],
      /^"cron\.1" has the same name as "cron\.0" \(x\)/,
    ],
  ];
  for (const [what, value, message] of bad)
    it(`are refused with their path: ${what}`, () => {
      assert.throws(() => read(value), { message });
    });

  it('with a process type that the app does not have are told with the types that it has', () => {
    const entries = read([JOB, { type: 'report', schedule: '@daily' }]);
    assert.equal(unknownCronType(entries, { report: 'x' }), undefined);
    assert.equal(
      unknownCronType(entries, { web: 'x' }),
      '"cron.1.type" is "report", and the app has no such process type. It has web',
    );
  });
});
