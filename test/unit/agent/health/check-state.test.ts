import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  afterAnswer,
  failingChecks,
  failingReason,
  isSameVerdict,
  lastingChecks,
  notYetReady,
  resultsOf,
  type CheckState,
} from '../../../../agent/health/check-state.ts';
import { readHealthCheck } from '../../../../shared/domain/read-health-checks.ts';
import type { HealthCheck } from '../../../../shared/domain/health-check.ts';

const check = (type: string, attempts = 3): HealthCheck =>
  readHealthCheck('web', { type, path: '/up', attempts }, { path: 'x', refuse: (what) => new Error(what) });

function after(attempts: number, answers: readonly boolean[]): CheckState | undefined {
  return answers.reduce<CheckState | undefined>(
    (state, passed, at) =>
      afterAnswer({ attempts }, state, { passed, answer: passed ? 'it answered 200' : 'it answered 503', nowMs: at }),
    undefined,
  );
}

describe('the verdict of a check', () => {
  it('is bad exactly when the last answers were all bad, as many as the check has attempts', () => {
    const anyAnswers = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(anyAnswers, fc.integer({ min: 1, max: 6 }), (answers, attempts) => {
        const last = answers.slice(-attempts);
        const isBad = last.length === attempts && last.every((passed) => !passed);
        assert.equal(after(attempts, answers)?.passed, !isBad);
      }),
    );
  });

  it('keeps the time of its last change', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), (answers) => {
        const verdicts = answers.map((_, at) => after(2, answers.slice(0, at + 1))!.passed);
        const changes = verdicts.flatMap((verdict, at) => (at === 0 || verdict !== verdicts[at - 1] ? [at] : []));
        assert.equal(after(2, answers)?.sinceMs, changes.at(-1));
      }),
    );
  });

  it('counts no more failures than attempts, so a report does not change with each attempt', () => {
    assert.deepEqual(after(3, Array<boolean>(3).fill(false)), after(3, Array<boolean>(50).fill(false)));
  });
});

describe('the checks of a process', () => {
  const checks = lastingChecks([check('startup'), check('readiness'), check('liveness')]);
  const bad = after(3, [false, false, false])!;
  const statesOf = (entries: readonly (readonly [number, CheckState])[]): Map<string, CheckState> =>
    new Map(entries.map(([at, state]) => [`${String(at)} ${at === 0 ? 'readiness' : 'liveness'} check /up`, state]));

  it('are those that last, and fail by their verdict', () => {
    assert.deepEqual(
      checks.map(({ type }) => type),
      ['readiness', 'liveness'],
    );
    assert.deepEqual(failingChecks(checks, new Map()), []);
    const failing = failingChecks(
      checks,
      statesOf([
        [0, bad],
        [1, after(3, [false])!],
      ]),
    );
    assert.deepEqual(
      failing.map(({ type, failures }) => [type, failures]),
      [['readiness', 3]],
    );
    assert.equal(
      isSameVerdict(
        failing,
        failingChecks(
          checks,
          statesOf([
            [0, bad],
            [1, bad],
          ]),
        ),
      ),
      false,
    );
    assert.deepEqual(
      resultsOf(checks, statesOf([[1, bad]])).map((one) => one.check),
      ['liveness check /up'],
    );
  });

  it('explain in words why an instance gets no requests or is restarted', () => {
    const about = { name: 'web.1', app: 'shop' };
    const reasonOf = (...entries: readonly (readonly [number, CheckState])[]): string | undefined =>
      failingReason(about, failingChecks(checks, statesOf(entries)))?.message;
    assert.equal(reasonOf(), undefined);
    assert.equal(reasonOf([0, bad]), 'web.1 gets no requests: readiness check /up failed 3 times: it answered 503.');
    assert.equal(
      reasonOf([0, bad], [1, bad]),
      'web.1 is restarted: liveness check /up failed 3 times: it answered 503.',
    );
    const restarted = notYetReady([check('readiness'), check('liveness')], 5);
    assert.match(
      failingReason(about, restarted)?.message ?? '',
      /: readiness check \/up has not passed since the restart\.$/,
    );
  });
});
