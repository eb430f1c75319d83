import { createReadStream } from 'node:fs';
import { lstat, mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { isErrno } from '../../shared/kit/errors.ts';
import { DEFAULT_ENV } from '../../shared/kit/exec.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../usage-error.ts';

export interface PackedFolder {
  /** A gzipped tar. */
  readonly body: Readable;
  readonly files: number;
  readonly skipped: readonly Skipped[];
}

interface Skipped {
  readonly path: string;
  readonly why: string;
}

interface Listed {
  readonly path: string;
  readonly facts: Awaited<ReturnType<typeof lstat>>;
}

const LIST_BYTES_MAX = 64 * 1024 ** 2;

type Here = Pick<Cli, 'cwd' | 'run' | 'env'>;

/** The files of a folder that a commit of all changes would have. The build reads .slugignore. @throws SLIP_CLI_USAGE */
export async function packFolder(cli: Here, given: string): Promise<PackedFolder> {
  const folder = resolve(cli.cwd, given);
  const isFolder = await stat(folder).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (!isFolder) throw usageError(`There is no folder ${folder}.`, 'For an archive: slipway deploy --archive FILE');
  const paths = (await listWithGit(cli, folder)) ?? (await listAll(folder));
  const files: Listed[] = [];
  const skipped: Skipped[] = [];
  for (const path of paths) {
    const facts = await lstat(join(folder, path)).catch(goneIsNothing);
    if (facts === undefined) continue; // deleted, and git still lists it
    if (facts.isFile() || facts.isSymbolicLink()) files.push({ path, facts });
    else skipped.push({ path, why: facts.isDirectory() ? 'it is another git repository' : 'it is not a file' });
  }
  if (files.length === 0)
    throw usageError(`${folder} has no file to deploy.`, 'Name another folder: slipway deploy FOLDER');
  const tar = pack();
  const gzip = createGzip({ level: 5 });
  pipeline(tar, gzip).catch((error: unknown) => gzip.destroy(error instanceof Error ? error : undefined));
  void writeFiles(tar, folder, files).catch((error: unknown) =>
    tar.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return { body: gzip, files: files.length, skipped };
}

/** Reads .gitignore as git does, also in a folder that is not in a git repository. Undefined: there is no git. */
async function listWithGit(cli: Here, folder: string): Promise<readonly string[] | undefined> {
  const inRepository = await listPaths(cli, folder, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (inRepository !== undefined) return inRepository;
  const dir = await mkdtemp(join(tmpdir(), 'slipway-deploy-'));
  try {
    if ((await listPaths(cli, folder, ['init', '--quiet', '--bare', '--template=', dir])) === undefined)
      return undefined;
    const where = [`--git-dir=${dir}`, `--work-tree=${folder}`];
    return await listPaths(cli, folder, [...where, 'ls-files', '-z', '--others', '--exclude-standard']);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function listPaths(
  { run, env }: Here,
  cwd: string,
  args: readonly string[],
): Promise<readonly string[] | undefined> {
  const command = { file: 'git', args, cwd, env: { ...DEFAULT_ENV, ...env }, maxOutputBytes: LIST_BYTES_MAX };
  const result = await run(command).catch(() => undefined);
  if (result?.code !== 0) return undefined;
  return [...new Set(result.stdout.split('\0').filter((path) => path !== ''))].sort();
}

async function listAll(folder: string, below = ''): Promise<readonly string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const lists = await Promise.all(
    entries
      .filter(({ name }) => name !== '.git')
      .map(async (entry) => {
        const path = below === '' ? entry.name : `${below}/${entry.name}`;
        return entry.isDirectory() ? await listAll(folder, path) : [path];
      }),
  );
  return lists.flat();
}

async function writeFiles(tar: Pack, folder: string, files: readonly Listed[]): Promise<void> {
  for (const { path, facts } of files) {
    const common = { name: path, mode: Number(facts.mode) & 0o777, mtime: facts.mtime };
    const file = join(folder, path);
    if (facts.isSymbolicLink()) await addLink(tar, { ...common, type: 'symlink', linkname: await readlink(file) });
    else await pipeline(createReadStream(file), tar.entry({ ...common, size: Number(facts.size) }));
  }
  tar.finalize();
}

async function addLink(tar: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> {
  await new Promise<void>((done, failed) => {
    tar.entry(header, (error?: Error | null) => (error instanceof Error ? failed(error) : done()));
  });
}

function goneIsNothing(error: unknown): undefined {
  if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
  throw error;
}
