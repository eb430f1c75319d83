import { ownProperty } from '../../shared/kit/own-property.ts';
import { escapeControls } from '../terminal/escape.ts';
import { renderTable } from '../terminal/table.ts';

type Vars = Readonly<Record<string, string>>;

/** What a command changes in one place: the config vars of an app, or a .env file. */
export interface ConfigPlan {
  /** The new values. `null` removes a variable. */
  readonly changes: Readonly<Record<string, string | null>>;
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
  /** Names with another value, which stays. */
  readonly kept: readonly string[];
}

/** Brings the variables of `from` into `to`. Names that only `to` has stay. Other values stay too, without `overwrite`. */
export function planMerge({ from, to, overwrite }: { from: Vars; to: Vars; overwrite: boolean }): ConfigPlan {
  const names = Object.keys(from).sort();
  const added = names.filter((name) => ownProperty(to, name) === undefined);
  const differing = names.filter((name) => !added.includes(name) && ownProperty(to, name) !== from[name]);
  const [replaced, kept] = overwrite ? [differing, []] : [[], differing];
  return { changes: pick(from, [...added, ...replaced]), added, replaced, removed: [], kept };
}

/** Makes `to` equal to `from`. */
export function planReplace({ from, to }: { from: Vars; to: Vars }): ConfigPlan {
  return withRemoved(planMerge({ from, to, overwrite: true }), { from, to });
}

/** The plan, and then the names that only `to` has are removed. */
export function withRemoved(plan: ConfigPlan, { from, to }: { from: Vars; to: Vars }): ConfigPlan {
  const removed = Object.keys(to)
    .filter((name) => ownProperty(from, name) === undefined)
    .sort();
  return { ...plan, removed, changes: { ...plan.changes, ...Object.fromEntries(removed.map((name) => [name, null])) } };
}

export function isEmpty({ changes }: ConfigPlan): boolean {
  return Object.keys(changes).length === 0;
}

/** Names only: a terminal that others see shows no value. */
export function renderPlan({ added, replaced, removed, kept }: ConfigPlan): string {
  const row =
    (sign: string, what: string) =>
    (name: string): readonly string[] => [`  ${sign}`, escapeControls(name), what];
  return renderTable([
    ...added.map(row('+', 'new')),
    ...replaced.map(row('~', 'another value')),
    ...removed.map(row('-', 'removed')),
    ...kept.map(row(' ', 'keeps its other value; --overwrite replaces it')),
  ]);
}

function pick(vars: Vars, names: readonly string[]): Vars {
  return Object.fromEntries(Object.entries(vars).filter(([name]) => names.includes(name)));
}
