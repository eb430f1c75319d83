import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';

/** What a running build needs from outside. */
export interface BuildIo {
  /** The source tree as a tar stream (`git archive` of the commit), gzip-compressed. Never unpacked outside the sandbox. */
  openSource(signal: AbortSignal): Promise<NodeJS.ReadableStream>;
  /** Heroku-style output for the pusher, as it comes. Bytes as the buildpack wrote them. */
  output(chunk: Uint8Array): void;
  readonly signal: AbortSignal;
}

/** Runs one build in a sandbox, cuts the layers, uploads the new ones. @throws SLIP_BUILD_* */
export interface BuildRunner {
  build(task: BuildTask, io: BuildIo): Promise<BuildResult>;
}
