import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuseOutdated, type DocumentVersion, type VersionRule } from '../../../../agent/accepted/refuse-outdated.ts';

const rule: VersionRule = {
  noun: 'document',
  generationsContinueAcrossEpochs: true,
  codes: { oldEpoch: 'OLD_EPOCH', otherController: 'OTHER_CONTROLLER', oldGeneration: 'OLD_GENERATION' },
};

function version(counter: number, id: string, generation: number): DocumentVersion {
  return { epoch: { counter, id }, generation };
}

describe('which version of a document an agent refuses', () => {
  const accepted = version(5, 'a', 10);
  const cases: readonly (readonly [string, DocumentVersion, string | undefined])[] = [
    ['the same version', accepted, undefined],
    ['a newer generation', version(5, 'a', 11), undefined],
    ['an older generation', version(5, 'a', 9), 'OLD_GENERATION'],
    ['an older epoch', version(4, 'z', 50), 'OLD_EPOCH'],
    ['another controller with the same epoch', version(5, 'b', 50), 'OTHER_CONTROLLER'],
    ['a newer epoch', version(6, 'b', 10), undefined],
    ['an older generation in a newer epoch', version(6, 'b', 9), 'OLD_GENERATION'],
  ];
  for (const [what, offered, code] of cases) {
    it(`${what}: ${code ?? 'accepted'}`, () => assert.equal(refuseOutdated(rule, accepted, offered)?.code, code));
  }

  it('each epoch can have its own count of generations', () => {
    const ownCount = { ...rule, generationsContinueAcrossEpochs: false };
    assert.equal(refuseOutdated(ownCount, accepted, version(6, 'b', 1)), undefined);
    assert.equal(refuseOutdated(ownCount, accepted, version(5, 'a', 1))?.code, 'OLD_GENERATION');
  });
});
