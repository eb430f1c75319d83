import { show, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderNodeInfo, renderNodes } from './render.ts';

export const nodes: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('listNodes');
  await show(cli, flags, { body, render: (rows) => renderNodes(rows, cli.paint) });
};

export const info: CommandRun = async (cli, [node = ''], flags) => {
  const body = await (await cli.api()).call('showNode', { params: { node } });
  await show(cli, flags, {
    body,
    render: (answer) => renderNodeInfo(answer, { paint: cli.paint, nowMs: cli.nowMs() }),
  });
};

export const cordon: CommandRun = async (cli, [node = ''], flags) => {
  const body = await (await cli.api()).call('cordonNode', { params: { node } });
  await show(cli, flags, {
    body,
    render: (answer) => `${answer.name} is cordoned: it gets no new instances. Its current instances stay.\n`,
  });
};

export const uncordon: CommandRun = async (cli, [node = ''], flags) => {
  const body = await (await cli.api()).call('uncordonNode', { params: { node } });
  await show(cli, flags, {
    body,
    render: (answer) => `${answer.name} takes new instances again. To balance the fleet: slipway rebalance\n`,
  });
};

export const remove: CommandRun = async (cli, [node = ''], flags) => {
  await (
    await cli.api()
  ).call('removeNode', {
    params: { node },
    query: flags['force'] === true ? { force: 'true' } : {},
  });
  await cli.write(
    `Removed ${node}. If the machine still runs, uninstall Slipway on ${node}: sudo sh /opt/slipway/current/install.sh --uninstall\n`,
  );
};

export const label: CommandRun = async (cli, [node = '', ...words], flags) => {
  const labels = Object.fromEntries(words.map(parseLabel));
  const body = await (await cli.api()).call('labelNode', { params: { node }, body: { labels } });
  const shown = Object.entries(body.labels).map(([name, value]) => `${name}=${value}`);
  await show(cli, flags, {
    body,
    render: (answer) => `${answer.name}: ${shown.length === 0 ? 'no labels' : shown.sort().join(' ')}\n`,
  });
};

function parseLabel(word: string): [string, string | null] {
  const at = word.indexOf('=');
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
  if (at < 0 && word.length > 1 && word.endsWith('-')) return [word.slice(0, -1), null];
  throw usageError(
    'Set a label with NAME=value, and remove it with NAME-.',
    'For example: slipway nodes:label fra-1 region=fra ssd-',
  );
}

export const revoke: CommandRun = async (cli, [node = '']) => {
  await (await cli.api()).call('revokeNode', { params: { node } });
  await cli.write(
    `Revoked the certificate of ${node}: the node is disconnected.\nTo let a machine join again as ${node}: slipway nodes:rejoin ${node}\n`,
  );
};
