import type { DomainsBody } from '../../shared/api/domains.ts';
import type { ProblemBody } from '../../shared/api/schema.ts';
import { oneLine } from '../terminal/escape.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';

interface CanonicalBody extends DomainsBody {
  readonly problems: readonly ProblemBody[];
}

/** At most this many names are listed. */
const NAMES_SHOWN = 20;

export function renderCanonical(
  app: string,
  { own, domains, canonical, problems }: CanonicalBody,
  paint: Paint,
): string {
  const rest = renderProblems(problems, paint);
  if (canonical === undefined) {
    return `${app} has no canonical name. Each of its names answers itself.\n${rest}`;
  }
  const others = [own, ...domains.map(({ hostname }) => hostname)].filter((name) => name !== canonical);
  const shown = others.slice(0, NAMES_SHOWN).map((name) => `  ${oneLine(sayName(name))}\n`);
  const more = others.length - shown.length;
  return [
    `The canonical name of ${app} is ${canonical}. Requests for these names are redirected to it:\n`,
    ...shown,
    ...(more > 0 ? [`  and ${String(more)} more\n`] : []),
    'Upgrades to websockets and challenges of the certificate authority are not redirected.\n',
    rest,
  ].join('');
}

function sayName(name: string): string {
  return name.startsWith('*.') ? `${name} (every name with one more label)` : name;
}
