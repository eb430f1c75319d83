import type { DomainCheckedBody, NameHttpsBody } from '../shared/api/https.ts';
import { oneLine } from './terminal/escape.ts';
import type { Paint } from './terminal/paint.ts';
import { renderProblems } from './terminal/problems.ts';
import type { RenderContext } from './terminal/render-context.ts';
import { renderTable, type Cell } from './terminal/table.ts';

/** The domains for which the controller orders certificates, or does not. */
export function renderNames(names: readonly NameHttpsBody[], { paint }: RenderContext): string {
  if (names.length === 0) return '';
  const head: readonly Cell[] = ['Domain', 'State', 'Next'];
  const rows = names.map((name): Cell[] => {
    const text = sayState(name);
    const isBad = name.problem !== undefined;
    return [name.hostname, isBad ? { text, paint: paint.red } : text, oneLine(name.problem?.next ?? sayTime(name))];
  });
  const problems = names.flatMap(({ hostname, problem }) =>
    problem === undefined ? [] : [` !     ${hostname}: ${oneLine(problem.message)}\n`],
  );
  return `\n=== ${paint.bold('Automatic Certificates')}\n${renderTable([head, ...rows])}${problems.join('')}`;
}

const STEPS: Readonly<Partial<Record<NameHttpsBody['state'], string>>> = {
  needed: 'begins',
  checking: 'checks the name as the certificate authority will',
  ordered: 'orders the certificate',
  presenting: 'adds the TXT record to the DNS',
  propagating: 'waits until every name server of the domain has the TXT record',
  answering: 'tells the certificate authority that the answer is in place',
  validating: 'waits for the certificate authority, which looks at the answer',
  finalizing: 'sends the request for the certificate',
  issued: 'fetches the certificate',
  delivering: 'delivers the certificate to every node',
};

/** One line for people who wait. Undefined: the state is no step of an order. */
export function sayStep({ hostname, state }: NameHttpsBody): string | undefined {
  const step = STEPS[state];
  return step === undefined ? undefined : `${hostname}: ${step}\n`;
}

export function sayServed({ hostname, notAfterMs }: NameHttpsBody): string {
  const end = notAfterMs === undefined ? '' : ` The certificate ends on ${dayOf(notAfterMs)}, and is renewed before.`;
  return `Every connected node serves https://${hostname}.${end}\n`;
}

function sayState({ state, everywhere }: NameHttpsBody): string {
  if (state === 'serving' || state === 'uploaded') {
    const how = state === 'uploaded' ? 'uploaded certificate' : 'automatic';
    return everywhere ? `${how}, served by every node` : `${how}, not served by every node`;
  }
  return STEPS[state] ?? state;
}

function sayTime({ renewAtMs }: NameHttpsBody): string {
  return renewAtMs === undefined ? '' : `is renewed about ${dayOf(renewAtMs)}`;
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** What a front proxy does to the requests. */
export function renderWarning(warning: DomainCheckedBody['warning'], paint: Paint): string {
  return warning === undefined ? '' : renderProblems([warning], paint);
}
