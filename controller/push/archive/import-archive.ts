import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { syncDir } from '../../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { FastImport } from '../git/fast-import.ts';
import { makeSideRepository } from '../git/repository.ts';
import type { PackLimit } from '../repository-limits.ts';
import type { Traffic } from '../turn-pace.ts';
import { archiveEntry, invalidLink, topOf, type ArchiveEntry } from './entry.ts';

export interface ArchiveImport {
  readonly repositoryDir: string;
  /** A tar, or a gzipped tar. */
  readonly source: Readable;
  readonly author: string;
  readonly timeMs: number;
  /** Leaves out the only folder at the top, as archives of GitHub have it. */
  readonly stripsTop: boolean;
  readonly limit: PackLimit;
  readonly traffic: Pick<Traffic, 'fromClient' | 'gitReads'>;
  readonly signal: AbortSignal;
}

export interface ImportedArchive {
  readonly commit: string;
  readonly files: number;
  /** Files of a `.git` folder, which were left out. */
  readonly skipped: number;
}

const ENTRIES_MAX = 200_000;
const UNPACKED_BYTES_MAX = 4 * 1024 ** 3;
/** git and this process keep all paths in memory. Equal folders of long paths are small in a gzipped archive. */
const PATHS_BYTES_MAX = 32 * 1024 ** 2;
/** How much content is written between two looks at the size of the pack. */
const LOOK_EVERY_BYTES = 32 * 1024 ** 2;

/**
 * Stores the content of an archive as a commit without a parent. Nothing is unpacked to files: each entry is checked and goes to git. git
 * writes to a repository beside the real one, so that an archive that is refused leaves nothing. @throws SLIP_ARCHIVE_*
 */
export async function importArchive(request: ArchiveImport): Promise<ImportedArchive> {
  const sideDir = join(dirname(request.repositoryDir), `.new-archive-${randomBytes(8).toString('hex')}`);
  await makeSideRepository(sideDir, request.repositoryDir);
  try {
    const imported = await new Importer(request, sideDir).run();
    await movePacks(sideDir, request.repositoryDir);
    return imported;
  } finally {
    await rm(sideDir, { recursive: true, force: true });
  }
}

type EntryOf<Kind extends ArchiveEntry['kind']> = Extract<ArchiveEntry, { readonly kind: Kind }>;

interface TarEntry extends AsyncIterable<unknown> {
  readonly header: Header;
  resume(): unknown;
}

class Importer {
  readonly #request: ArchiveImport;
  readonly #sideDir: string;
  readonly #git: FastImport;
  readonly #files = new Set<string>();
  readonly #tops = new Set<string>();
  #hasTopFile = false;
  /** The first link that leaves its top folder. */
  #leaving: { readonly path: string; readonly target: string } | undefined;
  #entries = 0;
  #pathsBytes = 0;
  #skipped = 0;
  #unpackedBytes = 0;
  #unlookedBytes = 0;

  constructor(request: ArchiveImport, sideDir: string) {
    this.#request = request;
    this.#sideDir = sideDir;
    this.#git = new FastImport(sideDir, request.signal);
  }

  async run(): Promise<ImportedArchive> {
    const { author, timeMs, signal } = this.#request;
    try {
      await this.#git.begin({ author, timeMs, message: 'Deploy of an archive\n' });
      await this.#readEntries();
      signal.throwIfAborted();
      await this.#stripTop();
      const commit = await this.#git.finish();
      await this.#checkPack();
      return { commit, files: this.#files.size, skipped: this.#skipped };
    } catch (error) {
      await this.#git.stop();
      signal.throwIfAborted();
      throw error;
    }
  }

  async #readEntries(): Promise<void> {
    const { source, traffic, limit, signal } = this.#request;
    const tar = extract();
    const { bytes, isGzip } = await bytesOf(source, traffic, limit);
    const input = Readable.from(bytes, { objectMode: false });
    const unpacked = (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> => this.#bounded(chunks);
    const fed = isGzip
      ? pipeline(input, createGunzip(), unpacked, tar, { signal })
      : pipeline(input, unpacked, tar, { signal });
    fed.catch(() => undefined);
    try {
      for await (const entry of tar) await this.#take(entry);
    } catch (error) {
      tar.destroy();
      const cause: unknown = await fed.then(
        () => error,
        (failure: unknown) => (error instanceof SlipwayError ? error : failure),
      );
      throw cause instanceof SlipwayError ? cause : notAnArchive(cause);
    }
    await fed;
    if (this.#files.size === 0) throw emptyArchive();
  }

  async #take(entry: TarEntry): Promise<void> {
    this.#entries += 1;
    if (this.#entries > ENTRIES_MAX) throw tooLarge(`more than ${String(ENTRIES_MAX)} entries`);
    const planned = archiveEntry(entry.header);
    if (planned.kind === 'skip') this.#skipped += Number(planned.why === 'git');
    else this.#notePath(planned.path);
    if (planned.kind === 'file') await this.#takeFile(planned, entry);
    else entry.resume();
    if (planned.kind === 'symlink') await this.#takeSymlink(planned);
    if (planned.kind === 'hardlink') await this.#takeHardlink(planned);
  }

  async #takeFile({ path, bytes, isExecutable }: EntryOf<'file'>, content: AsyncIterable<unknown>): Promise<void> {
    this.#files.add(path);
    await this.#git.beginFile({ path, bytes, mode: isExecutable ? '100755' : '100644' });
    for await (const chunk of content as AsyncIterable<Uint8Array>) await this.#content(chunk);
    await this.#git.endFile();
  }

  async #takeSymlink(link: EntryOf<'symlink'>): Promise<void> {
    const target = Buffer.from(link.target);
    if (link.leavesFolder) this.#leaving ??= link;
    await this.#git.beginFile({ path: link.path, mode: '120000', bytes: target.byteLength });
    await this.#git.content(target);
    await this.#git.endFile();
  }

  async #takeHardlink({ path, target }: EntryOf<'hardlink'>): Promise<void> {
    if (!this.#files.has(target)) throw invalidLink(path, target, 'has no such file before it');
    await this.#git.copy(target, path);
    this.#files.add(path);
  }

  /** Counts also what is left out: headers, and the files of `.git`. */
  async *#bounded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#unpackedBytes += chunk.byteLength;
      if (this.#unpackedBytes > UNPACKED_BYTES_MAX)
        throw tooLarge(`more than ${String(UNPACKED_BYTES_MAX / 1024 ** 3)} GiB when it is unpacked`);
      yield chunk;
    }
  }

  async #content(chunk: Uint8Array): Promise<void> {
    this.#unlookedBytes += chunk.byteLength;
    await this.#git.content(chunk);
    if (this.#unlookedBytes < LOOK_EVERY_BYTES) return;
    this.#unlookedBytes = 0;
    await this.#checkPack();
  }

  #notePath(path: string): void {
    this.#pathsBytes += Buffer.byteLength(path);
    if (this.#pathsBytes > PATHS_BYTES_MAX)
      throw tooLarge(`paths of more than ${String(PATHS_BYTES_MAX / 1024 ** 2)} MiB together`);
    const { name, isFolder } = topOf(path);
    if (isFolder) this.#tops.add(name);
    else this.#hasTopFile = true;
  }

  async #stripTop(): Promise<void> {
    const [only, another] = this.#tops;
    if (!this.#request.stripsTop || this.#hasTopFile || only === undefined || another !== undefined) return;
    if (this.#leaving !== undefined)
      throw invalidLink(this.#leaving.path, this.#leaving.target, `points out of the folder ${only}, which is the app`);
    await this.#git.makeRoot(only);
  }

  /** The quota of the repository is for packed bytes. */
  async #checkPack(): Promise<void> {
    const { maxPackBytes, tooLarge: hint } = this.#request.limit;
    const dir = join(this.#sideDir, 'objects', 'pack');
    const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size));
    if (sizes.reduce((sum, size) => sum + size, 0) > maxPackBytes) throw tooLarge(`too many bytes`, hint);
  }
}

/** Counts the bytes as they arrive. The source stays open, so that the client can still get an answer. */
async function bytesOf(
  source: Readable,
  traffic: ArchiveImport['traffic'],
  { maxPackBytes, tooLarge: hint }: PackLimit,
): Promise<{ readonly bytes: AsyncGenerator<Buffer>; readonly isGzip: boolean }> {
  const chunks = source.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;
  const first = await chunks.next();
  const isGzip = first.value?.[0] === 0x1f && first.value[1] === 0x8b;
  async function* bytes(): AsyncGenerator<Buffer> {
    let received = 0;
    for (let next = first; next.value !== undefined; next = await chunks.next()) {
      received += next.value.length;
      if (received > maxPackBytes) throw tooLarge('too many bytes', hint);
      traffic.fromClient(next.value.length, true);
      yield next.value;
      traffic.gitReads();
    }
  }
  return { bytes: bytes(), isGzip };
}

/** The index comes last: a pack without an index does not exist for git. */
async function movePacks(sideDir: string, repositoryDir: string): Promise<void> {
  const from = join(sideDir, 'objects', 'pack');
  const to = join(repositoryDir, 'objects', 'pack');
  const names = (await readdir(from)).filter((name) => name.startsWith('pack-'));
  const isIndex = (name: string): number => Number(name.endsWith('.idx'));
  for (const name of names.sort((a, b) => isIndex(a) - isIndex(b))) await rename(join(from, name), join(to, name));
  await syncDir(to);
}

function notAnArchive(cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ARCHIVE_FORMAT',
    message: 'This is not a complete tar archive (.tar, .tgz or .tar.gz).',
    hint: 'Make one with: tar -czf app.tgz . — or deploy a folder: slipway deploy FOLDER',
    httpStatus: 422,
    cause,
  });
}

function emptyArchive(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ARCHIVE_EMPTY',
    message: 'The archive has no file.',
    hint: 'Make one with: tar -czf app.tgz .',
    httpStatus: 422,
  });
}

function tooLarge(what: string, hint?: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ARCHIVE_TOO_LARGE',
    message: `The archive has ${what}.`,
    hint: hint ?? 'Leave out files that the build does not need, for example with .gitignore.',
    httpStatus: 413,
  });
}
