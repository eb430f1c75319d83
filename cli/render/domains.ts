import type { DomainsBody } from '../../shared/domain/api-domains.ts';
import type { Paint } from './paint.ts';

/** Heroku's two lists. */
export function renderDomains(app: string, { own, domains }: DomainsBody, paint: Paint): string {
  const list = domains.map(({ hostname }) => `${hostname}\n`).join('');
  return [
    `=== ${paint.bold(`${app} Slipway Domain`)}\n${own}\n`,
    `=== ${paint.bold(`${app} Custom Domains`)}\n${list === '' ? `none; add one with: slipway domains:add www.example.com -a ${app}\n` : list}`,
  ].join('\n');
}
