import { connect } from 'node:net';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Listener } from '../sandbox/port.ts';

export interface GateTarget {
  readonly address: string;
  readonly port: number;
  /** True as soon as the process has ended: there is nothing to wait for. */
  readonly exited: () => boolean;
  /** What it listens on, to say why nobody answers. */
  readonly listeners: () => Promise<readonly Listener[]>;
  readonly signal: AbortSignal;
  /** How to find out whether somebody answers there. Default: one TCP connect. */
  readonly answers?: ((address: string, port: number) => Promise<boolean>) | undefined;
}

export interface GatePolicy {
  /** Heroku: web must bind $PORT within 60 s (R10). */
  readonly timeoutMs: number;
  /** A process seen on the wrong address for this long will not move: fail early, with the reason. */
  readonly wrongBindAfterMs: number;
}

export const DEFAULT_GATE_POLICY: GatePolicy = Object.freeze({ timeoutMs: 60_000, wrongBindAfterMs: 5_000 });

export type GateOutcome =
  { readonly passed: true } | { readonly passed: false; readonly reason: Reason } | { readonly passed: false; readonly exited: true };

const QUICK_PHASE_MS = 2_000;
const QUICK_INTERVAL_MS = 10;
const SLOW_INTERVAL_MS = 1_000;
const CONNECT_TIMEOUT_MS = 1_000;

/** Polls the port: closely at first, since that wait is part of every deploy, then backing off to once a second. */
export async function waitForPort(target: GateTarget, policy: GatePolicy, clock: Clock): Promise<GateOutcome> {
  const startedAtMs = clock.monotonicMs();
  const tryPort = target.answers ?? answers;
  let intervalMs = QUICK_INTERVAL_MS;
  for (;;) {
    if (await tryPort(target.address, target.port)) return { passed: true };
    if (target.exited()) return { passed: false, exited: true };
    target.signal.throwIfAborted();
    const waitedMs = clock.monotonicMs() - startedAtMs;
    if (waitedMs >= policy.timeoutMs || waitedMs >= policy.wrongBindAfterMs) {
      const reason = explainSilence(await target.listeners(), target.port, waitedMs);
      if (waitedMs >= policy.timeoutMs || isCertain(reason.code, waitedMs, policy)) return { passed: false, reason };
    }
    if (waitedMs > QUICK_PHASE_MS) intervalMs = Math.min(SLOW_INTERVAL_MS, intervalMs * 1.5);
    await clock.sleep(intervalMs, target.signal);
  }
}

/** A listener on `::` may also accept IPv4. After three times the wait without an answer it is certain that it does not. */
function isCertain(code: string, waitedMs: number, policy: GatePolicy): boolean {
  return code === 'SLIP_APP_LOOPBACK_ONLY' || (code === 'SLIP_APP_IPV6_ONLY' && waitedMs >= 3 * policy.wrongBindAfterMs);
}

/** Pure: the sentence for a port that nobody answers on. */
export function explainSilence(listeners: readonly Listener[], port: number, waitedMs: number): Reason {
  const seconds = String(Math.round(waitedMs / 1000));
  const onPort = listeners.filter((listener) => listener.port === port);
  if (onPort.length > 0 && onPort.every(isLoopback)) {
    return {
      code: 'SLIP_APP_LOOPBACK_ONLY',
      message: `The app listens on ${onPort[0]?.address ?? '127.0.0.1'}:${String(port)} only, where the proxy cannot reach it.`,
      hint: 'Listen on 0.0.0.0 (all addresses) and the port in the environment variable PORT, then push again.',
    };
  }
  if (onPort.length > 0 && onPort.every((listener) => isLoopback(listener) || listener.address.includes(':'))) {
    const { address } = onPort.find((listener) => !isLoopback(listener)) ?? { address: '::' };
    return {
      code: 'SLIP_APP_IPV6_ONLY',
      message: `The app listens on [${address}]:${String(port)} for IPv6 only. The proxy connects over IPv4, and nothing answered within ${seconds} s.`,
      hint: 'Listen on 0.0.0.0 (or on :: without the option that excludes IPv4) and the port in the environment variable PORT, then push again.',
    };
  }
  if (onPort.length > 0) {
    return {
      code: 'SLIP_APP_UNREACHABLE',
      message: `The app listens on its port (${String(port)}), but this node could not connect to it within ${seconds} s.`,
      hint: 'Push again; if it stays so, the network of the node is at fault: `slipway status` shows how it is.',
    };
  }
  if (listeners.length > 0) {
    const ports = [...new Set(listeners.map((listener) => listener.port))].sort((a, b) => a - b).slice(0, 5);
    return {
      code: 'SLIP_APP_WRONG_PORT',
      message: `The app listens on port ${ports.join(', ')}, not on the port in PORT (${String(port)}), so nothing reached it within ${seconds} s.`,
      hint: 'Read the port from the environment variable PORT instead of a fixed number, then push again.',
    };
  }
  return {
    code: 'SLIP_APP_NEVER_BOUND',
    message: `The app runs but did not listen on its port (PORT=${String(port)}) within ${seconds} s.`,
    hint: 'Make the web process listen on 0.0.0.0 and the port in PORT; if it is no web app, name its process type "worker" in the Procfile.',
  };
}

function isLoopback(listener: Listener): boolean {
  return /^(::ffff:)?127\./.test(listener.address) || listener.address === '::1';
}

/** One TCP connect. */
export function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: CONNECT_TIMEOUT_MS });
    const end = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once('connect', () => {
      end(true);
    });
    socket.once('timeout', () => {
      end(false);
    });
    socket.once('error', () => {
      end(false);
    });
  });
}
