import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cli } from '../../../../cli/cli.ts';
import { waitForProof } from '../../../../cli/domains/wait-for-proof.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

const missing = new SlipwayError({
  code: 'SLIP_DOMAIN_PROOF',
  message: 'ada must prove it.',
  hint: 'Add a TXT record.',
});

/** A terminal whose user ends the wait at once, or never. */
function terminal({ isEnded = false, nowMs = (): number => 0 } = {}): Cli {
  const signal = isEnded ? AbortSignal.abort() : new AbortController().signal;
  return { nowMs, signal, paint: plainPaint } as Cli;
}

test('a domain that is granted at once shows nothing', async () => {
  const say = (): never => assert.fail('nothing is said');
  assert.equal(await waitForProof(terminal(), { add: () => Promise.resolve('added'), say }), 'added');
});

test('the record is said once, and the wait can be ended', async () => {
  const said: string[] = [];
  const add = (): Promise<string> => Promise.reject(missing);
  assert.equal(await waitForProof(terminal({ isEnded: true }), { add, say: (text) => said.push(text) }), undefined);
  assert.deepEqual(said, [
    ' !    ada must prove it.\n      Add a TXT record.\nWaiting up to ten minutes for the record. Ctrl-C ends the wait.\n',
  ]);
});

test('the wait ends after ten minutes, and with every other refusal', async () => {
  const times = [0, 10 * 60_000 + 1];
  const late = terminal({ nowMs: () => times.shift() ?? 0 });
  await assert.rejects(waitForProof(late, { add: () => Promise.reject(missing), say: () => undefined }), missing);
  const taken = new SlipwayError({ code: 'SLIP_DOMAIN_TAKEN', message: 'It is in use.' });
  await assert.rejects(waitForProof(terminal(), { add: () => Promise.reject(taken), say: () => undefined }), taken);
});
