import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { versionFit, versionMismatch } from '../../../../shared/domain/agent-version.ts';

describe('the version of an agent and that of its controller', () => {
  it('go together when the first two numbers are the same, or the agent is one behind', () => {
    const rows = [
      ['0.1.0+c3e11cb00a2f', '0.1.0', 'same'],
      ['0.1.7', '0.1.0', 'same'],
      ['0.1.0', '0.2.3', 'behind'],
      ['0.1.9', '0.3.0', 'too-old'],
      ['0.2.0+c3e11cb00a2f', '0.1.9', 'too-new'],
      ['1.0.0', '0.9.0', 'too-new'],
      ['0.9.4', '1.0.0', 'behind'],
      ['0.9.4', '1.1.0', 'too-old'],
      ['1.4.0', '3.0.0', 'too-old'],
    ] as const;
    for (const [agent, controller, fit] of rows)
      assert.equal(versionFit(agent, controller), fit, `${agent} and ${controller}`);
  });

  it('are not compared when one of them is unknown', () => {
    for (const agent of ['', 'x', '1', '1.2', '1.2.3\u001b[2J', '-1.0.0', '1.0.0 0.2.0'])
      assert.equal(versionFit(agent, '0.1.0'), undefined);
  });

  it('never both too old and too new, whichever is asked about the other', () => {
    const version = fc.tuple(fc.nat(3), fc.nat(5), fc.nat(9)).map((numbers) => numbers.join('.'));
    fc.assert(
      fc.property(version, version, (one, other) => {
        const [fit, turned] = [versionFit(one, other), versionFit(other, one)];
        assert.equal(fit === 'same', turned === 'same');
        assert.equal(fit === 'too-new', turned === 'behind' || turned === 'too-old');
      }),
    );
  });

  it('lead to a sentence with the next command only when they do not go together', () => {
    const mismatch = (agentVersion: string) => versionMismatch({ name: 'fra-1', agentVersion }, '0.3.0');
    assert.equal(mismatch('0.2.0+c3e11cb00a2f'), undefined);
    assert.match(
      mismatch('0.1.0+c3e11cb00a2f')?.message ?? '',
      /^The agent of fra-1 \(0\.1\.0\+c3e11cb00a2f\) is more than one version behind this controller \(0\.3\.0\)/,
    );
    assert.match(mismatch('0.4.0+c3e11cb00a2f')?.message ?? '', /newer than this controller \(0\.3\.0\)/);
    assert.equal(mismatch('0.1.0+c3e11cb00a2f')?.hint, 'slipway nodes:upgrade fra-1');
    assert.equal(mismatch('0.1.0')?.hint, 'slipway nodes:token', 'a checkout does not upgrade itself');
  });
});
