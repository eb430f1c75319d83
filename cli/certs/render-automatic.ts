import type { AppHttpsBody, DomainCheckedBody } from '../../shared/api/https.ts';
import { renderNames, renderWarning, sayServed, sayStep } from '../name-https.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';
import type { RenderContext } from '../terminal/render-context.ts';

export function renderCheck({ warning, ...checked }: DomainCheckedBody, paint: Paint): string {
  return renderResult(checked, paint) + renderWarning(warning, paint);
}

function renderResult({ hostname, problem, https }: Omit<DomainCheckedBody, 'warning'>, paint: Paint): string {
  if (problem !== undefined) return renderProblems([problem], paint);
  const passed = `${hostname}: every check passed. The certificate authority will reach the nodes, as far as Slipway can see.\n`;
  if (https.state === 'off') return passed + renderProblems(https.problem === undefined ? [] : [https.problem], paint);
  return passed + (https.everywhere ? sayServed(https) : (sayStep(https) ?? ''));
}

export function renderAuto(app: string, { auto, ready, names }: AppHttpsBody, context: RenderContext): string {
  if (!auto && ready)
    return `Automatic certificates of ${app} are off. Switch them on with: slipway certs:auto enable -a ${app}\n`;
  const hint = ready
    ? ''
    : 'Nothing is ordered before an administrator agrees to the terms of a certificate authority: slipway tls:set --agree-terms\n';
  return `Automatic certificates of ${app} are on.\n${hint}${renderNames(names, context)}`;
}
