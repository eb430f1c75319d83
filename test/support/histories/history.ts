import type { Random } from '../random.ts';

/** A change between two pushes. Edits of one kind are equally likely. */
export interface Edit<P> {
  readonly kind: string;
  readonly apply: (project: P, random: Random) => void;
}

export interface Game<P, B> {
  /** Plain data: it is copied and compared as JSON. */
  readonly start: P;
  /** The share of edits that an app has before its first push. */
  readonly firstEdits: number;
  readonly edits: readonly Edit<P>[];
  readonly render: (project: P) => B;
}

export interface Step<B> {
  readonly build: B;
  /** The kinds of the changes since the step before. */
  readonly kinds: readonly string[];
}

const TAKEN_BACK = 'taken back';
const TAKEN_BACK_SHARE = 0.15;
/** Most pushes change the source of the app. */
const SOURCE = 'source';
const SOURCE_SHARE = 0.3;
/** An edit may change nothing, for example when it sets the value that is set. */
const TRIES = 8;

/** The pushes of one app, one after the other: small changes, some of them taken back. @param first decides the first push */
export function randomHistory<P, B>(
  game: Game<P, B>,
  first: Random,
  random: Random,
  length: number,
): readonly Step<B>[] {
  const { start, edits, render } = game;
  const project = structuredClone(start);
  for (const edit of edits) if (first.chance(game.firstEdits)) edit.apply(project, first);
  const states = [project];
  const steps: Step<B>[] = [{ build: render(project), kinds: [] }];
  while (steps.length < length) {
    const before = states.at(-1) ?? project;
    const earlier = states.slice(0, -1);
    const isTakenBack = earlier.length > 0 && random.chance(TAKEN_BACK_SHARE);
    const next = structuredClone(isTakenBack ? random.pick(earlier) : before);
    const kinds = isTakenBack ? [TAKEN_BACK] : changeSome(next, edits, random);
    states.push(next);
    steps.push({ build: render(next), kinds });
  }
  return steps;
}

function changeSome<P>(project: P, edits: readonly Edit<P>[], random: Random): string[] {
  const kinds = kindsOf(edits);
  return Array.from({ length: random.between(1, 2) }, () =>
    changeOne(project, edits, random.chance(SOURCE_SHARE) ? SOURCE : random.pick(kinds), random),
  ).flat();
}

function changeOne<P>(project: P, edits: readonly Edit<P>[], kind: string, random: Random): string[] {
  const ofKind = edits.filter((edit) => edit.kind === kind);
  const before = JSON.stringify(project);
  for (let tries = 0; tries < TRIES; tries++) {
    random.pick(ofKind).apply(project, random);
    if (JSON.stringify(project) !== before) return [kind];
  }
  return [];
}

function kindsOf<P>(edits: readonly Edit<P>[]): string[] {
  return [...new Set(edits.map(({ kind }) => kind))];
}

/** How often each kind of change occurs. A kind that never occurs counts 0. */
export function countKinds<P, B>(
  { edits }: Game<P, B>,
  histories: readonly (readonly Step<B>[])[],
): ReadonlyMap<string, number> {
  const counts = new Map([...kindsOf(edits), TAKEN_BACK].map((kind) => [kind, 0]));
  for (const { kinds } of histories.flat()) for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
