import type { AppEgressBody, EgressBody } from '../../shared/api/egress.ts';
import type { Paint } from '../terminal/paint.ts';

export function renderEgress({ cidrs, apps = [] }: EgressBody, paint: Paint): string {
  const none = 'none; an administrator opens one with: slipway egress:add 10.0.5.0/24\n';
  const lists = apps.map((list) => `\n=== ${paint.bold(`Only ${list.app}`)}\n${linesOf(list.cidrs)}`);
  return [`=== ${paint.bold('Private networks open to every app')}\n${linesOf(cidrs) || none}`, ...lists].join('');
}

export function renderAppEgress({ app, cidrs, fleet }: AppEgressBody, paint: Paint): string {
  const none = `none; an administrator opens one with: slipway egress:add 10.0.5.0/24 -a ${app}\n`;
  return [
    `=== ${paint.bold(`Private networks open to ${app}`)}\n${linesOf(cidrs) || none}`,
    ...(fleet.length === 0 ? [] : [`\n=== ${paint.bold('Open to every app')}\n${linesOf(fleet)}`]),
  ].join('');
}

function linesOf(cidrs: readonly string[]): string {
  return cidrs.map((cidr) => `${cidr}\n`).join('');
}
