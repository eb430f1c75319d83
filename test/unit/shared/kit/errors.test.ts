import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCauses, isErrno, SlipwayError, toSlipwayError } from '../../../../shared/kit/errors.ts';

test('the kind decides the HTTP status unless one is given', () => {
  const status = (kind?: SlipwayError['kind']): number =>
    new SlipwayError({ code: 'SLIP_A_B', message: 'x', kind }).httpStatus;
  assert.deepEqual(
    [status(), status('user'), status('conflict'), status('transient'), status('bug')],
    [400, 400, 409, 503, 500],
  );
  assert.equal(new SlipwayError({ code: 'SLIP_A_B', message: 'x', httpStatus: 507 }).httpStatus, 507);
});

test('an error of ours passes unchanged, an unknown one becomes a safe sentence with its cause', () => {
  const own = new SlipwayError({ code: 'SLIP_A_B', message: 'x' });
  assert.equal(toSlipwayError(own), own);
  const cause = new Error('password=hunter2');
  const wrapped = toSlipwayError(cause);
  assert.equal(wrapped.code, 'SLIP_INTERNAL');
  assert.equal(wrapped.kind, 'bug');
  assert.equal(wrapped.cause, cause);
  assert.doesNotMatch(`${wrapped.message} ${wrapped.hint ?? ''}`, /hunter2/);
});

test('the chain of causes starts with the outermost one, and ends even when it is circular', () => {
  const inner = new Error('inner');
  assert.equal(describeCauses(new Error('outer', { cause: inner })), 'outer: inner');
  assert.equal(describeCauses(new Error('outer', { cause: { errno: 7 } })), 'outer: { errno: 7 }');
  assert.equal(describeCauses('just text'), 'just text');
  inner.cause = inner;
  assert.equal(describeCauses(inner).split(': ').length, 10);
});

test('a system error is recognised by its name alone', () => {
  assert.ok(isErrno(Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'));
  assert.ok(!isErrno(Object.assign(new Error('x'), { code: 'EACCES' }), 'ENOENT'));
  assert.ok(!isErrno({ code: 'ENOENT' }, 'ENOENT'));
  assert.ok(!isErrno(undefined, 'ENOENT'));
});
