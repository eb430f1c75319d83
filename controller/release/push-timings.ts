import { slugSizeBytes, type Slug } from '../../shared/domain/slug.ts';
import type { BuildStats } from '../../shared/domain/build.ts';

type Timings = Readonly<Record<string, number>>;

/** Times of a push that went live, in ms since its connection was accepted. */
export interface PushMoments {
  /** Git: ssh, authorise, receive. */
  readonly git: Timings;
  readonly build: BuildStats;
  readonly slug: Slug;
  readonly builtAtMs: number;
  /** The release was stored. */
  readonly cutAtMs: number;
  /** Every new instance got traffic. */
  readonly liveAtMs: number;
  readonly returnedAtMs: number;
  /** Start of the slowest instance: fetch, mount, sandbox, gate, switch. */
  readonly instance: Timings;
}

/** Build steps that are stages of their own. The other steps are summed up as `build`. */
const BUILD_STAGES = ['source', 'layers', 'upload'];

/** Stages in the order of the pipeline. Their sum is the time until the app was live. */
export const STAGES = [
  'git',
  'source',
  'build',
  'layers',
  'upload',
  'release',
  'dispatch',
  'fetch',
  'mount',
  'sandbox',
  'gate',
  'switch',
];

/** Pure: the time of each stage of a push, ms, and the transferred bytes. Stored with the build. */
export function pushTimings(push: PushMoments): Timings {
  const steps = Object.entries(push.build.timingsMs);
  const build = sum(steps.filter(([name]) => !BUILD_STAGES.includes(name)).map(([, ms]) => ms));
  const stages = {
    git: sum(Object.values(push.git)),
    ...Object.fromEntries(steps.filter(([name]) => BUILD_STAGES.includes(name))),
    build,
    release: push.cutAtMs - push.builtAtMs,
    // The rest of the time between the stored release and the switch: messages, plans, acknowledgements.
    dispatch: Math.max(0, push.liveAtMs - push.cutAtMs - sum(Object.values(push.instance))),
    ...push.instance,
  };
  const details = Object.fromEntries(
    steps.filter(([name]) => !BUILD_STAGES.includes(name)).map(([name, ms]) => [`build.${name}`, ms]),
  );
  const moments = { built: push.builtAtMs, live: push.liveAtMs, total: push.returnedAtMs };
  const bytes = {
    sourceBytes: push.build.sourceBytes,
    uploadedBytes: push.build.uploadedBytes,
    slugBytes: slugSizeBytes(push.slug),
  };
  return { ...stages, ...details, ...moments, ...bytes };
}

/** `Time: git 61 · source 12 · build 120 · … ms` */
export function renderTimings(timingsMs: Timings): string {
  const known = STAGES.filter((stage) => timingsMs[stage] !== undefined);
  return `Time: ${known.map((stage) => `${stage} ${String(Math.round(timingsMs[stage] ?? 0))}`).join(' · ')} ms`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The longest time of each stage. */
export function longestOf(all: readonly Timings[]): Timings {
  const longest: Record<string, number> = {};
  for (const timings of all)
    for (const [stage, ms] of Object.entries(timings)) longest[stage] = Math.max(longest[stage] ?? 0, ms);
  return longest;
}
