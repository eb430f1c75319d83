import { addOutput } from '../release-output.ts';
import type { ReleaseStore } from '../release-port.ts';
import { appendOutput, outputBytes, readOutput, type ReleaseOutputOwner, type Sealed } from './outputs.ts';
import type { RepositoryDeps } from './repository.ts';

export function createReleaseOutputs({
  inTransaction,
  cipher,
}: RepositoryDeps): Pick<ReleaseStore, 'appendReleaseOutput' | 'releaseOutput'> {
  return {
    appendReleaseOutput: (appId, version, text) =>
      inTransaction((tx) => appendToRelease({ tx, cipher }, { appId, version }, text)),
    releaseOutput: (appId, version) => inTransaction((tx) => readOutput({ tx, cipher }, { appId, version })),
  };
}

/** Cuts the output of the release at its limit. */
export async function appendToRelease(sealed: Sealed, owner: ReleaseOutputOwner, text: string): Promise<void> {
  const added = addOutput(await outputBytes(sealed.tx, owner), text);
  if (added !== '') await appendOutput(sealed, owner, added);
}
