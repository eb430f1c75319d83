import { join } from 'node:path';
import { digestHex, isDigest, type Digest } from '../../shared/domain/ids.ts';

/** The paths of the image store in the state folder of the agent. Pure. */
export interface ImageLayout {
  readonly stateDir: string;
  readonly imagesDir: string;
  /** Incomplete downloads, by digest. */
  readonly partialDir: string;
  /** Per-app copies whose files belong to the app. */
  readonly ownedDir: string;
  /** Mount points, `<hex>-<owner>`. */
  readonly mountsDir: string;
  /** Unpacked layers, if the agent cannot mount. */
  readonly extractedDir: string;
  image(digest: Digest): string;
  partial(digest: Digest): string;
  owned(digest: Digest, ownerUid: number): string;
  mount(digest: Digest, owner: Owner): string;
  extracted(digest: Digest): string;
}

/** Host uid that owns the files of a mounted layer, or `shared`: the files belong to root, and all apps use them. */
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

/** The host uid that owns a per-app copy or its mount; undefined for shared layers. */
export function ownerOfName(name: string): number | undefined {
  const uid = /^[0-9a-f]{64}-(\d{1,10})(?:\.sqfs)?$/.exec(name)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** The digest in a file name of the layout: `<hex>`, `<hex>.sqfs`, `<hex>-<owner>`; undefined for other names. */
export function digestOfName(name: string): Digest | undefined {
  const digest = `sha256:${/^([0-9a-f]{64})(?:-(?:shared|\d{1,10}))?(?:\.sqfs)?$/.exec(name)?.[1] ?? ''}`;
  return isDigest(digest) ? digest : undefined;
}
