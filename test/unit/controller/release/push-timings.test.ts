import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pushTimings, renderTimings, STAGES } from '../../../../controller/release/push-timings.ts';
import type { Digest } from '../../../../shared/domain/ids.ts';

const moments = {
  git: { ssh: 20, authorise: 2, receive: 30 },
  build: {
    timingsMs: { source: 10, prepare: 20, sandbox: 40, compile: 30, layers: 15, upload: 5 },
    sourceBytes: 500,
    uploadedBytes: 4096,
  },
  slug: {
    layers: [{ name: 'app', digest: `sha256:${'0'.repeat(64)}` as Digest, sizeBytes: 4096, shared: false }],
    processTypes: {},
    stack: 'host',
    platform: 'debian-12-x64',
    commit: 'a'.repeat(40),
    buildpacks: [],
    defaultConfig: {},
  },
  builtAtMs: 172,
  cutAtMs: 177,
  liveAtMs: 277,
  returnedAtMs: 3277,
  instance: { fetch: 1, mount: 9, sandbox: 30, gate: 40, switch: 10 },
};

describe('the time line of a push', () => {
  it('has every stage once, and they add up to the moment the app was live', () => {
    const timings = pushTimings(moments);
    const total = STAGES.reduce((sum, stage) => sum + (timings[stage] ?? Number.NaN), 0);
    assert.equal(total, moments.liveAtMs);
    assert.equal(timings['build'], 90);
    assert.equal(timings['sandbox'], 30, "the instance's sandbox, not the build's");
    assert.equal(timings['build.sandbox'], 40);
  });

  it('is one line in the order of the pipeline', () => {
    assert.equal(
      renderTimings(pushTimings(moments)),
      'Time: git 52 · source 10 · build 90 · layers 15 · upload 5 · release 5 · dispatch 10 · fetch 1 · mount 9 · sandbox 30 · gate 40 · switch 10 ms',
    );
  });
});
