import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ensureDir, readFileIfExists, syncDir, writeFileAtomic } from '../../../shared/kit/atomic-file.ts';
import { isErrno, SlipwayError } from '../../../shared/kit/errors.ts';
import { run, runOk } from '../../../shared/kit/exec.ts';
import { removeTree } from '../../../shared/kit/remove-tree.ts';
import { isId, type AppId } from '../../../shared/domain/ids.ts';
import { gitCommand, housekeepingCommand, initCommand, readRefArgs } from './git.argv.ts';
import { NO_COMMIT } from './proc-receive.ts';

/** Name of the mark beside the repository of a planned app. */
const PLANNED = '.planned-';
const COMMIT = /^[0-9a-f]{40}$/;
/**
 * No attribute in a pushed tree may change the archive that the builder gets. This file has priority over the attributes in the tree.
 * `-working-tree-encoding` would be an error, so this attribute is unset (`!`).
 */
const ATTRIBUTES = '* -text !crlf !eol -ident -filter !working-tree-encoding -export-ignore -export-subst\n';

export function repositoryPath(reposDir: string, appId: AppId): string {
  if (!isId(appId))
    throw new SlipwayError({ code: 'SLIP_PUSH_APP_ID', kind: 'bug', message: 'The id of an app is not valid.' });
  return join(reposDir, `${appId}.git`);
}

/** Creates the bare repository of the app, completely or not at all. Returns its path. @throws SLIP_EXEC_FAILED */
export async function ensureRepository(reposDir: string, appId: AppId): Promise<string> {
  const dir = repositoryPath(reposDir, appId);
  if (await isDirectory(dir)) {
    await writeAttributes(dir);
    return dir;
  }
  await ensureDir(reposDir, 0o700);
  const temp = join(reposDir, `.new-${appId}-${randomBytes(6).toString('hex')}`);
  try {
    await runOk(run, initCommand(temp));
    await writeAttributes(temp);
    await rename(temp, dir);
  } catch (error) {
    await rm(temp, { recursive: true, force: true });
    // Another push to the same new app was faster.
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
  }
  await syncDir(reposDir);
  return dir;
}

/** A repository whose new objects can be moved to `mainDir`. It sees the objects that are there. A crash leaves it for {@link sweepUnfinished}. */
export async function makeSideRepository(dir: string, mainDir: string): Promise<void> {
  await runOk(run, initCommand(dir));
  await ensureDir(join(dir, 'objects', 'info'));
  await writeFileAtomic(join(dir, 'objects', 'info', 'alternates'), `${resolve(mainDir, 'objects')}\n`);
}

/** A repository of an older version gets the file as well. */
async function writeAttributes(repositoryDir: string): Promise<void> {
  const path = join(repositoryDir, 'info', 'attributes');
  if ((await readFileIfExists(path)) === ATTRIBUTES) return;
  await ensureDir(dirname(path));
  await writeFileAtomic(path, ATTRIBUTES);
}

/** Removes repositories that a crash left incomplete, and those of apps that were planned and never created. */
export async function sweepUnfinished(reposDir: string, isApp: (appId: AppId) => Promise<boolean>): Promise<void> {
  await ensureDir(reposDir, 0o700);
  const names = await readdir(reposDir);
  const unfinished = names.filter((name) => name.startsWith('.new-'));
  await Promise.all(unfinished.map((name) => rm(join(reposDir, name), { recursive: true, force: true })));
  for (const name of names.filter((each) => each.startsWith(PLANNED))) {
    const appId = name.slice(PLANNED.length);
    if (isId(appId) && (await isApp(appId as AppId))) await keepPlanned(reposDir, appId as AppId);
    else if (isId(appId)) await removeRepository(reposDir, appId as AppId);
  }
}

/** Marks an app as planned before its repository exists, so that a start after a crash finds every such repository. */
export async function markPlanned(reposDir: string, appId: AppId): Promise<void> {
  await ensureDir(reposDir, 0o700);
  await writeFileAtomic(plannedMark(reposDir, appId), '');
}

/** Call when the app was created. Its repository stays. */
export async function keepPlanned(reposDir: string, appId: AppId): Promise<void> {
  await rm(plannedMark(reposDir, appId), { force: true });
}

/** Removes the repository of an app that was not created or was destroyed. Call while no git runs there. */
export async function removeRepository(reposDir: string, appId: AppId): Promise<void> {
  await removeTree(repositoryPath(reposDir, appId), run);
  await keepPlanned(reposDir, appId);
}

function plannedMark(reposDir: string, appId: AppId): string {
  return join(reposDir, `${PLANNED}${appId}`);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Removes the temporary objects and lock files of a killed git process. Call while no git runs there. */
export async function sweepRepository(repositoryDir: string): Promise<void> {
  const refs = await readdir(join(repositoryDir, 'refs'), { recursive: true });
  const packs = await readdir(join(repositoryDir, 'objects', 'pack')).catch(() => []);
  const unfinished = packs
    .filter((name) => name.startsWith('tmp_') || name.startsWith('.tmp-'))
    .map((name) => join('objects', 'pack', name));
  const locks = [
    ...refs.filter((name) => name.endsWith('.lock')).map((name) => join('refs', name)),
    'HEAD.lock',
    'packed-refs.lock',
    'gc.pid',
  ];
  await Promise.all([
    sweepQuarantines(repositoryDir),
    ...[...unfinished, ...locks].map((name) => rm(join(repositoryDir, name), { recursive: true, force: true })),
  ]);
}

/** Removes the folders of unfinished pushes. Call only while no git receives objects in this repository. */
export async function sweepQuarantines(repositoryDir: string): Promise<void> {
  const objects = await readdir(join(repositoryDir, 'objects'));
  const quarantines = objects.filter((name) => name.startsWith('tmp_objdir-') || name.startsWith('incoming-'));
  // a git that was killed may still be about to write one more file
  const options = { recursive: true, force: true, maxRetries: 5 };
  await Promise.all(quarantines.map((name) => rm(join(repositoryDir, 'objects', name), options)));
}

/** More packs than this are combined between pushes. */
const MAX_PACKS = 50;
/** A repository of this size is cleaned once a day: its owner may have deleted branches to make room. */
const LARGE_BYTES = 1_000_000_000;
const CLEANED_EVERY_MS = 24 * 3_600_000;
/** The modification time of this file is the time of the last cleaning. */
const CLEANED = 'slipway-cleaned';

/** Housekeeping. No push waits for it, and usually it has nothing to do. @throws SLIP_EXEC_FAILED */
export async function maintainRepository(repositoryDir: string, nowMs: number): Promise<void> {
  const { packs, bytes } = await packsOf(repositoryDir);
  if (packs <= MAX_PACKS && (bytes < LARGE_BYTES || !(await isCleaningDue(repositoryDir, nowMs)))) return;
  await writeFileAtomic(join(repositoryDir, CLEANED), '');
  await runOk(run, housekeepingCommand(repositoryDir));
}

async function isCleaningDue(repositoryDir: string, nowMs: number): Promise<boolean> {
  const cleaned = await stat(join(repositoryDir, CLEANED)).catch(zeroIfGone);
  return cleaned === 0 || nowMs - cleaned.mtimeMs > CLEANED_EVERY_MS;
}

/**
 * Number of packs, and bytes of all packs with their indexes. An index has some bytes for each object, so a limit of these bytes limits the
 * number of objects too.
 */
export async function packsOf(repositoryDir: string): Promise<{ readonly packs: number; readonly bytes: number }> {
  const dir = join(repositoryDir, 'objects', 'pack');
  const names = await readdir(dir);
  const sizes = await Promise.all(names.map((name) => stat(join(dir, name)).then(({ size }) => size, zeroIfGone)));
  return {
    packs: names.filter((name) => name.endsWith('.pack')).length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** Housekeeping may replace the file at the same time. */
function zeroIfGone(error: unknown): 0 {
  if (isErrno(error, 'ENOENT')) return 0;
  throw error;
}

/** The target of HEAD, for example `refs/heads/main`. */
export async function readHead(repositoryDir: string): Promise<string> {
  const text = (await readFileIfExists(join(repositoryDir, 'HEAD'))) ?? '';
  return /^ref: (refs\/heads\/\S+)\n?$/.exec(text)?.[1] ?? 'refs/heads/main';
}

/** Sets HEAD to a branch, so that a clone checks it out. */
export async function setHead(repositoryDir: string, ref: string): Promise<void> {
  await runOk(run, gitCommand(repositoryDir, ['symbolic-ref', 'HEAD', ref]));
}

/** The commit of a ref; undefined when there is no such ref. */
export async function readRef(repositoryDir: string, ref: string): Promise<string | undefined> {
  const loose = (await readFileIfExists(join(repositoryDir, ref)).catch(nothingAtFolder))?.trim();
  if (loose !== undefined && COMMIT.test(loose)) return loose;
  if (!(await hasPackedRefs(repositoryDir))) return undefined;
  const { stdout } = await runOk(run, gitCommand(repositoryDir, readRefArgs(ref)));
  const commit = stdout.split('\n', 1)[0] ?? '';
  return COMMIT.test(commit) ? commit : undefined;
}

/** Housekeeping packs no refs, so usually there are none. */
async function hasPackedRefs(repositoryDir: string): Promise<boolean> {
  return (await stat(join(repositoryDir, 'packed-refs')).catch(zeroIfGone)) !== 0;
}

/** `refs/heads/x` may be a folder when the branch is `x/y`. */
function nothingAtFolder(error: unknown): undefined {
  if (isErrno(error, 'EISDIR') || isErrno(error, 'ENOTDIR')) return undefined;
  throw error;
}

export interface CommitInfo {
  /** Committer date, ms since the epoch. */
  readonly timeMs: number;
  /** First line of the message. It may contain any character. */
  readonly subject: string;
}

/** @throws SLIP_PUSH_NOT_COMMIT when the id is not a commit (a tag is not followed) or does not exist */
export async function commitInfo(repositoryDir: string, commit: string): Promise<CommitInfo> {
  if (!COMMIT.test(commit) || commit === NO_COMMIT) throw notACommit(commit, 'missing');
  const asked = {
    ...gitCommand(repositoryDir, ['cat-file', '--batch']),
    stdin: `${commit}\n`,
    maxOutputBytes: 64 * 1024,
  };
  const { stdout } = await runOk(run, asked);
  const headerEnd = stdout.indexOf('\n');
  const type = stdout.slice(0, headerEnd).split(' ')[1] ?? 'missing';
  const info = type === 'commit' ? parseCommit(stdout.slice(headerEnd + 1)) : undefined;
  if (info === undefined) throw notACommit(commit, type);
  return info;
}

function notACommit(id: string, type: string): SlipwayError {
  const isTag = type === 'tag';
  return new SlipwayError({
    code: 'SLIP_PUSH_NOT_COMMIT',
    message: isTag ? `${id.slice(0, 7)} is a tag, not a commit.` : `${id.slice(0, 7)} is not a commit.`,
    hint: isTag
      ? "Push the commit that the tag names: git push slipway 'TAG^{}:refs/heads/main'"
      : 'Push a branch: git push slipway main',
  });
}

/** Reads a raw commit object. */
export function parseCommit(text: string): CommitInfo | undefined {
  const end = text.indexOf('\n\n');
  const headers = end < 0 ? text : text.slice(0, end);
  const seconds = /^committer .* (\d{1,12}) [+-]\d{4,}$/m.exec(headers)?.[1];
  if (seconds === undefined) return undefined;
  const message = end < 0 ? '' : text.slice(end + 2);
  return { timeMs: Number(seconds) * 1000, subject: message.split('\n', 1)[0] ?? '' };
}
