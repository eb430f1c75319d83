import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDeclaredLayers, renderDeclaredLayer } from '../../../../agent/build/declared-layers.ts';

describe('the layers that bin/layers declares', () => {
  it('are read as they are written', () => {
    const layers = [
      { name: 'runtime', path: '.heroku/node', key: 'node 24.1.0', shared: true },
      { name: 'dependencies', path: 'node_modules', key: 'abc', shared: false },
    ];
    assert.deepEqual(parseDeclaredLayers(layers.map((layer) => `${renderDeclaredLayer(layer)}\n`).join('')), layers);
  });

  it('are skipped when they are malformed or outside of the app', () => {
    const lines = [
      'app\tx\tk\towned',
      'a\t../x\tk\towned',
      'a\t/x\tk\towned',
      'a\tx/\tk\towned',
      'a\tx\tk\tmine',
      'a\tx\tk',
      'A\tx\tk\towned',
      'a\tx\t\towned',
    ];
    assert.deepEqual(parseDeclaredLayers(lines.join('\n')), []);
  });

  it('count once when two buildpacks declare the same layer, and are skipped when they conflict', () => {
    assert.equal(parseDeclaredLayers('a\tx\tk\towned\na\tx\tk\towned').length, 1);
    assert.deepEqual(parseDeclaredLayers('a\tx\tk1\towned\na\tx\tk2\towned'), []);
    assert.deepEqual(parseDeclaredLayers('a\tx\tk\towned\nb\tx/y\tk\towned'), []);
  });
});
