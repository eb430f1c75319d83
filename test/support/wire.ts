import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { decodeAgentMessage, encodeAgentMessage } from '../../shared/rpc/agent-codec.ts';
import { decodeControllerMessage, encodeControllerMessage } from '../../shared/rpc/controller-codec.ts';
import type { AgentMessage, ControllerMessage } from '../../shared/rpc/messages.ts';
import { loadAgentService, type WireAgentMessage, type WireControllerMessage } from '../../shared/rpc/service.ts';

export const { Session } = loadAgentService().service;

export function throughAgentWire(message: AgentMessage): unknown {
  return decodeAgentMessage(Session.requestDeserialize(Session.requestSerialize(encodeAgentMessage(message))));
}

export function throughControllerWire(message: ControllerMessage): unknown {
  return decodeControllerMessage(
    Session.responseDeserialize(Session.responseSerialize(encodeControllerMessage(message))),
  );
}

/** Plain values for comparison: secrets shown, bytes as hex, absent fields gone. */
export function plain(value: unknown): unknown {
  if (value instanceof Sensitive) return { secret: value.reveal() };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, plain(field)]),
  );
}

export function roundTrips<T>(messages: fc.Arbitrary<T>, through: (message: T) => unknown): void {
  fc.assert(
    fc.property(messages, (message) => {
      assert.deepEqual(plain(through(message)), plain(message));
    }),
    { numRuns: 100 },
  );
}

export function decodeRawAgent(wire: WireAgentMessage): unknown {
  return decodeAgentMessage(Session.requestDeserialize(Session.requestSerialize(wire)));
}

export function decodeRawController(wire: WireControllerMessage): unknown {
  return decodeControllerMessage(Session.responseDeserialize(Session.responseSerialize(wire)));
}

export const refusesWith =
  (detail: RegExp) =>
  (error: unknown): true => {
    assert.ok(error instanceof SlipwayError);
    assert.equal(error.code, 'SLIP_RPC_BAD_MESSAGE');
    assert.match(error.message, detail);
    return true;
  };
