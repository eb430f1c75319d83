import assert from 'node:assert/strict';
import { Random } from '../random.ts';
import type { Build, Builds } from './builds.ts';
import { randomHistory, type Game, type Step } from './history.ts';

const SEED = 19;
/** So many histories in a row have the same first push, which is built once. */
const SHARED_FIRST = 5;

/** The histories from `first` on, always the same ones: {@link SHARED_FIRST}. */
export function historiesOf<P, B>(
  game: Game<P, B>,
  { first = 0, histories, lengths }: HistorySize,
): readonly (readonly Step<B>[])[] {
  return Array.from({ length: histories }, (_, index) => {
    const number = first + index;
    const random = new Random(SEED * 1000 + number);
    return randomHistory(game, new Random(Math.floor(number / SHARED_FIRST)), random, random.between(...lengths));
  });
}

export interface HistorySize {
  readonly first?: number;
  readonly histories: number;
  /** Pushes of one history, at least and at most. */
  readonly lengths: readonly [number, number];
}

export interface Checked {
  /** Builds with a history. */
  readonly seconds: number;
  /** Those of them that took the packages of an earlier build. */
  readonly reused: number;
  readonly failed: number;
}

const REUSED = /^ *(Node modules|Requirements) unchanged since/m;

/** Each build on top of its history equals the same build without one. */
export async function checkHistory(builds: Builds, history: readonly Build[], name: string): Promise<Checked> {
  let [reused, failed] = [0, 0];
  const [first, ...others] = history;
  if (first !== undefined) await builds.first(first);
  for (const [index, build] of others.entries()) {
    const second = await builds.next(build);
    const clean = await builds.clean(build);
    if (REUSED.test(second.output)) reused++;
    if (Object.hasOwn(clean.tree, 'failed')) failed++;
    const told = `${name}, build ${index + 2}:\n${JSON.stringify(history.slice(0, index + 2))}\n${second.output}`;
    assert.deepEqual(second.tree, clean.tree, told);
  }
  return { seconds: history.length - 1, reused, failed };
}

export async function checkHistories<P>(builds: Builds, game: Game<P, Build>, size: HistorySize): Promise<Checked> {
  const all: Checked[] = [];
  for (const [index, steps] of historiesOf(game, size).entries()) {
    const history = steps.map(({ build }) => build);
    all.push(await checkHistory(builds, history, `history ${String((size.first ?? 0) + index)}`));
  }
  const sum = (field: keyof Checked): number => all.reduce((total, checked) => total + checked[field], 0);
  return { seconds: sum('seconds'), reused: sum('reused'), failed: sum('failed') };
}
