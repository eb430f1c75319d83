import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { remotePath } from '../../../../cli/ps/copy.ts';
import { execTarget } from '../../../../cli/ps/exec.ts';
import { parsePorts } from '../../../../cli/ps/forward.ts';

describe('the words of ps:exec, ps:forward and ps:copy', () => {
  it('name an instance first, or mean web.1', () => {
    assert.deepEqual(execTarget(['worker.2', 'ls', '-l'], {}), { instance: 'worker.2', command: ['ls', '-l'] });
    assert.deepEqual(execTarget(['ls', 'web.1'], {}), { instance: 'web.1', command: ['ls', 'web.1'] });
    assert.deepEqual(execTarget([], {}), { instance: 'web.1', command: [] });
    assert.deepEqual(execTarget(['web.1'], { dyno: 'web.3' }), { instance: 'web.3', command: ['web.1'] });
    assert.throws(() => execTarget(['web.1', '-a', 'shop', 'ls'], {}), {
      hint: 'Options come before the instance: slipway ps:exec -a APP web.1 COMMAND',
    });
    assert.throws(() => execTarget([], { dyno: 'web' }), { code: 'SLIP_CLI_USAGE' });
  });

  it('name two ports, or one for both ends', () => {
    assert.deepEqual(parsePorts('8080:5000'), { local: 8080, remote: 5000 });
    assert.deepEqual(parsePorts('5000'), { local: 5000, remote: 5000 });
    assert.deepEqual(parsePorts('0:5000'), { local: 0, remote: 5000 });
    for (const word of ['', 'a', '1:', ':1', '80:0', '70000:1', '1:2:3', '-1'])
      assert.throws(() => parsePorts(word), { code: 'SLIP_CLI_USAGE' }, word);
  });

  it('tell a path in an instance from a path of this machine', () => {
    assert.deepEqual(remotePath('web.1:/tmp/x'), { instance: 'web.1', path: '/tmp/x' });
    assert.deepEqual(remotePath('web.1:log/'), { instance: 'web.1', path: '/app/log' });
    for (const word of ['./web.1', 'web.1', 'C:/x', 'web:/x']) assert.equal(remotePath(word), undefined, word);
  });
});
