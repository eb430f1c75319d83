import { connect } from 'node:net';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Listener } from '../sandbox/port.ts';
import { explainSilence } from './explain-silence.ts';

export interface GateTarget {
  readonly address: string;
  readonly port: number;
  /** True when the process has ended. */
  readonly exited: () => boolean;
  /** The sockets of the app, to explain why nothing answers. */
  readonly listeners: () => Promise<readonly Listener[]>;
  readonly signal: AbortSignal;
  /** Whether the port answers. Default: one TCP connect. */
  readonly answers?: ((address: string, port: number) => Promise<boolean>) | undefined;
}

export interface GatePolicy {
  /** As on Heroku, a web process must listen on PORT within 60 s (R10). */
  readonly timeoutMs: number;
  /** A process that listens on the wrong address for this long fails before the timeout. */
  readonly wrongBindAfterMs: number;
}

export const DEFAULT_GATE_POLICY: GatePolicy = Object.freeze({ timeoutMs: 60_000, wrongBindAfterMs: 5_000 });

export type GateOutcome =
  | { readonly passed: true }
  | { readonly passed: false; readonly reason: Reason }
  | { readonly passed: false; readonly exited: true };

const QUICK_PHASE_MS = 2_000;
const QUICK_INTERVAL_MS = 10;
const SLOW_INTERVAL_MS = 1_000;
const CONNECT_TIMEOUT_MS = 1_000;

/** Polls the port. The first polls are frequent, because every deploy waits for them. Later it polls once a second. */
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

/** A listener on `::` may also accept IPv4. Without an answer in three times this wait, it does not. */
function isCertain(code: string, waitedMs: number, policy: GatePolicy): boolean {
  return (
    code === 'SLIP_APP_LOOPBACK_ONLY' || (code === 'SLIP_APP_IPV6_ONLY' && waitedMs >= 3 * policy.wrongBindAfterMs)
  );
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
