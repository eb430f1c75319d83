import type { DomainAddedBody, DomainRemovedBody, DomainsBody } from '../../shared/api/domains.ts';
import { oneLine } from '../terminal/escape.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';
import { renderTable, type Cell } from '../terminal/table.ts';

/** The two lists that Heroku shows. */
export function renderDomains(app: string, { own, domains, kept = [], canonical }: DomainsBody, paint: Paint): string {
  const list = domains
    .map(({ hostname, proof }) => `${hostname}${proof === 'admin' ? ' (without a proof, by an administrator)' : ''}\n`)
    .join('');
  return [
    `=== ${paint.bold(`${app} Slipway Domain`)}\n${own}\n`,
    `=== ${paint.bold(`${app} Custom Domains`)}\n${list === '' ? `none; add one with: slipway domains:add www.example.com -a ${app}\n` : list}`,
    ...(canonical === undefined
      ? []
      : [`Canonical name: ${canonical}. Requests for the other names are redirected to it.\n`]),
    ...(kept.length === 0 ? [] : [renderKept(kept, paint)]),
  ].join('\n');
}

function renderKept(kept: NonNullable<DomainsBody['kept']>, paint: Paint): string {
  const rows = kept.map(({ hostname, app, untilMs }): Cell[] => [hostname, app, new Date(untilMs).toISOString()]);
  const title = paint.bold('Removed Domains, kept for their owner');
  return `=== ${title}\n${renderTable([['Domain', 'Last app', 'Kept until'], ...rows])}`;
}

/** What is known at once. The steps of an order follow. */
export function renderAdded(app: string, body: DomainAddedBody, paint: Paint): string {
  const done = `Added ${body.hostname} to ${app}. Point its DNS record at any node of the fleet.`;
  const { https } = body;
  const off = https?.state === 'off' ? https.problem : undefined;
  return renderChange(done, body, paint) + (off === undefined ? '' : renderProblems([off], paint));
}

/** An older controller keeps no domains. */
export function renderRemoved(app: string, body: DomainRemovedBody, paint: Paint): string {
  const { hostname, keptUntilMs } = body;
  const kept =
    keptUntilMs === undefined ? '' : ` It is kept for its owner until ${new Date(keptUntilMs).toISOString()}.`;
  return renderChange(`Removed ${hostname} from ${app}.${kept}`, body, paint);
}

/** Says what changed, and which nodes do not apply it yet. */
export function renderChange(
  done: string,
  body: Pick<DomainRemovedBody, 'problems' | 'notes'> | undefined,
  paint: Paint,
): string {
  const notes = (body?.notes ?? []).map((note) => `${oneLine(note)}\n`).join('');
  return `${done}\n${notes}${renderProblems(body?.problems ?? [], paint)}`;
}
