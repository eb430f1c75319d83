import type { ProcessPlanBody } from '../shared/api/formation.ts';
import type { Cli } from './cli.ts';
import { usageError } from './usage-error.ts';

export async function readPlans(cli: Cli, app: string, type?: string): Promise<readonly ProcessPlanBody[]> {
  const all = await (await cli.api()).call('showFormation', { params: { app } });
  const chosen = type === undefined ? all : all.filter((plan) => plan.type === type);
  if (type === undefined || chosen.length > 0) return chosen;
  throw usageError(`${app} has no process type ${JSON.stringify(type)}.`, `List them with: slipway ps:scale -a ${app}`);
}

/** @throws SLIP_CLI_USAGE */
export function requiredType(type: string | undefined): string {
  if (type === undefined) throw usageError('The process type is missing.', 'Name one, for example: web');
  return type;
}
