import type { AppHttpsBody } from '../../shared/api/https.ts';
import { hstsHeader } from '../../shared/domain/hsts.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import { renderNames } from '../name-https.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { renderTable } from '../terminal/table.ts';

type Hsts = NonNullable<AppHttpsBody['hsts']>;

export function renderHttps(app: string, body: AppHttpsBody, context: RenderContext): string {
  const { redirect, canonical, hsts, auto, names } = body;
  const lines = [
    ['Redirect to HTTPS:', redirect ? 'on' : 'off'],
    ['Canonical name:', canonical ?? 'none'],
    [
      'HSTS:',
      hsts === undefined ? 'off' : `${hstsHeader(hsts)}${redirect ? '' : ' (not sent, because the redirect is off)'}`,
    ],
    ['Automatic certificates:', auto ? 'on' : 'off'],
  ];
  return `=== ${context.paint.bold(`${app} HTTPS`)}\n${renderTable(lines)}${renderNames(names, context)}`;
}

export function renderRedirect(
  app: string,
  { redirect, hsts, names, problems = [] }: AppHttpsBody,
  paint: Paint,
): string {
  if (!redirect) {
    const note = hsts === undefined ? '' : `The header of HSTS is not sent while it is off.${sayKept(hsts)}\n`;
    return `The redirect of ${app} to HTTPS is off.\n${note}${renderProblems(problems, paint)}`;
  }
  const ready = names.filter(({ everywhere }) => everywhere).length;
  const rest = `${String(ready)} of ${String(names.length)} ${names.length === 1 ? 'domain is' : 'domains are'} served over HTTPS by every node now.`;
  return `The redirect of ${app} to HTTPS is on. It begins for each name when every node serves its certificate.\n${rest}\n${renderProblems(problems, paint)}`;
}

/** @param former before this command */
export function renderHsts(
  app: string,
  { hsts, redirect, problems = [] }: AppHttpsBody,
  { former, paint }: { readonly former?: Hsts | undefined; readonly paint: Paint },
): string {
  const rest = renderProblems(problems, paint);
  if (hsts === undefined) return `HSTS of ${app} is off.\n${sayFormer(app, former)}${rest}`;
  const off = {
    message: `The redirect of ${app} to HTTPS is off, so the header is not sent.`,
    next: `slipway https:redirect on -a ${app}`,
  };
  return `Answers of ${app} over HTTPS have: Strict-Transport-Security: ${hstsHeader(hsts)}\n${redirect ? '' : renderProblems([off], paint)}${rest}`;
}

function sayFormer(app: string, former: Hsts | undefined): string {
  if (former === undefined || former.maxAgeS === 0) return '';
  return `${sayKept(former).trim()} To make them forget it earlier: slipway https:hsts --max-age 0 -a ${app}\n`;
}

function sayKept({ maxAgeS }: Hsts): string {
  return maxAgeS === 0 ? '' : ` Browsers that got it use only HTTPS for up to ${formatDuration(maxAgeS * 1000)}.`;
}
