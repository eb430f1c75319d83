import { addOutput } from '../release-output.ts';
import type { ReleaseStore } from '../release-port.ts';
import { appendOutput, outputBytes, readOutput } from './outputs.ts';
import type { RepositoryDeps } from './repository.ts';

export function createReleaseOutputs({
  inTransaction,
  cipher,
}: RepositoryDeps): Pick<ReleaseStore, 'appendReleaseOutput' | 'releaseOutput'> {
  return {
    appendReleaseOutput: (appId, version, text) =>
      inTransaction(async (tx) => {
        const owner = { appId, version };
        const added = addOutput(await outputBytes(tx, owner), text);
        if (added !== '') await appendOutput({ tx, cipher }, owner, added);
      }),
    releaseOutput: (appId, version) => inTransaction((tx) => readOutput({ tx, cipher }, { appId, version })),
  };
}
