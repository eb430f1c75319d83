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
    config: differences(from.config, to.config),
  };
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
