import { describe, it } from 'node:test';
import { renderCron, renderCronRuns, renderOutput } from '../../../../cli/cron/render.ts';
import type { CronEntryBody, CronRunBody } from '../../../../shared/api/cron.ts';
import { MINUTE, NOW, assertScreen, context } from '../../../support/cli-screens.ts';

const RUN: CronRunBody = {
  ...{ entry: 'report', run: 'cron.report.7', state: 'failed', node: 'attic', release: 3, exitCode: 3 },
  ...{ tickMs: NOW - 600 * MINUTE, atMs: NOW - 600 * MINUTE, finishedAtMs: NOW - 599 * MINUTE, durationMs: 60_000 },
  failure: { code: 'SLIP_COMMAND_FAILED', message: 'cron.report.7 of shop exited with status 3.' },
};
const ENTRY: CronEntryBody = {
  ...{ name: 'report', type: 'report', schedule: '0 0 * * *', timeZone: 'Etc/UTC', concurrency: 'allow' },
  ...{
    missed: 'run-once',
    timeoutMs: 60_000,
    suspended: false,
    stopped: false,
    nextAtMs: NOW + 840 * MINUTE,
    last: RUN,
  },
};

describe('the screens of cron', () => {
  it('list entries with their next and last runs', () => {
    const { nextAtMs: _, last: __, type: ___, ...rest } = ENTRY;
    const job = { ...rest, name: 'job', command: 'node job.js', suspended: true };
    assertScreen(renderCron('shop', [ENTRY, job, { ...job, suspended: false, stopped: true }], context), [
      '=== shop cron entries',
      'report  0 0 * * * (Etc/UTC)  in 14 h (2026-11-21 00:00 UTC)  failed after 60 s with exit code 3, 9 h ago  process type report',
      'job     0 0 * * * (Etc/UTC)  suspended                       no run yet                                   node job.js',
      'job     0 0 * * * (Etc/UTC)  stopped                         no run yet                                   node job.js',
    ]);
    assertScreen(renderCron('shop', [], context), [
      'shop has no cron entries. Add a list "cron" to app.json, commit and push.',
    ]);
  });

  it('list runs, also those that did not start, and print the output of one', () => {
    const { run: _, node: __, durationMs: ___, ...rest } = RUN;
    const skipped: CronRunBody = { ...rest, state: 'skipped', failure: { code: 'X', message: 'shop is stopped.' } };
    const { tickMs: ____, failure: _____, ...own } = RUN;
    const manual: CronRunBody = { ...own, user: 'ada', state: 'succeeded', exitCode: 0 };
    assertScreen(renderCronRuns('shop', [RUN, skipped, manual], context), [
      '=== shop cron runs',
      'cron.report.7  failed     for 2026-11-20 00:00 UTC  10 h ago  took 60 s  attic  cron.report.7 of shop exited with status 3.',
      'report         skipped    for 2026-11-20 00:00 UTC  10 h ago                    shop is stopped.',
      'cron.report.7  succeeded  by ada                    10 h ago  took 60 s  attic',
    ]);
    assertScreen(renderOutput({ ...RUN, output: 'hello', outputBytes: 5 }), [
      'hello',
      'cron.report.7 failed after 60 s with exit code 3.',
    ]);
    assertScreen(renderOutput({ ...RUN, output: '', outputBytes: 5 }), [
      'Its output is not kept any more. See the logs of the app: slipway logs -p cron.report',
      'cron.report.7 failed after 60 s with exit code 3.',
    ]);
  });
});
