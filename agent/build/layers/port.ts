import type { Run } from '../../../shared/kit/exec.ts';
import type { AppId, Digest } from '../../../shared/domain/ids.ts';
import type { Layer } from '../../../shared/domain/slug.ts';

/** A part of the final tree that a buildpack says changes seldom. */
export interface DeclaredLayer {
  /** `runtime`, `dependencies`, …: `[a-z]{1,20}`, not `app`. */
  readonly name: string;
  /** Folder relative to /app, e.g. `node_modules`. */
  readonly path: string;
  /** Equal keys promise equal content of the folder (lockfile, stack, runtime version …); at most 200 printable characters. */
  readonly key: string;
  /** The app never writes there: mounted without an owner of its own. */
  readonly shared: boolean;
}

export interface CutRequest {
  readonly appId: AppId;
  /** The merged tree after the build, on this machine. */
  readonly appDir: string;
  /** What the build wrote on top of the reused layers. */
  readonly upperDir: string;
  readonly declared: readonly DeclaredLayer[];
  /** Layers that were mounted below the build; reused as they are when the build wrote nothing under their path. */
  readonly reused: readonly { readonly declared: DeclaredLayer; readonly layer: Layer }[];
  /** Mtime of the app layer's files; other layers have a constant one. */
  readonly commitTimeMs: number;
  /** @throws SLIP_SLUG_TOO_LARGE beyond it */
  readonly slugLimitBytes: number;
  /** Most bytes to read and entries of the tree: a sparse file counts in full, a file with several names once for each name. */
  readonly treeLimits: { readonly bytes: number; readonly entries: number };
  /** Runs programs that read the tree, within the limits of the build. Absent: the layer builder's own `run`, without limits. */
  readonly run?: Run | undefined;
  /** Memory of the build, which the programs share. */
  readonly memoryBytes: number;
  readonly signal: AbortSignal;
  /** Called for each new image as soon as it is in the local store. */
  readonly made?: ((layer: Layer) => void) | undefined;
}

/** Turns a finished tree into layers: a pure function of the tree and the declared paths, never of the history. */
export interface LayerBuilder {
  /** Layers of earlier builds of this app under the same name, path and key that are still on this machine. */
  cached(
    appId: AppId,
    declared: readonly DeclaredLayer[],
  ): Promise<readonly { declared: DeclaredLayer; layer: Layer }[]>;
  /** True when {@link cached} may find something of this app. */
  remembers(appId: AppId): Promise<boolean>;
  /** Layers of earlier builds of all apps. */
  remembered(): Promise<ReadonlySet<Digest>>;
  /** Forgets the earlier builds of this app. Their images stay. */
  forget(appId: AppId): Promise<void>;
  /** Bottom first, `app` last. Undeclared trees are one layer. New images are in the local image store afterwards. */
  cut(request: CutRequest): Promise<readonly Layer[]>;
}
