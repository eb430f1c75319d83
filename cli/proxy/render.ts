import type { FrontsBody } from '../../shared/api/edge.ts';
import { oneLine } from '../terminal/escape.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';

const CLOUDFLARE = 'cloudflare';
const PER_LINE = 4;

export function renderFronts({ trusted, proxyProtocol, cloudflare, problems }: FrontsBody, paint: Paint): string {
  const lines = trusted.flatMap((entry) => [oneLine(entry), ...(entry === CLOUDFLARE ? rangesOf(cloudflare) : [])]);
  const nobody = 'nobody; an administrator trusts a proxy with: slipway proxy:trust 10.0.5.0/24, or cloudflare';
  return [
    `=== ${paint.bold('Trusted Front Proxies')} (X-Forwarded-For, -Proto, -Port and Forwarded)`,
    ...(lines.length === 0 ? [nobody] : lines),
    '',
    `=== ${paint.bold('Load Balancers with the PROXY Protocol')}`,
    ...(proxyProtocol.length === 0 ? ['none'] : proxyProtocol.map(oneLine)),
    '',
    'The proxy of each node also trusts what its agent.json says.',
    renderProblems(problems, paint),
  ].join('\n');
}

/** The networks ship with Slipway, so their date matters. */
function rangesOf({ listedOn, networks }: FrontsBody['cloudflare']): readonly string[] {
  const rows = Array.from({ length: Math.ceil(networks.length / PER_LINE) }, (_, row) =>
    networks.slice(row * PER_LINE, (row + 1) * PER_LINE),
  );
  return [`    ${String(networks.length)} networks, as of ${listedOn}:`, ...rows.map((row) => `    ${row.join('  ')}`)];
}
