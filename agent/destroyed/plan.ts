import type { DesiredState, DestroyedApp } from '../../shared/domain/assignment.ts';
import { FIRST_UID_BASE, rangesOverlap } from '../../shared/domain/uid-range.ts';
import type { Means, Place } from './port.ts';

/** What the search of one place found of one app. */
export interface Finding {
  readonly place: string;
  readonly means: Means;
  readonly left: readonly string[];
}

/** `wait`: wait for an event. `again`: search again later. */
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
 * Pure: the next step for one app. The places are searched in their order. A place is searched only when nothing is left at the earlier ones,
 * so no file is removed while a process uses it.
 */
export function nextStep(places: readonly Pick<Place, 'name'>[], findings: readonly Finding[]): CleanUpStep {
  const first = findings.find(({ left }) => left.length > 0);
  if (first !== undefined) return { kind: STEP_OF[first.means], place: first.place, left: first.left };
  const at = places.findIndex(({ name }) => findings.every(({ place }) => place !== name));
  return at < 0 ? { kind: 'acknowledge' } : { kind: 'look', at };
}

export interface DestroyedInState {
  readonly apps: readonly DestroyedApp[];
  /** The same state has instances with the id or the user ids of these apps. Nothing of these apps is removed. */
  readonly inUse: readonly DestroyedApp[];
}

/** Pure: the destroyed apps that a desired state names. */
export function namedApps({
  destroyed = [],
  assignments,
}: Pick<DesiredState, 'destroyed' | 'assignments'>): DestroyedInState {
  const isInUse = ({ appId, uidBase }: DestroyedApp): boolean =>
    isForeign(uidBase) || assignments.some((one) => one.appId === appId || isSameRange(one.uidBase, uidBase));
  return { apps: destroyed.filter((app) => !isInUse(app)), inUse: destroyed.filter(isInUse) };
}

/** A destroyed app with user id 0 has no known range. */
export function isSameRange(uidBase: number, destroyed: number): boolean {
  return destroyed !== 0 && rangesOverlap(uidBase, destroyed);
}

/** User ids of the machine itself, which no app ever gets. */
function isForeign(uidBase: number): boolean {
  return uidBase !== 0 && uidBase < FIRST_UID_BASE;
}
