import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import semver from 'semver';
import { run } from '../../../shared/kit/exec.ts';

const LIB = join(import.meta.dirname, '../../../buildpacks/lib');

async function best(range: string, versions: readonly string[]): Promise<string | number | null> {
  const result = await run({
    file: 'awk',
    args: ['-v', `range=${range}`, '-f', join(LIB, 'semver.awk')],
    stdin: versions.map((version) => `${version}\n`).join(''),
  });
  return result.code === 0 ? result.stdout.trim() : result.code;
}

async function flatten(text: string): Promise<{ code: number | null; lines: string[] }> {
  const { code, stdout } = await run({ file: 'awk', args: ['-f', join(LIB, 'json.awk')], stdin: text });
  return { code, lines: stdout.split('\n').filter((line) => line !== '') };
}

describe('version ranges without Node', () => {
  const versions = [
    '18.0.0',
    '18.20.4',
    '20.1.1',
    '20.11.0',
    '22.0.5',
    '22.12.0',
    '24.3.0',
    '24.21.0',
    '26.0.0',
    '0.10.48',
    '0.12.1',
  ];
  const ranges = [
    '24',
    '24.x',
    'v24',
    '^24.2',
    '~24.3',
    '~24',
    '>=20',
    '>= 20 <24',
    '>20 <=22',
    '18 - 22',
    '18.x || >=26',
    '20.11.0',
    '=22.0.5',
    '*',
    '',
    'x',
    '0.12.x',
    '^0.10',
    '<1',
    '>=18.20.4 <20.11',
    '>24',
    '30',
  ];
  for (const range of ranges) {
    it(`chooses as npm does: "${range}"`, async () => {
      assert.equal(await best(range, versions), semver.maxSatisfying(versions, range) ?? 1);
    });
  }

  it('distinguishes an invalid range from a range without a matching version', async () => {
    assert.equal(await best('newest', versions), 2);
    assert.equal(await best('>=99', versions), 1);
  });
});

describe('JSON without Node', () => {
  it('is flattened to paths and values', async () => {
    const { lines } = await flatten('{"a":{"b/c":"x\\/y \\"q\\""},"l":[1,true,{"u":"v"}],"e":{}}');
    assert.deepEqual(lines, [
      '\to\t',
      '/a\to\t',
      '/a/b/c\ts\tx/y \\"q\\"',
      '/l\ta\t',
      '/l/0\tn\t1',
      '/l/1\tl\ttrue',
      '/l/2\to\t',
      '/l/2/u\ts\tv',
      '/e\to\t',
    ]);
  });

  it('is refused in exactly the cases in which JSON.parse refuses it', async () => {
    const text = JSON.stringify({ a: [1, { b: 'c"d' }, null], d: -1.5e3, e: { f: [] } });
    for (let at = 0; at < text.length; at += 3) {
      const broken = text.slice(0, at) + text.slice(at + 1);
      assert.equal((await flatten(broken)).code === 0, isJson(broken), broken);
    }
  });

  it('accepts everything that JSON.stringify writes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (value) => {
        assert.equal((await flatten(JSON.stringify(value, null, 2))).code, 0);
      }),
      { numRuns: 40 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
