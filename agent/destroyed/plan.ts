import type { DesiredState, DestroyedApp } from '../../shared/domain/assignment.ts';
import { FIRST_UID_BASE, rangesOverlap } from '../../shared/domain/uid-range.ts';
import type { Means, Place } from './port.ts';

/** What a look at one place found of one app. */
export interface Finding {
  readonly place: string;
  readonly means: Means;
  readonly left: readonly string[];
}

/** `wait`: for an event. `again`: look again after a while. */
export type CleanUpStep =
  | { readonly kind: 'look'; readonly at: number }
  | { readonly kind: 'wait' | 'remove' | 'again'; readonly place: string; readonly left: readonly string[] }
  | { readonly kind: 'acknowledge' };

const STEP_OF: Readonly<Record<Means, 'wait' | 'remove' | 'again'>> = {
  event: 'wait',
  remove: 'remove',
  time: 'again',
};

/**
 * Pure: the next step for one app. The places are looked at in their order, and the next one only when nothing is left at those before:
 * nothing is removed from under a process that runs.
 */
export function nextStep(places: readonly Pick<Place, 'name'>[], findings: readonly Finding[]): CleanUpStep {
  const first = findings.find(({ left }) => left.length > 0);
  if (first !== undefined) return { kind: STEP_OF[first.means], place: first.place, left: first.left };
  const at = places.findIndex(({ name }) => findings.every(({ place }) => place !== name));
  return at < 0 ? { kind: 'acknowledge' } : { kind: 'look', at };
}

export interface Named {
  readonly apps: readonly DestroyedApp[];
  /** The same state wants instances with the id or the user ids of these apps. Nothing of them is touched. */
  readonly inUse: readonly DestroyedApp[];
}

/** Pure: the destroyed apps that a desired state names. */
export function namedApps({ destroyed = [], assignments }: Pick<DesiredState, 'destroyed' | 'assignments'>): Named {
  const isInUse = ({ appId, uidBase }: DestroyedApp): boolean =>
    isForeign(uidBase) || assignments.some((one) => one.appId === appId || isSameRange(one.uidBase, uidBase));
  return { apps: destroyed.filter((app) => !isInUse(app)), inUse: destroyed.filter(isInUse) };
}

/** 0: no range is known. */
export function isSameRange(uidBase: number, destroyed: number): boolean {
  return destroyed !== 0 && rangesOverlap(uidBase, destroyed);
}

/** User ids that no app ever gets: those of the machine itself. */
function isForeign(uidBase: number): boolean {
  return uidBase !== 0 && uidBase < FIRST_UID_BASE;
}
