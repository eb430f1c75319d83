import type { LostAfterBody, NodeInfoBody, PlannedMoveBody, RebalanceBody } from '../../shared/api/nodes.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, textFlag, type Cli, type CommandRun } from '../cli.ts';
import { parseDurationMs } from '../parse-flags.ts';
import { renderDrainStep, renderLostAfter, renderMoves, renderNodeInfo } from '../render/nodes.ts';
import { usageError } from '../usage-error.ts';

const LOOK_MS = 1_000;

const pathOf = (node: string): string => `/nodes/${encodeURIComponent(node)}`;

export const info: CommandRun = async (cli, [node = ''], flags) => {
  const body = await (await cli.api()).call<NodeInfoBody>('GET', pathOf(node));
  await show(cli, flags, { body, render: (of) => renderNodeInfo(of, { paint: cli.paint, nowMs: cli.nowMs() }) });
};

export const cordon: CommandRun = async (cli, [node = ''], flags) => {
  const body = await (await cli.api()).call<NodeInfoBody>('POST', `${pathOf(node)}/cordon`);
  await show(cli, flags, {
    body,
    render: (of) => `${of.name} is cordoned: it gets no new instances. What runs there stays.\n`,
  });
};

export const uncordon: CommandRun = async (cli, [node = ''], flags) => {
  const body = await (await cli.api()).call<NodeInfoBody>('POST', `${pathOf(node)}/uncordon`);
  await show(cli, flags, {
    body,
    render: (of) => `${of.name} takes new instances again. To even the fleet out: slipway rebalance\n`,
  });
};

export const drain: CommandRun = async (cli, [node = ''], flags) => {
  const api = await cli.api();
  const deadline = textFlag(flags, 'deadline');
  const body = deadline === undefined ? {} : { deadlineMs: parseDurationMs(deadline, '--deadline') };
  const begun = await api.call<NodeInfoBody>('POST', `${pathOf(node)}/drain`, body);
  if (flags['wait'] === false)
    return show(cli, flags, {
      body: begun,
      render: (of) => `Draining ${of.name}. See: slipway nodes:info ${of.name}\n`,
    });
  const ended = await followDrain(cli, begun, (text) => (flags['json'] === true ? Promise.resolve() : cli.write(text)));
  if (ended.placed.length > 0) throw notEmpty(ended);
  await show(cli, flags, {
    body: ended,
    render: (of) => `${of.name} is drained and stays cordoned. To use it again: slipway nodes:uncordon ${of.name}\n`,
  });
};

/** Says what is new each time; Ctrl-C ends the watching, not the drain. */
async function followDrain(cli: Cli, begun: NodeInfoBody, say: (text: string) => Promise<void>): Promise<NodeInfoBody> {
  const api = await cli.api();
  let now = begun;
  let said = new Set<string>();
  for (;;) {
    const lines = renderDrainStep(now, cli.paint);
    for (const line of lines.filter((each) => !said.has(each))) await say(`${line}\n`);
    said = new Set(lines);
    if (now.draining !== true || cli.signal.aborted) return now;
    await pause(cli);
    now = await api.call<NodeInfoBody>('GET', pathOf(begun.name));
  }
}

export const remove: CommandRun = async (cli, [node = ''], flags) => {
  await (await cli.api()).call('DELETE', `${pathOf(node)}${flags['force'] === true ? '?force=true' : ''}`);
  await cli.write(
    `Removed ${node}. If the machine still runs, clean it up with, on ${node}: sudo sh /opt/slipway/current/install.sh --uninstall\n`,
  );
};

export const label: CommandRun = async (cli, [node = '', ...words], flags) => {
  const labels = Object.fromEntries(words.map(parseLabel));
  const body = await (await cli.api()).call<NodeInfoBody>('PATCH', `${pathOf(node)}/labels`, { labels });
  const shown = Object.entries(body.labels).map(([name, value]) => `${name}=${value}`);
  await show(cli, flags, {
    body,
    render: (of) => `${of.name}: ${shown.length === 0 ? 'no labels' : shown.sort().join(' ')}\n`,
  });
};

function parseLabel(word: string): [string, string | null] {
  const at = word.indexOf('=');
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
  if (at < 0 && word.length > 1 && word.endsWith('-')) return [word.slice(0, -1), null];
  throw usageError(
    'A label is set as NAME=value and removed as NAME-.',
    'For example: slipway nodes:label fra-1 region=fra ssd-',
  );
}

export const rebalance: CommandRun = async (cli, _args, flags) => {
  const api = await cli.api();
  const go = flags['yes'] === true;
  const body = go
    ? await api.call<RebalanceBody>('POST', '/rebalance')
    : await api.call<RebalanceBody>('GET', '/rebalance');
  if (!go || flags['json'] === true) return show(cli, flags, { body, render: (of) => renderMoves(of, cli.paint) });
  await cli.write(renderMoves(body, cli.paint));
  await followMoves(cli, body);
};

async function followMoves(cli: Cli, begun: RebalanceBody): Promise<void> {
  const api = await cli.api();
  const done = new Set<number>();
  for (let now = begun; now.running && !cli.signal.aborted;) {
    await pause(cli);
    now = await api.call<RebalanceBody>('GET', '/rebalance/progress');
    for (const [at, move] of now.moves.entries()) {
      const end = ENDS[move.state]?.(move);
      if (end === undefined || done.has(at)) continue;
      done.add(at);
      await cli.write(`${move.instance} of ${move.app} ${end}\n`);
    }
  }
}

const ENDS: Readonly<Partial<Record<PlannedMoveBody['state'], (move: PlannedMoveBody) => string>>> = {
  moved: ({ to }) => `is on ${to} now`,
  stayed: ({ from }) => `stayed on ${from}; why: slipway events`,
};

async function pause({ signal }: Cli): Promise<void> {
  await systemClock.sleep(LOOK_MS, signal).catch(() => undefined); // Ctrl-C
}

export const lostAfter: CommandRun = async (cli, [duration], flags) => {
  const api = await cli.api();
  const app = await cli.app(flags);
  const path = `/apps/${encodeURIComponent(app)}/lost-after`;
  const body =
    duration === undefined
      ? await api.call<LostAfterBody>('GET', path)
      : await api.call<LostAfterBody>('PUT', path, { lostAfterMs: parseLostAfter(duration) });
  await show(cli, flags, { body, render: (of) => renderLostAfter(app, of) });
};

function parseLostAfter(text: string): number | 'never' | null {
  if (text === 'never') return 'never';
  return text === 'default' ? null : parseDurationMs(text, 'The duration', 'slipway apps:lost-after 15m');
}

function notEmpty(node: NodeInfoBody): SlipwayError {
  const names = node.placed.map(({ app, name }) => `${name} of ${app}`).join(', ');
  return new SlipwayError({
    code: 'SLIP_NODE_NOT_DRAINED',
    kind: 'conflict',
    message: `${node.name} is not empty: ${names} could not be moved in time and goes on running. The node stays cordoned.`,
    hint: `See why with: slipway nodes:info ${node.name} — then drain it again with a longer --deadline.`,
  });
}
