import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSandboxLab } from '../support/sandbox-lab.ts';
import { REAL_WORKLOADS, sandboxContract } from './sandbox.ts';
import { realSandboxContract } from './sandbox-real.ts';

sandboxContract('process', REAL_WORKLOADS);
realSandboxContract('process');

test('sandbox process: an app gets the very files of a shared layer, may replace them, and harms nobody else', async (t) => {
  const lab = await openSandboxLab('process');
  t.after(() => lab.close());
  const [own, shared] = [lab.layer({ 'own.txt': 'own' }), lab.layer({ 'runtime/node': 'runtime' })];
  chmodSync(join(shared, 'runtime/node'), 0o555);
  const spec = lab.spec({
    lowerDirs: [shared, own],
    sharedLowerDirs: new Set([shared]),
    argv: ['/bin/sh', '-c', 'sleep 3600'],
  });
  await lab.sandbox.prepare(spec);
  const app = lab.sandbox.appDir(spec.id);
  const isSameFile = (dir: string, name: string): boolean =>
    statSync(join(dir, name)).ino === statSync(join(app, name)).ino;
  assert.deepEqual([isSameFile(shared, 'runtime/node'), isSameFile(own, 'own.txt')], [true, false]);
  await lab.sandbox.forget(spec.id);

  const script = 'rm runtime/node && echo mine >runtime/node && echo more >>own.txt && cat runtime/node own.txt';
  const { output } = await lab.finish({ ...spec, id: `${spec.id.slice(1)}x`, argv: ['/bin/sh', '-c', script] });
  assert.equal(output, 'mine\nownmore\n');
  assert.deepEqual(
    [readFileSync(join(shared, 'runtime/node'), 'utf8'), readFileSync(join(own, 'own.txt'), 'utf8')],
    ['runtime', 'own'],
  );
});
