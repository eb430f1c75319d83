import { createWriteStream, existsSync } from 'node:fs';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BuildTask } from '../../shared/domain/build.ts';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { isErrno, SlipwayError } from '../../shared/kit/errors.ts';
import type { Run } from '../../shared/kit/exec.ts';
import { removeTree } from '../../shared/kit/remove-tree.ts';
import { revealAll, type ConfigVars } from '../../shared/kit/sensitive.ts';
import { unmountBelow } from '../sandbox/files/mounts.ts';
import { builderDiskFull } from './builder-disk.ts';
import { renderDeclaredLayer } from './declared-layers.ts';
import { humanBytes } from './heroku-output.ts';
import type { DeclaredLayer } from './layers/port.ts';
import { mountResultDisk } from './result-disk.ts';

/** The app's own user inside its range of host uids. */
const APP_UID = 1000;

/** Folders of one build on this machine: input (read-only) and results. */
export interface TaskFolder {
  readonly taskDir: string;
  readonly resultDir: string;
}

/**
 * Writes everything except the source and the candidates. Other users may enter the parent folders, because the root user of the user namespace
 * has no rights on the host and must bind these folders. Only the group of the app may read the files: they contain config values.
 */
export async function createTaskFolder(
  place: { readonly tasksDir: string; readonly canMount: boolean; readonly run: Run },
  task: BuildTask,
): Promise<TaskFolder> {
  const { tasksDir, run } = place;
  const root = join(tasksDir, task.taskId);
  const taskDir = join(root, 'task');
  const resultDir = join(root, 'result');
  await ensureDir(tasksDir, 0o711);
  if (existsSync(root)) await removeTaskFolder(root, run);
  await mkdir(root, { mode: 0o711 });
  await Promise.all([mkdir(taskDir, { mode: 0o700 }), ensureOwnedDir(resultDir, task.uidBase)]);
  if (place.canMount) await mountResultDisk(resultDir, task.uidBase + APP_UID, run);
  await ensureOwnedDir(join(resultDir, 'work'), task.uidBase);
  await Promise.all([
    writeEnvDir(join(taskDir, 'env'), task.config),
    writeLines(join(taskDir, 'buildpacks'), task.buildpacks),
    openToGroup(taskDir, task.uidBase),
  ]);
  return { taskDir, resultDir };
}

/** Writes the layers that the last build of the app declared. */
export async function writeCandidates({ taskDir }: TaskFolder, candidates: readonly DeclaredLayer[]): Promise<void> {
  await writeLines(join(taskDir, 'candidates'), candidates.map(renderDeclaredLayer));
}

/** Also for folders of a killed agent. The unmount removes the results; the agent wrote the other files. */
export async function removeTaskFolder(root: string, run: Run): Promise<void> {
  await unmountBelow(root, run);
  await removeTree(root, run);
}

async function openToGroup(folder: string, uidBase: number): Promise<void> {
  if (process.getuid?.() === 0) await chown(folder, 0, uidBase + APP_UID);
  await chmod(folder, 0o750);
}

/** One file per variable with exactly its value (Heroku's ENV_DIR). */
async function writeEnvDir(folder: string, config: ConfigVars): Promise<void> {
  await mkdir(folder, { mode: 0o755 });
  const entries = Object.entries(revealAll(config)).filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  await Promise.all(entries.map(([name, value]) => writeFile(join(folder, name), value, { mode: 0o644 })));
}

async function writeLines(path: string, lines: readonly string[]): Promise<void> {
  if (lines.length > 0)
    await writeFile(path, lines.map((line) => `${line.replaceAll('\n', ' ')}\n`).join(''), { mode: 0o644 });
}

/** A folder that the user of the app may write. Without root, sandboxes run as the user of the agent. */
export async function ensureOwnedDir(path: string, uidBase: number): Promise<void> {
  await ensureDir(path, 0o700);
  if (process.getuid?.() === 0) await chown(path, uidBase + APP_UID, uidBase + APP_UID);
}

/**
 * Streams the source archive into the folder. It replaces the file of an earlier try.
 * @returns its bytes @throws SLIP_BUILD_SOURCE_TOO_LARGE, SLIP_DISK_FULL, SLIP_TASK_SOURCE (can be retried)
 */
export async function receiveSource(
  folder: TaskFolder,
  source: NodeJS.ReadableStream,
  options: { limitBytes: number; signal: AbortSignal },
): Promise<number> {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > options.limitBytes ? tooLarge(options.limitBytes) : null, chunk);
    },
  });
  const file = createWriteStream(join(folder.taskDir, 'source.tar.gz'), { mode: 0o644 });
  const failed = { source: false };
  // A pipeline destroys all streams after the first error, so only the stream that failed first is the cause.
  source.once('error', () => (failed.source = !counter.destroyed && !file.destroyed));
  try {
    await pipeline(source, counter, file, { signal: options.signal });
  } catch (cause) {
    if (failed.source) throw sourceBroken(cause);
    throw isErrno(cause, 'ENOSPC') ? builderDiskFull(cause) : cause;
  }
  return bytes;
}

function sourceBroken(cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TASK_SOURCE',
    kind: 'transient',
    message: 'The transfer of the source from the controller to the builder was interrupted.',
    hint: 'Push again; `slipway status` shows which nodes are connected.',
    cause,
  });
}

function tooLarge(limitBytes: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_SOURCE_TOO_LARGE',
    message: `The source is larger than ${humanBytes(limitBytes)} compressed.`,
    hint: 'Keep large files out of the repository: put them into object storage, or remove them from the commit.',
  });
}
