import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { endWhenRevoked } from '../../../../controller/api/end-revoked.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

const REVOKED = new SlipwayError({ code: 'SLIP_TOKEN_REVOKED', message: 'The token was revoked.' });

interface Case {
  readonly answer: PassThrough;
  readonly passed: Readable;
  readonly revoke: () => void;
  readonly clock: VirtualClock;
  readonly closed: () => boolean;
}

function open(): Case {
  const [answer, revoked, clock] = [new PassThrough(), new AbortController(), new VirtualClock()];
  let isClosed = false;
  const close = (): void => void (isClosed = true);
  const passed = endWhenRevoked(answer, { revoked: revoked.signal, isJson: false, clock, close });
  return { answer, passed, revoke: () => revoked.abort(REVOKED), clock, closed: () => isClosed };
}

describe('an answer that may be revoked', () => {
  it('is passed on to its end', async () => {
    const { answer, passed } = open();
    answer.end('all of it');
    assert.equal(await text(passed), 'all of it');
  });

  it('is cut off when it is closed before its end', async () => {
    const { answer, passed } = open();
    const closed = once(passed, 'close');
    answer.write('a part');
    answer.destroy();
    await closed;
    assert.equal(passed.readableEnded, false);
  });

  it('ends with the reason, and a client that does not read is cut off', async () => {
    const { answer, passed, revoke, clock, closed } = open();
    const read = text(passed);
    answer.write('a part');
    revoke();
    assert.equal(await read, 'a part\n !     The token was revoked.\n');
    const silent = open();
    silent.answer.write('a part');
    silent.revoke();
    await silent.clock.advance(1_999);
    assert.equal(silent.closed(), false);
    await silent.clock.advance(1);
    assert.equal(silent.closed(), true);
    await clock.advance(10_000);
    assert.equal(closed(), false);
  });
});
