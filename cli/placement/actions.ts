import type { PlacementChange } from '../../shared/api/formation.ts';
import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { parseLabels } from '../parse-flags.ts';
import { readPlans, requiredType } from '../process-plans.ts';
import { usageError } from '../usage-error.ts';
import { renderPlacement } from './render.ts';

export const placement: CommandRun = async (cli, [type], flags) => {
  const app = await cli.app(flags);
  await show(cli, flags, {
    body: await readPlans(cli, app, type),
    render: (body) => renderPlacement(app, body, cli.paint),
  });
};

export const setPlacement: CommandRun = async (cli, [type], flags) => {
  const app = await cli.app(flags);
  const body = await (
    await cli.api()
  ).call('setPlacement', {
    params: { app, type: requiredType(type) },
    body: ruleOf(flags),
  });
  await show(cli, flags, { body, render: (plan) => renderPlacement(app, [plan], cli.paint) });
  cli.note(
    `The rule applies to new instances; running instances stay. To place them again: slipway ps:restart ${type ?? ''} -a ${app}\n`,
  );
};

function ruleOf(flags: Flags): PlacementChange {
  if (flags['clear'] === true) return { clear: true };
  const [labels, spread, onFull] = [textFlag(flags, 'require'), textFlag(flags, 'spread'), textFlag(flags, 'onFull')];
  if (labels === undefined && spread === undefined && onFull === undefined)
    throw usageError(
      'Give --require, --spread, --on-full or --clear.',
      'For example: slipway placement:set web --require region=fra',
    );
  return {
    ...(labels === undefined ? {} : { require: parseLabels(labels, '--require') }),
    ...(spread === undefined ? {} : { spread }),
    ...(onFull === undefined ? {} : { onFull: parseOnFull(onFull) }),
  };
}

function parseOnFull(text: string): 'wait' | 'stop-first' {
  if (text === 'wait' || text === 'stop-first') return text;
  throw usageError('--on-full must be wait or stop-first.', 'For example: --on-full stop-first');
}
