import type { InstanceBody, LimitsChange } from '../../shared/api/formation.ts';
import type { RunBody } from '../../shared/api/runs.ts';
import { sayStopped } from '../../shared/domain/placement.ts';
import { renderContext, show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import type { ApiClient } from '../client.ts';
import { oneOf, parseBytes, parseCount, parseCpuMillis, parseQuantity } from '../parse-flags.ts';
import { readPlans, requiredType } from '../process-plans.ts';
import { renderLimits, renderScale } from './render-plans.ts';
import { renderRunning } from './render-runs.ts';
import { renderPs } from './render.ts';
import { sayWaiting } from './say-waiting.ts';

/** More than an app can run at once. */
const RUNS_SHOWN = 200;

export const ps: CommandRun = async (cli, types, flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const all = await api.call('listInstances', { params: { app } });
  const body = types.length === 0 ? all : all.filter(({ type }) => types.includes(type));
  const plans = flags['json'] === true ? [] : await api.call('showFormation', { params: { app } });
  const stopped = plans.flatMap((plan) => (plan.stopped === true ? [plan.type] : []));
  const wantsRuns = flags['json'] !== true && (types.length === 0 || types.includes('run'));
  const runs = wantsRuns ? await runningOf(api, app) : [];
  const render = (instances: typeof body): string =>
    renderAll(app, { instances, runs }, { ...renderContext(cli), stopped });
  await show(cli, flags, { body, render });
};

/** None from an older controller, which has no such route. */
async function runningOf(api: ApiClient, app: string): Promise<readonly RunBody[]> {
  const query = { limit: RUNS_SHOWN };
  return await api.call('listRuns', { params: { app }, query }).catch(() => []);
}

function renderAll(
  app: string,
  { instances, runs }: { readonly instances: readonly InstanceBody[]; readonly runs: readonly RunBody[] },
  context: Parameters<typeof renderPs>[2],
): string {
  const running = renderRunning(runs, context);
  if (running === '') return renderPs(app, instances, context);
  return instances.length === 0 ? running : `${renderPs(app, instances, context)}\n${running}`;
}

/** As in Heroku: shows the quantities without arguments, and scales with `web=2`. */
export const scale: CommandRun = async (cli, words, flags) => {
  const app = await cli.app(flags);
  if (words.length === 0) {
    await show(cli, flags, { body: await readPlans(cli, app), render: (body) => renderScale(app, body) });
    return;
  }
  const updates = words.map(parseQuantity);
  const api = await cli.api();
  const body = await sayWaiting(cli, app, api.call('scaleApp', { params: { app }, body: { updates } }));
  const now = body.formation.map(({ type, quantity }) => `${type} at ${String(quantity)}`).join(', ');
  const { stopped = [] } = body;
  const rest =
    stopped.length === 0 ? '' : `${sayStopped(stopped, app)}: nothing starts before slipway ps:start -a ${app}\n`;
  await show(cli, flags, { body, render: () => `Scaling dynos... done, now running ${now}\n${rest}` });
};

export const restart: CommandRun = async (cli, [word], flags) => {
  const app = await cli.app(flags);
  const which = oneOf([word, textFlag(flags, 'dynoName'), textFlag(flags, 'processType')], 'slipway ps:restart web.1');
  const api = await cli.api();
  const request = which === undefined ? {} : { process: which };
  const body = await sayWaiting(cli, app, api.call('restartApp', { params: { app }, body: request }));
  const what = which === undefined ? 'dynos' : `${which} ${which.includes('.') ? 'dyno' : 'dynos'}`;
  await show(cli, flags, { body, render: () => `Restarting ${what} on ${cli.paint.bold(app)}... done\n` });
};

export const limits: CommandRun = async (cli, [type], flags) => {
  const app = await cli.app(flags);
  const change = limitsOf(flags);
  if (change === undefined) {
    await show(cli, flags, {
      body: await readPlans(cli, app, type),
      render: (body) => renderLimits(app, body, cli.paint),
    });
    return;
  }
  const [api, params] = [await cli.api(), { app, type: requiredType(type) }];
  const body = await sayWaiting(cli, app, api.call('setLimits', { params, body: change }));
  await show(cli, flags, { body, render: (plan) => renderLimits(app, [plan], cli.paint) });
};

function limitsOf(flags: Flags): LimitsChange | undefined {
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
