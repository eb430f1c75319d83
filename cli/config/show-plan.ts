import type { Cli, Flags } from '../cli.ts';
import { renderPlan, type ConfigPlan } from './plan.ts';

/** Shows what a command is about to change. With `--json`, standard output has only the JSON. */
export async function showPlan(cli: Cli, flags: Flags, plan: ConfigPlan): Promise<void> {
  const text = renderPlan(plan);
  if (flags['json'] === true) cli.note(text);
  else await cli.write(text);
}
