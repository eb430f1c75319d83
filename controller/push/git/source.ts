import type { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { run, runOk, start } from '../../../shared/kit/exec.ts';
import { archiveCommand, blobCommand, kindCommand } from './git.argv.ts';

/** Almost as fast as the fastest level, and a tenth smaller. */
const GZIP_LEVEL = 5;

/** More than the header line of git has. */
const HEADER_BYTES = 100;

type Child = ReturnType<typeof start>;

/**
 * The source of a commit, or of one folder of it. Then nothing outside of this folder leaves the controller.
 * @param root a folder from `parseBuildRoot`
 * @returns a function that opens the source
 * @throws SLIP_BUILD_ROOT_ABSENT when the commit has no such folder
 */
export async function findTree(
  repositoryDir: string,
  commit: string,
  root: string | undefined,
): Promise<() => Promise<Readable>> {
  if (root === undefined) return () => Promise.resolve(openTree(repositoryDir, commit));
  const tree = `${commit}:${root}`;
  const { stdout } = await runOk(run, kindCommand(repositoryDir, tree));
  if (stdout.trim() !== 'tree') throw rootAbsent(commit, root);
  return () => Promise.resolve(openTree(repositoryDir, tree));
}

/**
 * The first bytes of a file of a commit. Undefined when the commit has no such file.
 * @param path relative to the top of the repository, without a newline
 */
export async function readCommitFile(
  repositoryDir: string,
  { commit, path, maxBytes }: { readonly commit: string; readonly path: string; readonly maxBytes: number },
): Promise<Buffer | undefined> {
  const maxOutputBytes = maxBytes + HEADER_BYTES;
  const { stdout } = await runOk(run, { ...blobCommand(repositoryDir, `${commit}:${path}`), maxOutputBytes });
  const [header = ''] = stdout.split('\n', 1);
  const [, bytes] = /^[0-9a-f]{40} blob (\d+)$/.exec(header) ?? [];
  if (bytes === undefined) return undefined;
  return Buffer.from(stdout.slice(header.length + 1)).subarray(0, Math.min(Number(bytes), maxBytes));
}

/**
 * A tree as a gzipped tar, for a builder. Nothing in the tree is run or filtered. The stream fails when git fails, so that a truncated archive
 * never looks complete.
 */
export function openTree(repositoryDir: string, tree: string): Readable {
  const child = start(archiveCommand(repositoryDir, tree), ['ignore', 'pipe', 'pipe']);
  const gzip = createGzip({ level: GZIP_LEVEL });
  const failure = exitFailure(child, 'SLIP_PUSH_ARCHIVE');
  child.stdout?.pipe(gzip, { end: false });
  failure.then(
    () => gzip.end(),
    (error: unknown) => gzip.destroy(error as Error),
  );
  gzip.on('close', () => child.kill('SIGKILL'));
  return gzip;
}

/** Resolves when the child has ended without an error and its output has been read. Rejects with the end of its stderr. */
function exitFailure(child: Child, code: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-2000);
    });
    const fail = (cause: unknown): void => {
      reject(
        new SlipwayError({ code, kind: 'transient', message: 'The source of the commit could not be read.', cause }),
      );
    };
    child.on('error', fail);
    child.on('close', (exit, signal) => {
      if (exit === 0) resolve();
      else fail(stderr.trim() || `git ended with ${signal ?? String(exit)}`);
    });
  });
}

function rootAbsent(commit: string, root: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_ROOT_ABSENT',
    message: `The commit ${commit.slice(0, 7)} has no folder ${root}. This app is built from this folder.`,
    hint: 'Commit this folder, or set another one: slipway apps:root FOLDER (the whole repository: slipway apps:root --clear). Then push again.',
  });
}
