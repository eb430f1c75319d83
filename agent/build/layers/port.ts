import type { Run } from '../../../shared/kit/exec.ts';
import type { AppId, Digest } from '../../../shared/domain/ids.ts';
import type { Layer } from '../../../shared/domain/slug.ts';

/** A folder of the final tree that changes rarely, declared by a buildpack. */
export interface DeclaredLayer {
  /** `runtime`, `dependencies`, …: `[a-z]{1,20}`, not `app`. */
  readonly name: string;
  /** Folder relative to /app, e.g. `node_modules`. */
  readonly path: string;
  /** Equal keys mean equal content (lockfile, stack, runtime version …). At most 200 printable characters. */
  readonly key: string;
  /** True: the app never writes there, so all apps share one mount. */
  readonly shared: boolean;
}

export interface CutRequest {
  readonly appId: AppId;
  /** The merged tree after the build. */
  readonly appDir: string;
  /** The files that the build wrote on top of the reused layers. */
  readonly upperDir: string;
  readonly declared: readonly DeclaredLayer[];
  /** Layers that were mounted for the build. They are reused if the build wrote nothing below their path. */
  readonly reused: readonly { readonly declared: DeclaredLayer; readonly layer: Layer }[];
  /** Mtime of the files in the app layer. Other layers have a constant mtime. */
  readonly commitTimeMs: number;
  /** @throws SLIP_SLUG_TOO_LARGE beyond it */
  readonly slugLimitBytes: number;
  /** Limits of the tree. A sparse file counts in full, and a file with several names counts once for each name. */
  readonly treeLimits: { readonly bytes: number; readonly entries: number };
  /** Runs programs that read the tree within the limits of the build. Absent: they run without limits. */
  readonly run?: Run | undefined;
  /** Memory of the build, shared by the programs. */
  readonly memoryBytes: number;
  readonly signal: AbortSignal;
  /** Called for each new image as soon as it is in the local store. */
  readonly made?: ((layer: Layer) => void) | undefined;
}

/** Turns a finished tree into layers. The result depends only on the tree and the declared paths, not on earlier builds. */
export interface LayerBuilder {
  /** Layers of earlier builds of this app with the same name, path and key, if they are still on this machine. */
  cached(
    appId: AppId,
    declared: readonly DeclaredLayer[],
  ): Promise<readonly { declared: DeclaredLayer; layer: Layer }[]>;
  /** True if {@link cached} may find layers of this app. */
  remembers(appId: AppId): Promise<boolean>;
  /** Layers of earlier builds of all apps. */
  remembered(): Promise<ReadonlySet<Digest>>;
  /** Forgets the earlier builds of this app. Their images stay. */
  forget(appId: AppId): Promise<void>;
  /** Bottom first, `app` last. Without declarations there is one layer. New images are then in the local image store. */
  cut(request: CutRequest): Promise<readonly Layer[]>;
}
