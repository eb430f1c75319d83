import { join } from 'node:path';
import { digestHex, isDigest, type Digest } from '../../shared/domain/ids.ts';

/** Where everything about images lies under the agent's state folder. Pure. */
export interface ImageLayout {
  readonly stateDir: string;
  readonly imagesDir: string;
  /** Unfinished downloads, resumed by digest. */
  readonly partialDir: string;
  /** Per-app copies whose files belong to the app. */
  readonly ownedDir: string;
  /** Mount points, `<hex>-<owner>`. */
  readonly mountsDir: string;
  /** Unpacked layers, where nothing can be mounted. */
  readonly extractedDir: string;
  image(digest: Digest): string;
  partial(digest: Digest): string;
  owned(digest: Digest, ownerUid: number): string;
  mount(digest: Digest, owner: Owner): string;
  extracted(digest: Digest): string;
}

/** Host uid that owns a mounted layer's files, or `shared`: root's, for every app. */
export type Owner = number | 'shared';

export function imageLayout(stateDir: string): ImageLayout {
  const imagesDir = join(stateDir, 'images');
  const folders = {
    partialDir: join(imagesDir, 'partial'),
    ownedDir: join(imagesDir, 'owned'),
    mountsDir: join(stateDir, 'mounts'),
    extractedDir: join(stateDir, 'extracted'),
  };
  return {
    stateDir,
    imagesDir,
    ...folders,
    image: (digest) => join(imagesDir, `${digestHex(digest)}.sqfs`),
    partial: (digest) => join(folders.partialDir, digestHex(digest)),
    owned: (digest, ownerUid) => join(folders.ownedDir, `${digestHex(digest)}-${ownerUid}.sqfs`),
    mount: (digest, owner) => join(folders.mountsDir, `${digestHex(digest)}-${owner}`),
    extracted: (digest) => join(folders.extractedDir, digestHex(digest)),
  };
}

/** Every folder of the layout. */
export function imageDirs(stateDir: string): readonly string[] {
  const { imagesDir, partialDir, ownedDir, mountsDir, extractedDir } = imageLayout(stateDir);
  return [imagesDir, partialDir, ownedDir, mountsDir, extractedDir];
}

/** The host uid that owns a per-app copy or its mount; undefined for what all apps share. */
export function ownerOfName(name: string): number | undefined {
  const uid = /^[0-9a-f]{64}-(\d{1,10})(?:\.sqfs)?$/.exec(name)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** The digest a file or folder of the layout is about: `<hex>`, `<hex>.sqfs`, `<hex>-<owner>`; undefined for a stranger. */
export function digestOfName(name: string): Digest | undefined {
  const digest = `sha256:${/^([0-9a-f]{64})(?:-(?:shared|\d{1,10}))?(?:\.sqfs)?$/.exec(name)?.[1] ?? ''}`;
  return isDigest(digest) ? digest : undefined;
}
