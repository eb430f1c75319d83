import type { CheckBody } from '../../shared/api/checks.ts';
import type { ReleaseDetails } from '../../shared/api/release-history.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';

export type Texts = Readonly<Record<string, string>>;

/** A name that differs. Absent: this side does not have it. */
export interface Difference {
  readonly name: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface ReleaseSide {
  readonly release: ReleaseDetails;
  readonly config: Texts;
}

export interface ReleaseDiff {
  readonly from: number;
  readonly to: number;
  /** Absent: the same commit. */
  readonly commit?: { readonly from: string; readonly to: string } | undefined;
  readonly stack?: { readonly from: string; readonly to: string } | undefined;
  readonly buildpacks?: { readonly from: readonly string[]; readonly to: readonly string[] } | undefined;
  readonly processTypes: readonly Difference[];
  /** By process type and kind of check, with what each check asks. A difference may also be in its times or headers. */
  readonly checks: readonly Difference[];
  /** With values. The caller decides who sees them. */
  readonly config: readonly Difference[];
}

/** Pure. */
export function diffReleases(from: ReleaseSide, to: ReleaseSide): ReleaseDiff {
  const [a, b] = [from.release, to.release];
  return {
    from: a.version,
    to: b.version,
    commit: a.commit === b.commit ? undefined : { from: a.commit, to: b.commit },
    stack: a.stack === b.stack ? undefined : { from: a.stack, to: b.stack },
    buildpacks:
      a.buildpacks.join('\n') === b.buildpacks.join('\n') ? undefined : { from: a.buildpacks, to: b.buildpacks },
    processTypes: differences(a.processTypes, b.processTypes),
    checks: checkDifferences(a.checks ?? {}, b.checks ?? {}),
    config: differences(from.config, to.config),
  };
}

/** Absent from controllers that do not report checks. */
type Checks = NonNullable<ReleaseDetails['checks']>;

function checkDifferences(from: Checks, to: Checks): readonly Difference[] {
  const [before, after] = [byKind(from), byKind(to)];
  const whole = (checks: readonly CheckBody[] | undefined): string => JSON.stringify(checks ?? []);
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((name) => whole(before.get(name)) !== whole(after.get(name)))
    .map((name) => ({ name, from: asked(before.get(name)), to: asked(after.get(name)) }));
}

/** `web readiness` → its checks. */
function byKind(checks: Checks): ReadonlyMap<string, readonly CheckBody[]> {
  const all = Object.entries(checks).flatMap(([type, each]) => each.map((check) => ({ type, check })));
  const grouped = Map.groupBy(all, ({ type, check }) => `${type} ${check.type}`);
  return new Map([...grouped].map(([name, each]) => [name, each.map(({ check }) => check)]));
}

function asked(checks: readonly CheckBody[] | undefined): string | undefined {
  return checks?.map(({ asks }) => asks).join(', ');
}

function differences(from: Texts, to: Texts): readonly Difference[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return names
    .map((name): Difference => ({ name, from: ownProperty(from, name), to: ownProperty(to, name) }))
    .filter((each) => each.from !== each.to);
}

/** Names instead of values, for a screen that others may see. */
export function withoutValues(config: readonly Difference[]): readonly Difference[] {
  return config.map(({ name, from, to }) => ({
    name,
    from: from === undefined ? undefined : '',
    to: to === undefined ? undefined : '',
  }));
}
