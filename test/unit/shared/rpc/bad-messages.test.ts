import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { decodeAgentMessage } from '../../../../shared/rpc/agent-codec.ts';
import { encodeControllerMessage } from '../../../../shared/rpc/controller-codec.ts';
import * as any from '../../../support/arbitraries.ts';
import { decodeRawAgent, decodeRawController, refusesWith, Session, throughAgentWire } from '../../../support/wire.ts';

describe('a bad message is refused by name', () => {
  it('names the field and the rule, not the value', () => {
    assert.throws(
      () => decodeRawAgent({ taskOutput: { taskId: '../../etc/passwd' } }),
      refusesWith(/task_output\.taskId is not an id/),
    );
    const stolen = {
      desired: { generation: 1, epoch: { counter: 1, id: 'a' }, assignments: [{ config: { 'BAD NAME': 's3cret' } }] },
    };
    assert.throws(
      () => decodeRawController(stolen),
      (error: unknown) => {
        assert.ok(error instanceof SlipwayError);
        return !error.message.includes('s3cret');
      },
    );
  });

  it('refuses numbers that lose digits, and infinite ones', () => {
    assert.throws(
      () => decodeRawAgent({ heartbeat: { diskFreeBytes: '18446744073709551615' } }),
      refusesWith(/heartbeat\.diskFreeBytes/),
    );
    assert.throws(() => decodeRawAgent({ heartbeat: { load1: Infinity } }), refusesWith(/heartbeat\.load1/));
  });

  it('refuses lists and chunks beyond their limit', () => {
    const chunk = Buffer.alloc(256 * 1024 + 1);
    assert.throws(() => decodeRawAgent({ taskOutput: { taskId: 'task00000001', chunk } }), refusesWith(/too long/));
    const lines = Array.from({ length: 1_001 }, () => ({ process: 'web.1', source: 'app' }));
    assert.throws(
      () => decodeRawAgent({ logChunk: { queryId: 'query0000001', lines } }),
      refusesWith(/log_chunk\.lines/),
    );
  });

  it('refuses a desired state that names an instance twice or asks for an unknown thing', () => {
    const [assignment] = fc.sample(any.anyAssignment, { numRuns: 1, seed: 1 });
    const state = { epoch: { counter: 1, id: 'a' }, generation: 1, routes: [], massStopReason: '' };
    const twice = encodeControllerMessage({
      kind: 'desired',
      state: { ...state, assignments: [assignment!, assignment!] },
    });
    assert.throws(() => decodeRawController(twice), refusesWith(/twice/));
    const once = encodeControllerMessage({ kind: 'desired', state: { ...state, assignments: [assignment!] } });
    const odd = {
      desired: { ...once.desired, assignments: [{ ...once.desired?.assignments?.[0], desired: 'explode' }] },
    };
    assert.throws(() => decodeRawController(odd), refusesWith(/assignments\.0\.desired/));
  });

  it('reads a task result it cannot understand as the failure of that task', () => {
    const slug = { layers: [], processTypes: {}, stack: 'host', commit: 'x' };
    const read = decodeRawAgent({ taskResult: { taskId: 'task00000001', build: { slug } } });
    const { outcome } = read as { outcome: { ok: boolean; failure?: { code: string } } };
    assert.equal(outcome.ok, false);
    assert.equal(outcome.failure?.code, 'SLIP_RPC_BAD_MESSAGE');
  });

  it('reads a state it does not know as pending, and a message it does not know as unknown', () => {
    const report = decodeRawAgent({
      instanceReport: { statuses: [{ instanceId: 'instance0001', state: 'hibernating' }] },
    });
    assert.equal((report as { statuses: { state: string }[] }).statuses[0]?.state, 'pending');
    assert.deepEqual(decodeRawAgent({}), { kind: 'unknown' });
  });

  it('never crashes on random bytes: it throws an error or reads a message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeAgentMessage(Session.requestDeserialize(Buffer.from(bytes)));
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('shortens free text instead of dropping the message', () => {
    const reason = { code: 'SLIP_X', message: 'x'.repeat(10_000) };
    const ack = throughAgentWire({ kind: 'desiredAck', generation: 1, reason }) as {
      reason: { message: string };
    };
    assert.equal(ack.reason.message.length, 4_000);
  });
});
