import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';

/** Input and output of a running build. */
export interface BuildIo {
  /** The source tree as a tar stream (`git archive` of the commit), gzip-compressed. Never unpacked outside the sandbox. */
  openSource(signal: AbortSignal): Promise<NodeJS.ReadableStream>;
  /** Receives the build output for the user. The bytes of buildpacks are unchanged. */
  output(chunk: Uint8Array): void;
  readonly signal: AbortSignal;
}

/** Runs one build in a sandbox, packs the layers and uploads the new ones. @throws SLIP_BUILD_* */
export interface BuildRunner {
  build(task: BuildTask, io: BuildIo): Promise<BuildResult>;
}
