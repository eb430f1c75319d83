import { HSTS_MAX_S, hstsHeader, PRELOAD_MIN_S, type Hsts } from '../../../shared/domain/hsts.ts';
import { parseTypedDomain } from '../../../shared/domain/names.ts';
import { formatDuration } from '../../../shared/kit/duration.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { App } from '../../domain/apps.ts';
import type { Store } from '../../store/port.ts';

type Deps = Readonly<Record<'store', Pick<Store, 'canonicalName' | 'setCanonicalName' | 'hsts' | 'setHsts'>>>;

export interface RulesChange {
  /** Null removes it. */
  readonly canonical?: string | null | undefined;
  readonly hsts?: Hsts | null | undefined;
}

export interface HttpsRuleSettings {
  readonly canonical: string | undefined;
  readonly hsts: Hsts | undefined;
}

export async function readRules({ store }: Deps, app: App): Promise<HttpsRuleSettings> {
  return { canonical: await store.canonicalName(app.id), hsts: await store.hsts(app.id) };
}

/**
 * Checks all of the change, and then stores it.
 * @returns what changed, each as the end of a sentence @throws SLIP_DOMAIN_CANONICAL, SLIP_HTTPS_HSTS
 */
export async function changeRules(
  { store }: Deps,
  app: App,
  { canonical, hsts }: RulesChange,
): Promise<readonly string[]> {
  const hostname = typeof canonical === 'string' ? requireOneName(app, canonical) : undefined;
  if (hsts) requireAllowed(app, hsts);
  return [
    ...(canonical === undefined ? [] : [await setCanonical(store, app, hostname)]),
    ...(hsts === undefined ? [] : [await setHsts(store, app, hsts ?? undefined)]),
  ];
}

async function setCanonical(store: Deps['store'], app: App, hostname: string | undefined): Promise<string> {
  if (!(await store.setCanonicalName(app.id, hostname))) throw notADomain(app, hostname ?? '');
  return hostname === undefined ? 'removed the canonical name' : `made ${hostname} the canonical name`;
}

async function setHsts(store: Deps['store'], app: App, hsts: Hsts | undefined): Promise<string> {
  await store.setHsts(app.id, hsts);
  return hsts === undefined ? 'switched off HSTS' : `set HSTS "${hstsHeader(hsts)}"`;
}

/** What a user must know after domains were removed. @param former the rules before that */
export function removalNotes(app: App, hostnames: readonly string[], former: HttpsRuleSettings): readonly string[] {
  const { canonical, hsts } = former;
  const named = hostnames.length === 1 ? (hostnames[0] ?? '') : 'these domains';
  const ended = canonical !== undefined && hostnames.includes(canonical);
  return [
    ...(ended
      ? [`${canonical} was the canonical name of ${app.name}, so the other names are not redirected any more.`]
      : []),
    ...(hsts === undefined || hsts.maxAgeS === 0 || hostnames.length === 0
      ? []
      : [`HSTS of ${app.name} is on: browsers may use only HTTPS for ${named} for another ${spanOf(hsts)}.`]),
  ];
}

function spanOf({ maxAgeS }: Hsts): string {
  return formatDuration(maxAgeS * 1000);
}

function requireOneName(app: App, text: string): string {
  const hostname = parseTypedDomain(text);
  if (!hostname.startsWith('*.')) return hostname;
  throw new SlipwayError({
    code: 'SLIP_DOMAIN_CANONICAL',
    httpStatus: 422,
    message: `${hostname} cannot be the canonical name of ${app.name}, because it stands for many names.`,
    hint: `Choose one name: slipway domains:canonical www.example.com -a ${app.name}`,
  });
}

function notADomain(app: App, hostname: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_CANONICAL',
    httpStatus: 422,
    message: `${hostname} cannot be the canonical name of ${app.name}, because it is not one of the domains of ${app.name}.`,
    hint: `Add it first: slipway domains:add ${hostname} -a ${app.name}`,
  });
}

function requireAllowed(app: App, { maxAgeS, includeSubdomains, preload }: Hsts): void {
  if (maxAgeS > HSTS_MAX_S) {
    throw refusedHsts(
      `The time of HSTS can be ${formatDuration(HSTS_MAX_S * 1000)} at most.`,
      `slipway https:hsts --max-age ${String(HSTS_MAX_S / 86_400)}d -a ${app.name}`,
    );
  }
  if (!preload || (includeSubdomains && maxAgeS >= PRELOAD_MIN_S)) return;
  throw refusedHsts(
    'The lists of browsers take only names with subdomains, and with a time of one year or more.',
    `slipway https:hsts --max-age 365d --include-subdomains --preload -a ${app.name}`,
  );
}

function refusedHsts(message: string, hint: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_HTTPS_HSTS', httpStatus: 422, message, hint });
}
