import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { parseLabels } from '../parse-flags.ts';
import { usageError } from '../usage-error.ts';
import { renderBuilders } from './render.ts';

export const builders: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('showBuilders');
  await show(cli, flags, { body, render: (answer) => renderBuilders(answer, cli.paint) });
};

export const setBuilders: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('setBuilders', { body: { require: labelsOf(flags) } });
  await show(cli, flags, { body, render: (answer) => renderBuilders(answer, cli.paint) });
};

function labelsOf(flags: Flags): Record<string, string> {
  const labels = textFlag(flags, 'require');
  if ((labels === undefined) !== (flags['any'] === true))
    throw usageError('Give --require LABELS or --any.', 'For example: slipway builders:set --require role=build');
  return labels === undefined ? {} : parseLabels(labels, '--require');
}
