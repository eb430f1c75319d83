import assert from 'node:assert/strict';
import { it } from 'node:test';
import { jsonPlace } from '../../../../shared/domain/json-place.ts';

const TEXT = `{
  "name": "a, {b}: [\\"c\\"]",
  "env": { "A": 1, "B.C": { "value": true } },
  "list": [[1, 2], { "x": null }],
  "empty": {}, "last": []
}`;

it('finds the line and column of a value by its path', () => {
  const at = (path: string): string => {
    const place = jsonPlace(TEXT, path);
    return place === undefined ? 'nowhere' : `${String(place.line)}:${String(place.column)}`;
  };
  assert.equal(at('name'), '2:11');
  assert.equal(at('env.A'), '3:17');
  assert.equal(at('env.B.C.value'), '3:38');
  assert.equal(at('list.0.1'), '4:16');
  assert.equal(at('list.1.x'), '4:27');
  assert.equal(at('empty'), '5:12');
  assert.equal(at('last'), '5:24');
});

it('gives the nearest value around a value that is missing', () => {
  assert.deepEqual(jsonPlace(TEXT, 'list.1.y.z'), { line: 4, column: 20 });
  assert.equal(jsonPlace(TEXT, 'nothing'), undefined);
});

it('reads a deep text of 1 MB without a deep stack', () => {
  const deep = `{"a": ${'['.repeat(500_000)}${']'.repeat(500_000)}, "b": 1}`;
  assert.deepEqual(jsonPlace(deep, 'b'), { line: 1, column: 1_000_014 });
});
