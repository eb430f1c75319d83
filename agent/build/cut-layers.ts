import type { BuildTask } from '../../shared/domain/build.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import type { Run } from '../../shared/kit/exec.ts';
import type { BuildContext } from './context.ts';
import { detailLine, humanBytes, stepLine } from './heroku-output.ts';
import type { DeclaredLayer } from './layers/port.ts';
import type { BuildReport } from './results.ts';

/** A layer of an earlier build that this build can reuse. */
export interface Candidate {
  readonly declared: DeclaredLayer;
  readonly layer: Layer;
}

interface Cutting {
  readonly context: BuildContext;
  readonly task: BuildTask;
  /** Runs programs within the limits of the build. */
  readonly run: Run;
  readonly signal: AbortSignal;
  /** Prints to the build output. */
  readonly say: (text: string) => void;
}

/** The tree can also hold mounted layers of the last build, which are not on the disk of this one. */
const TREE_PER_DISK = 2;

/** Packs the built tree into layers, and mounts them early if the app runs on this node. */
export async function cutLayers(
  { context, task, run, signal, say }: Cutting,
  report: BuildReport,
  candidates: readonly Candidate[],
): Promise<readonly Layer[]> {
  const { sandbox, layers, caches } = context;
  const { appId, taskId, limits } = task;
  say(stepLine('Compressing...'));
  const cut = await layers.cut({
    appId,
    appDir: sandbox.appDir(taskId),
    upperDir: sandbox.upperDir(taskId),
    declared: report.declared,
    reused: candidates.filter(
      ({ declared }) =>
        report.kept.some((kept) => isSame(kept, declared)) && report.declared.some((now) => isSame(now, declared)),
    ),
    commitTimeMs: task.commitTimeMs,
    slugLimitBytes: task.slugLimitBytes,
    treeLimits: { bytes: TREE_PER_DISK * limits.diskBytes, entries: TREE_PER_DISK * limits.diskInodes },
    memoryBytes: limits.memoryBytes,
    run,
    signal,
    made: (layer) => context.useLayers(taskId, [layer]),
  });
  context.useLayers(taskId, cut);
  mountEarly(context, task, cut);
  await caches.remember(appId, report.declared);
  say(detailLine(`Done: ${humanBytes(cut.reduce((sum, layer) => sum + layer.sizeBytes, 0))}`));
  return cut;
}

/** Mounts during the upload and the release, so the instance starts sooner. Its start mounts again and reports a failure. */
function mountEarly({ images, runsHere }: BuildContext, task: BuildTask, layers: readonly Layer[]): void {
  if (!runsHere(task.appId)) return;
  for (const layer of layers) void images.mount(layer, task.uidBase).catch(() => undefined);
}

function isSame(a: DeclaredLayer, b: DeclaredLayer): boolean {
  return a.name === b.name && a.path === b.path && a.key === b.key && a.shared === b.shared;
}
