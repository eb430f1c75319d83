import { slugSizeBytes, type Slug } from '../../shared/domain/slug.ts';
import type { BuildStats } from '../../shared/domain/build.ts';

type Timings = Readonly<Record<string, number>>;

/** What is known of a push that went live. Moments are ms since its connection was accepted. */
export interface PushMoments {
  /** Of the git door: ssh, authorise, receive. */
  readonly git: Timings;
  readonly build: BuildStats;
  readonly slug: Slug;
  readonly builtAtMs: number;
  /** The release row was durable. */
  readonly cutAtMs: number;
  /** Every new instance had its traffic. */
  readonly liveAtMs: number;
  readonly returnedAtMs: number;
  /** Slowest instance's start: fetch, mount, sandbox, gate, switch. */
  readonly instance: Timings;
}

/** Steps of a build that are stages of their own; its other steps add up to `build`. */
const BUILD_STAGES = ['source', 'layers', 'upload'];

/** Stages of the time line, in the order of the pipeline. They add up to the time until the app was live. */
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

/** Pure: where the time of a push went, ms, and the bytes that moved. Kept with the build. */
export function pushTimings(push: PushMoments): Timings {
  const steps = Object.entries(push.build.timingsMs);
  const build = sum(steps.filter(([name]) => !BUILD_STAGES.includes(name)).map(([, ms]) => ms));
  const stages = {
    git: sum(Object.values(push.git)),
    ...Object.fromEntries(steps.filter(([name]) => BUILD_STAGES.includes(name))),
    build,
    release: push.cutAtMs - push.builtAtMs,
    // Everything between the durable row and the switch that no instance accounts for: messages, plans, acknowledgements.
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

/** `Time: git 61 · source 12 · build 120 · … ms`: where the time of a push went, on one line. */
export function renderTimings(timingsMs: Timings): string {
  const known = STAGES.filter((stage) => timingsMs[stage] !== undefined);
  return `Time: ${known.map((stage) => `${stage} ${String(Math.round(timingsMs[stage] ?? 0))}`).join(' · ')} ms`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
