import type { StatusBody } from '../../shared/domain/api.ts';
import type { Cli } from '../cli.ts';
import { linesOf } from '../lines.ts';
import { CLOSE_SCREEN, fit, OPEN_SCREEN, repaint, type ScreenSize } from '../render/live-screen.ts';
import { renderStatus } from '../render/status.ts';
import { usageError } from '../usage-error.ts';

/** The status as it changes: on a terminal one screen that lives, with --json a line each time. */
export async function watchStatus(cli: Cli, json: boolean): Promise<void> {
  if (!json && !cli.interactive) throw usageError('--watch needs a terminal.', 'For programs: slipway status --watch --json');
  const answer = await (await cli.api()).stream('/status?follow=true', cli.signal);
  if (json) {
    for await (const line of linesOf(answer)) if (line !== '') await cli.write(`${line}\n`);
    return;
  }
  const close = (): void => void cli.write(CLOSE_SCREEN);
  // Ctrl-C ends the program right after it: the terminal has to be itself again by then.
  cli.signal.addEventListener('abort', close, { once: true });
  try {
    await cli.write(OPEN_SCREEN);
    await paintEach(cli, linesOf(answer));
  } finally {
    cli.signal.removeEventListener('abort', close);
    if (!cli.signal.aborted) close();
  }
}

async function paintEach(cli: Cli, lines: AsyncIterable<string>): Promise<void> {
  let shown: readonly string[] = [];
  let size: ScreenSize = cli.screen();
  for await (const line of lines) {
    if (line === '') continue; // keeps the connection alive
    const now = cli.screen();
    const next = fit(renderStatus(JSON.parse(line) as StatusBody, { paint: cli.paint, nowMs: cli.nowMs() }), now);
    const resized = now.columns !== size.columns || now.rows !== size.rows;
    await cli.write(resized ? `\u001b[2J${repaint([], next)}` : repaint(shown, next));
    shown = next;
    size = now;
  }
}
