import type { AppId } from '../../shared/domain/ids.ts';

/** Part of the store: what belongs to a release beside its row. */
export interface ReleaseStore {
  /** Adds to the output of the release phase. Text above {@link RELEASE_OUTPUT_BYTES_MAX} is dropped, and the output says so. */
  appendReleaseOutput(appId: AppId, version: number, text: string): Promise<void>;
  /** The output of the release phase. Undefined when the release had none. */
  releaseOutput(appId: AppId, version: number): Promise<string | undefined>;
}
