import type { DnsProviderAddedBody, DnsProviderBody, DnsProviderRemovedBody } from '../../shared/api/dns-providers.ts';
import { oneLine } from '../terminal/escape.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';

export function renderProviders(providers: readonly DnsProviderBody[], paint: Paint): string {
  if (providers.length === 0) {
    return 'No DNS providers. Add one, so that wildcards get certificates: slipway tls:dns:add NAME --provider acme-dns --zone example.com\n';
  }
  const head = ['Name', 'Provider', 'Zone', 'Settings', 'TXT records'];
  const rows = providers.map((one) => [one.name, one.kind, zonesOf(one), settingsOf(one), String(one.records)]);
  return `=== ${paint.bold('DNS Providers')}\n${renderTable([head, ...rows])}`;
}

export function renderAdded(body: DnsProviderAddedBody): string {
  const done = `Added the DNS provider ${body.name} for ${body.zone}. A test record was added.\n`;
  if (body.aliasTarget === undefined) {
    return `${done}Wildcards get certificates now: slipway domains:add '*.${body.zone}' -a APP\n`;
  }
  const alias = `_acme-challenge.${body.zone} CNAME ${oneLine(body.aliasTarget)}.`;
  return `${done}Add this record to the DNS of the domain, once:\n\n  ${alias}\n\nThen: slipway domains:add '*.${body.zone}' -a APP\n`;
}

export function renderRemoved({ name, left }: DnsProviderRemovedBody): string {
  const done = `Removed the DNS provider ${oneLine(name)}.\n`;
  if (left.length === 0) return done;
  const records = left.map((record) => `  ${oneLine(record.name)} TXT "${oneLine(record.value)}"\n`).join('');
  return `${done}It had not removed these records yet. Remove them by hand:\n${records}`;
}

function zonesOf({ zone, recordZone }: DnsProviderBody): string {
  return zone === recordZone ? zone : `${zone} (records in ${recordZone})`;
}

function settingsOf({ settings }: DnsProviderBody): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
