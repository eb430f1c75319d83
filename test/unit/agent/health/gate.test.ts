import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import type { AddressInfo } from 'node:net';
import { explainSilence } from '../../../../agent/health/explain-silence.ts';
import { waitForPort } from '../../../../agent/health/gate.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';

const target = {
  address: '127.0.0.1',
  exited: () => false,
  listeners: () => Promise.resolve([]),
  signal: new AbortController().signal,
};
const policy = { timeoutMs: 200, wrongBindAfterMs: 50 };

describe('the sentence for a silent port', () => {
  it('names an app that listens on loopback only', () => {
    assert.equal(explainSilence([{ address: '127.0.0.1', port: 5000 }], 5000, 5000).code, 'SLIP_APP_LOOPBACK_ONLY');
  });
  it('names an app that listens on IPv6 only', () => {
    for (const address of ['::', 'fd00::1']) {
      const reason = explainSilence(
        [
          { address, port: 5000 },
          { address: '127.0.0.1', port: 5000 },
        ],
        5000,
        15_000,
      );
      assert.deepEqual(
        [reason.code, reason.message.includes(`[${address}]:5000 for IPv6 only`)],
        ['SLIP_APP_IPV6_ONLY', true],
      );
      assert.match(reason.hint ?? '', /0\.0\.0\.0/);
    }
    assert.equal(
      explainSilence([{ address: '::ffff:127.0.0.1', port: 5000 }], 5000, 5000).code,
      'SLIP_APP_LOOPBACK_ONLY',
    );
  });
  it('names the port an app listens on instead', () => {
    assert.match(
      explainSilence([{ address: '0.0.0.0', port: 3000 }], 5000, 60_000).message,
      /port 3000, not on the port in PORT \(5000\)/,
    );
  });
  it('names the addresses of an app that listens on another port of few addresses', () => {
    const elsewhere = [
      { address: '127.0.0.1', port: 3000 },
      { address: '::1', port: 3000 },
    ];
    const { code, message, hint } = explainSilence(elsewhere, 5000, 60_000);
    assert.equal(code, 'SLIP_APP_WRONG_PORT');
    assert.match(message, /listens on 127\.0\.0\.1:3000, \[::1\]:3000, not on the port in PORT \(5000\)/);
    assert.match(hint ?? '', /Listen on 0\.0\.0\.0/);
  });
  it('names an app that listens on UDP only, but no UDP socket of a client', () => {
    const udp = (port: number) => ({ address: '0.0.0.0', port, protocol: 'udp' as const });
    for (const port of [5000, 53]) {
      const { code, message } = explainSilence([udp(port), udp(40_000)], 5000, 60_000);
      assert.deepEqual([code, message.includes(`UDP port ${String(port)} only`)], ['SLIP_APP_UDP_ONLY', true]);
    }
    assert.equal(
      explainSilence([udp(50_000)], 50_000, 60_000).code,
      'SLIP_APP_UDP_ONLY',
      'PORT itself may be such a number',
    );
    assert.equal(explainSilence([udp(40_000)], 5000, 60_000).code, 'SLIP_APP_NEVER_BOUND');
    assert.equal(
      explainSilence([udp(5000), { address: '0.0.0.0', port: 3000 }], 5000, 60_000).code,
      'SLIP_APP_WRONG_PORT',
    );
  });
  it('does not blame an app that listens where it should', () => {
    assert.equal(explainSilence([{ address: '0.0.0.0', port: 5000 }], 5000, 60_000).code, 'SLIP_APP_UNREACHABLE');
  });
  it('names an app that listens nowhere', () => {
    assert.equal(explainSilence([], 5000, 60_000).code, 'SLIP_APP_NEVER_BOUND');
  });
});

describe('the gate', () => {
  it('passes as soon as the port answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const patient = { timeoutMs: 120_000, wrongBindAfterMs: 120_000 };
    assert.deepEqual(await waitForPort({ ...target, port }, patient, systemClock), { passed: true });
    server.close();
  });
  it('gives up with a reason when nobody answers', async () => {
    const outcome = await waitForPort({ ...target, port: 1 }, policy, systemClock);
    assert.equal('reason' in outcome && outcome.reason.code, 'SLIP_APP_NEVER_BOUND');
  });
  it('ends early when the process has ended', async () => {
    assert.deepEqual(await waitForPort({ ...target, port: 1, exited: () => true }, policy, systemClock), {
      passed: false,
      exited: true,
    });
  });
  it('ends early when the app only listens on loopback', async () => {
    const listeners = () => Promise.resolve([{ address: '127.0.0.1', port: 1 }]);
    const outcome = await waitForPort({ ...target, port: 1, listeners }, { ...policy, timeoutMs: 60_000 }, systemClock);
    assert.equal('reason' in outcome && outcome.reason.code, 'SLIP_APP_LOOPBACK_ONLY');
  });
  it('ends early, but later, when the app only listens for IPv6', async () => {
    const listeners = () => Promise.resolve([{ address: '::', port: 1 }]);
    const outcome = await waitForPort({ ...target, port: 1, listeners }, { ...policy, timeoutMs: 60_000 }, systemClock);
    assert.equal('reason' in outcome && outcome.reason.code, 'SLIP_APP_IPV6_ONLY');
  });
});
