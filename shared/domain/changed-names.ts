import { ownProperty } from '../kit/own-property.ts';
import type { ConfigVars } from '../kit/sensitive.ts';

/** The names whose values differ, also those that only one of the two has. */
export function changedNames(one: ConfigVars, other: ConfigVars): readonly string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => ownProperty(one, name)?.reveal() !== ownProperty(other, name)?.reveal()).sort();
}
