import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Clone, statusOf } from '../support/clone.ts';

const NOBODY = 65_534;

describe('quickstart of a clone, as an ordinary user', { concurrency: false }, () => {
  let clone: Clone;
  before(async () => {
    clone = await Clone.make(NOBODY);
  });
  after(() => clone.remove());

  it('warns that nothing is isolated, runs everything as that user, and cleans up', async () => {
    const started = await clone.quickstart();
    assert.equal(started.code, 0, started.stdout + started.stderr);
    assert.match(started.stdout, /isolates NOTHING/);
    assert.equal((await clone.curl('hello.localhost')).body, 'Hello from web.1, v1\n');
    for (const name of ['controller', 'agent'] as const)
      assert.match((await statusOf(await clone.pidOf(name)))['Uid'] ?? '', /^65534\t65534/);
    const refused = await clone.quickstart('--sandbox', 'lxc');
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /--sandbox lxc needs root\.\n {2}Run it with sudo/);
    const cleaned = await clone.quickstart('--clean');
    assert.equal(cleaned.code, 0, cleaned.stdout + cleaned.stderr);
    assert.deepEqual(await clone.traces(), []);
  });
});
