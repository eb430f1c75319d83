import type { ProcessPlanBody, RestartedBody, ScaledBody } from '../../shared/api/formation.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { oneOf, parseBytes, parseCount, parseCpuMillis, parseLabels, parseQuantity } from '../parse-flags.ts';
import { renderLimits, renderPlacement, renderScale } from '../render/placement.ts';
import { usageError } from '../usage-error.ts';

/** Heroku: without arguments it shows, with `web=2` it scales. */
export const scale: CommandRun = async (cli, words, flags) => {
  const app = await cli.app(flags);
  if (words.length === 0) {
    await show(cli, flags, { body: await plans(cli, app), render: (body) => renderScale(app, body) });
    return;
  }
  const updates = words.map(parseQuantity);
  const body = await (await cli.api()).call<ScaledBody>('PATCH', `/apps/${app}/formation`, { updates });
  const now = body.formation.map(({ type, quantity }) => `${type} at ${String(quantity)}`).join(', ');
  await show(cli, flags, { body, render: () => `Scaling dynos... done, now running ${now}\n` });
};

export const restart: CommandRun = async (cli, [word], flags) => {
  const app = await cli.app(flags);
  const which = oneOf([word, textFlag(flags, 'dynoName'), textFlag(flags, 'processType')], 'slipway ps:restart web.1');
  const body = await (
    await cli.api()
  ).call<RestartedBody>('POST', `/apps/${app}/restart`, which === undefined ? {} : { process: which });
  const what = which === undefined ? 'dynos' : `${which} ${which.includes('.') ? 'dyno' : 'dynos'}`;
  await show(cli, flags, { body, render: () => `Restarting ${what} on ${cli.paint.bold(app)}... done\n` });
};

export const limits: CommandRun = async (cli, [type], flags) => {
  const app = await cli.app(flags);
  const change = limitsOf(flags);
  if (change === undefined) {
    await show(cli, flags, { body: await plans(cli, app, type), render: (body) => renderLimits(app, body, cli.paint) });
    return;
  }
  const body = await (await cli.api()).call<ProcessPlanBody>('PATCH', typePath(app, type, 'limits'), change);
  await show(cli, flags, { body, render: (plan) => renderLimits(app, [plan], cli.paint) });
};

export const placement: CommandRun = async (cli, [type], flags) => {
  const app = await cli.app(flags);
  await show(cli, flags, {
    body: await plans(cli, app, type),
    render: (body) => renderPlacement(app, body, cli.paint),
  });
};

export const setPlacement: CommandRun = async (cli, [type], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call<ProcessPlanBody>('PATCH', typePath(app, type, 'placement'), ruleOf(flags));
  await show(cli, flags, { body, render: (plan) => renderPlacement(app, [plan], cli.paint) });
  cli.note(
    `Used for every instance that is placed from now on; nothing moves now. To place what runs anew: slipway ps:restart ${type ?? ''} -a ${app}\n`,
  );
};

async function plans(cli: Cli, app: string, type?: string): Promise<readonly ProcessPlanBody[]> {
  const all = await (await cli.api()).call<readonly ProcessPlanBody[]>('GET', `/apps/${app}/formation`);
  const chosen = type === undefined ? all : all.filter((plan) => plan.type === type);
  if (type === undefined || chosen.length > 0) return chosen;
  throw usageError(`${app} has no process type ${JSON.stringify(type)}.`, `See them with: slipway ps:scale -a ${app}`);
}

function typePath(app: string, type: string | undefined, what: string): string {
  if (type === undefined) throw usageError('Which process type?', 'Name it, for example: web');
  return `/apps/${app}/formation/${encodeURIComponent(type)}/${what}`;
}

function limitsOf(flags: Flags): object | undefined {
  if (flags['reset'] === true) return { reset: true };
  const [memory, cpu, pids, disk] = ['memory', 'cpu', 'pids', 'disk'].map((name) => textFlag(flags, name));
  if ([memory, cpu, pids, disk].every((limit) => limit === undefined)) return undefined;
  return {
    ...(memory === undefined ? {} : { memoryBytes: parseBytes(memory, '--memory') }),
    ...(cpu === undefined ? {} : { cpuMillis: parseCpuMillis(cpu, '--cpu') }),
    ...(pids === undefined ? {} : { pidsMax: parseCount(pids, { flag: '--pids', min: 1, max: 1_000_000 }) }),
    ...(disk === undefined ? {} : { diskBytes: parseBytes(disk, '--disk') }),
  };
}

function ruleOf(flags: Flags): object {
  if (flags['clear'] === true) return { clear: true };
  const [labels, spread, onFull] = [textFlag(flags, 'require'), textFlag(flags, 'spread'), textFlag(flags, 'onFull')];
  if (labels === undefined && spread === undefined && onFull === undefined)
    throw usageError(
      'Say what to set: --require, --spread, --on-full or --clear.',
      'For example: slipway placement:set web --require region=fra',
    );
  return {
    ...(labels === undefined ? {} : { require: parseLabels(labels, '--require') }),
    ...(spread === undefined ? {} : { spread }),
    ...(onFull === undefined ? {} : { onFull: parseOnFull(onFull) }),
  };
}

function parseOnFull(text: string): string {
  if (text === 'wait' || text === 'stop-first') return text;
  throw usageError('--on-full takes wait or stop-first.', 'For example: --on-full stop-first');
}
