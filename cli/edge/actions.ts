import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { parseLabels } from '../parse-flags.ts';
import { usageError } from '../usage-error.ts';
import { renderEdge } from './render.ts';

export const edge: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('showEdge');
  await show(cli, flags, { body, render: (answer) => renderEdge(answer, cli.paint) });
};

export const setEdge: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('setEdge', { body: { require: labelsOf(flags) } });
  await show(cli, flags, { body, render: (answer) => renderEdge(answer, cli.paint) });
};

function labelsOf(flags: Flags): Record<string, string> {
  const labels = textFlag(flags, 'require');
  if ((labels === undefined) !== (flags['any'] === true))
    throw usageError('Give --require LABELS or --any.', 'For example: slipway edge:set --require role=edge');
  return labels === undefined ? {} : parseLabels(labels, '--require');
}
