import { Load, type Seen } from './load.ts';
import type { Server } from './servers/server.ts';

/** After so many equal answers in a row, a server is taken to give no other. */
const ENOUGH = 10;

/** Requests at a constant rate through every server of a fleet. */
export class FleetLoad {
  readonly #loads: readonly Load[];

  private constructor(loads: readonly Load[]) {
    this.#loads = loads;
  }

  /** Resolves after the first answer of every server. */
  static async start(servers: readonly Server[], app: string, ratePerS: number): Promise<FleetLoad> {
    const target = { port: 80, host: `${app}.localhost` };
    return new FleetLoad(await Promise.all(servers.map(({ address }) => Load.at({ ...target, address }, ratePerS))));
  }

  /** Resolves when the last answers of every server start with this text. */
  async untilServed(text: string): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.until((seen) => isServed(seen, text))));
  }

  /** Resolves when every open request has ended, with what each server answered. */
  stop(): Promise<readonly Seen[]> {
    return Promise.all(this.#loads.map((load) => load.stop()));
  }
}

function isServed({ bodies, endedAtMs, failedAtMs }: Seen, text: string): boolean {
  const last = bodies.slice(-ENOUGH);
  const sinceMs = endedAtMs.at(-ENOUGH) ?? Infinity;
  return last.length === ENOUGH && last.every((body) => body.startsWith(text)) && (failedAtMs.at(-1) ?? 0) < sinceMs;
}

/** From when every server gave only answers that start with this text. Monotonic ms. */
export function servedFromMs(servers: readonly Seen[], text: string): number {
  return Math.max(...servers.map((seen) => firstOfTheRestMs(seen, text)));
}

function firstOfTheRestMs({ bodies, endedAtMs, failedAtMs }: Seen, text: string): number {
  const others = endedAtMs.filter((_, index) => bodies[index]?.startsWith(text) !== true);
  const lastOtherMs = Math.max(-Infinity, ...others, ...failedAtMs);
  return endedAtMs.find((atMs) => atMs > lastOtherMs) ?? Infinity;
}
