import { randomInt } from 'node:crypto';
import type { StatusBody } from '../../shared/api/observe.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Cli } from '../cli.ts';
import { escapeAll } from '../terminal/escape.ts';
import { CLOSE_SCREEN, fit, OPEN_SCREEN, repaint, type ScreenSize } from '../terminal/live-screen.ts';
import { usageError } from '../usage-error.ts';
import { renderOutdated, renderStatus } from './render.ts';

/** The controller sends the status at least every 5 s. */
const SILENCE_MS = 12_000;
const RETRY: BackoffPolicy = { firstMs: 500, maxMs: 5_000, factor: 2 };

/** Shows each new status: on a terminal as one screen, with --json as one line. */
export async function watchStatus(cli: Cli, json: boolean): Promise<void> {
  if (!json && !cli.interactive)
    throw usageError('--watch needs a terminal.', 'In a script: slipway status --watch --json');
  if (json) {
    for await (const status of statuses(cli)) await cli.write(`${JSON.stringify(status)}\n`);
    return;
  }
  const close = (): void => void cli.write(CLOSE_SCREEN);
  // Ctrl-C ends the program right after this event, so the terminal must be restored now.
  cli.signal.addEventListener('abort', close, { once: true });
  try {
    await cli.write(OPEN_SCREEN);
    await keepShowing(cli);
  } finally {
    cli.signal.removeEventListener('abort', close);
    if (!cli.signal.aborted) close();
  }
}

async function* statuses(cli: Cli): AsyncGenerator<StatusBody> {
  const api = await cli.api();
  const options = { signal: cli.signal, silenceMs: SILENCE_MS };
  for await (const status of api.lines('showStatus', { query: { follow: true } }, options)) yield escapeAll(status);
}

/** Reconnects when the controller or the network fails; until then the screen says how old it is. */
async function keepShowing(cli: Cli): Promise<void> {
  const screen = new LiveScreen(cli);
  let last: { readonly status: StatusBody; readonly atMs: number } | undefined;
  for (let failures = 0; ; failures += 1) {
    try {
      for await (const status of statuses(cli)) {
        failures = 0;
        last = { status, atMs: cli.nowMs() };
        await screen.show(renderStatus(status, { paint: cli.paint, nowMs: last.atMs }));
      }
    } catch (error) {
      if (last === undefined || !isPassing(error)) throw error;
    }
    if (last === undefined) return;
    await screen.show(renderOutdated(last.status, { paint: cli.paint, nowMs: last.atMs }));
    await systemClock.sleep(backoffDelayMs(RETRY, failures, randomInt(2 ** 32) / 2 ** 32), cli.signal);
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof SlipwayError && error.kind === 'transient';
}

class LiveScreen {
  readonly #cli: Cli;
  #shown: readonly string[] = [];
  #size: ScreenSize;

  constructor(cli: Cli) {
    this.#cli = cli;
    this.#size = cli.screen();
  }

  async show(text: string): Promise<void> {
    const size = this.#cli.screen();
    const next = fit(text, size);
    const resized = size.columns !== this.#size.columns || size.rows !== this.#size.rows;
    await this.#cli.write(resized ? `\u001b[2J${repaint([], next)}` : repaint(this.#shown, next));
    this.#shown = next;
    this.#size = size;
  }
}
