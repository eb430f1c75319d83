import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { ImageTransport } from '../../agent/images/port.ts';
import type { Digest } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { digestFile } from '../../agent/images/file-digest.ts';
import { eventually } from './eventually.ts';

/** A folder of this test. All mounts and loop devices below it are removed at the end. */
export interface Lab {
  readonly dir: string;
  /** Runs before the unmounting, because background work could mount again. */
  beforeEnd(settle: () => Promise<void>): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openLab(name: string): Promise<Lab> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), `slipway-${name}-`)));
  const settles: (() => Promise<void>)[] = [];
  return {
    dir,
    beforeEnd: (settle) => settles.push(settle),
    [Symbol.asyncDispose]: async () => {
      for (const settle of settles) await settle();
      await unmountBelow(dir);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function mountsBelow(dir: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').filter((point) => point === dir || point.startsWith(`${dir}/`));
}

/** Unmounts in reverse order. Repeats it, because a mount namespace of another program may still use a copy of a mount. */
async function unmountBelow(dir: string): Promise<void> {
  await eventually(`no mount below ${dir}`, async () => {
    for (const point of (await mountsBelow(dir)).toReversed()) await run({ file: 'umount', args: ['--', point] });
    return (await mountsBelow(dir)).length === 0;
  });
}

export type Tree = Readonly<
  Record<string, string | Buffer | { readonly mode?: number; readonly link?: string; readonly dir?: boolean }>
>;

/** Path → content (or mode, symbolic link, empty folder). */
export async function writeTree(root: string, tree: Tree): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const [path, node] of Object.entries(tree)) {
    const at = join(root, path);
    await mkdir(dirname(at), { recursive: true });
    if (typeof node === 'string' || Buffer.isBuffer(node)) await writeFile(at, node);
    else if (node.link !== undefined) await symlink(node.link, at);
    else if (node.dir === true) await mkdir(at, { recursive: true });
    if (!Buffer.isBuffer(node) && typeof node !== 'string' && node.mode !== undefined) await chmod(at, node.mode);
  }
}

/** Makes an image of a tree like the layer builder, and returns its digest. */
export async function makeImage(dir: string, name: string, tree: Tree): Promise<{ path: string; layer: Layer }> {
  const source = join(dir, `${name}-tree`);
  const path = join(dir, `${name}.sqfs`);
  await writeTree(source, tree);
  const args = [
    source,
    path,
    '-comp',
    'zstd',
    '-all-root',
    '-noId',
    '-no-xattrs',
    '-noappend',
    '-quiet',
    '-no-progress',
  ];
  await runOk(run, { file: 'mksquashfs', args: [...args, '-mkfs-time', '0', '-all-time', '315532800'] });
  return { path, layer: { name: 'app', shared: false, ...(await digestFile(path)) } };
}

/** The image store of a controller in this process, with network failures. */
export class FakeTransport implements ImageTransport {
  readonly images = new Map<Digest, Buffer>();
  /** Offset of each requested download. */
  readonly offsets: number[] = [];
  /** The results of the downloads, in order. Later downloads are complete. */
  faults: readonly Fault[] = [];

  async add(path: string): Promise<Digest> {
    const { digest } = await digestFile(path);
    this.images.set(digest, await readFile(path));
    return digest;
  }

  async download(digest: Digest, offsetBytes: number, signal: AbortSignal): Promise<NodeJS.ReadableStream> {
    signal.throwIfAborted();
    const fault = this.faults[this.offsets.length];
    this.offsets.push(offsetBytes);
    const image = this.images.get(digest);
    if (image === undefined) throw new SlipwayError({ code: 'SLIP_IMAGE_NOT_FOUND', message: 'No such image.' });
    return Readable.from(faulty(image.subarray(offsetBytes), fault, signal));
  }

  async upload(): Promise<number> {
    return Promise.resolve(0);
  }
}

/** `break` and `hang` after so many bytes; `damage` changes a byte; `excess` sends more than there is. */
export type Fault = { readonly break: number } | { readonly hang: number } | 'damage' | 'excess' | 'refuse' | 'none';

async function* faulty(image: Buffer, fault: Fault | undefined, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (fault === 'refuse') throw new Error('connect ECONNREFUSED');
  if (fault === 'damage') {
    const bytes = Buffer.from(image);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    yield bytes;
    return;
  }
  if (typeof fault === 'object') {
    yield image.subarray(0, 'break' in fault ? fault.break : fault.hang);
    if ('break' in fault) throw new Error('read ECONNRESET');
    if (!signal.aborted) await once(signal, 'abort');
    throw new Error('aborted');
  }
  yield image;
  if (fault === 'excess') yield Buffer.from('more');
}
