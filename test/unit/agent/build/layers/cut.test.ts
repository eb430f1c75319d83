import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkDeclared, planCut, type CutFacts, type FolderFacts } from '../../../../../agent/build/layers/cut.ts';
import type { DeclaredLayer } from '../../../../../agent/build/layers/port.ts';
import type { Digest } from '../../../../../shared/domain/ids.ts';
import type { Layer } from '../../../../../shared/domain/slug.ts';

const declare = (name: string, path: string, key = 'k'): DeclaredLayer => ({ name, path, key, shared: false });
const MODULES = declare('dependencies', 'node_modules');
const RUNTIME: DeclaredLayer = { ...declare('runtime', '.runtime'), shared: true };
const image = (letter: string): Layer => ({
  name: 'x',
  digest: `sha256:${letter.repeat(64)}` as Digest,
  sizeBytes: 1,
  shared: false,
});
const UNTOUCHED: FolderFacts = { present: true, written: false };

function facts(changes: Partial<CutFacts>): CutFacts {
  const folders = new Map([RUNTIME, MODULES].map((layer) => [layer.path, UNTOUCHED]));
  return { declared: [RUNTIME, MODULES], reused: [], folders, here: new Set(), ...changes };
}

describe('the cut', () => {
  it('gives each declared folder its layer, in the declared order, and leaves its content out of the app', () => {
    const cut = planCut(facts({}));
    assert.deepEqual(cut.steps, [
      { kind: 'squash', declared: RUNTIME },
      { kind: 'squash', declared: MODULES },
    ]);
    assert.deepEqual(cut.excluded, ['.runtime', 'node_modules']);
  });

  it('skips folders that do not exist', () => {
    const folders = new Map([[MODULES.path, { present: false, written: false }]]);
    assert.deepEqual(planCut(facts({ folders })), { steps: [], excluded: [] });
  });

  it('reuses a layer only when name, folder and key are equal, nobody wrote to it, and the node has it', () => {
    const reused = [{ declared: MODULES, layer: image('a') }];
    const here = new Set([image('a').digest]);
    const kind = (changes: Partial<CutFacts>): string | undefined =>
      planCut(facts({ reused, here, ...changes })).steps.find((step) => step.declared.path === MODULES.path)?.kind;
    assert.equal(kind({}), 'reuse');
    assert.equal(kind({ here: new Set() }), 'squash');
    assert.equal(kind({ folders: new Map([[MODULES.path, { present: true, written: true }]]) }), 'squash');
    for (const other of [declare('dependencies', 'node_modules', 'k2'), declare('modules', 'node_modules')]) {
      assert.equal(kind({ declared: [RUNTIME, other] }), 'squash');
    }
  });

  it('takes name and sharing of a reused layer from the declaration, its content from the image', () => {
    const shared = { ...MODULES, shared: true };
    const cut = planCut(
      facts({
        declared: [shared],
        reused: [{ declared: MODULES, layer: image('a') }],
        here: new Set([image('a').digest]),
      }),
    );
    assert.deepEqual(cut.steps, [
      { kind: 'reuse', declared: shared, layer: { ...image('a'), name: 'dependencies', shared: true } },
    ]);
  });

  it('never depends on the history: what is excluded follows from tree and declaration alone', () => {
    const anyFacts = fc.record({ present: fc.boolean(), written: fc.boolean() });
    fc.assert(
      fc.property(anyFacts, anyFacts, fc.boolean(), (first, second, reuse) => {
        const folders = new Map([
          [RUNTIME.path, first],
          [MODULES.path, second],
        ]);
        const history = reuse
          ? { reused: [{ declared: MODULES, layer: image('a') }], here: new Set([image('a').digest]) }
          : {};
        const cut = planCut(facts({ folders, ...history }));
        assert.deepEqual(cut.excluded, planCut(facts({ folders })).excluded);
        assert.deepEqual(
          cut.steps.map((step) => step.declared.path),
          cut.excluded,
        );
      }),
    );
  });
});

describe('a declaration', () => {
  it('may name any folder below /app', () => {
    for (const path of ['node_modules', '.slipway/node', 'a b/ü [x]*', '-x', '...']) {
      assert.doesNotThrow(() => checkDeclared([declare('x', path)]), path);
    }
  });

  it('is refused with a clear reason', () => {
    const wrong: readonly [readonly DeclaredLayer[], RegExp][] = [
      [[declare('app', 'x')], /"app" is not a layer name/],
      [[declare('Upper', 'x')], /not a layer name/],
      [[declare('x', '/etc')], /"\/etc" is not a folder below \/app/],
      [[declare('x', 'a/../..')], /not a folder below/],
      [[declare('x', 'a\u0000b')], /not a folder below/],
      [[declare('x', '\ud800')], /not a folder below/],
      [[declare('x', 'y', 'k'.repeat(201))], /key of x/],
      [[declare('x', 'a'), declare('x', 'b')], /same name/],
      [[declare('x', 'a'), declare('y', 'a')], /same folder/],
      [Array.from({ length: 9 }, (_, n) => declare(`x${'abcdefghi'.charAt(n)}`, `p${String(n)}`)), /8 layers/],
    ];
    for (const [declared, reason] of wrong) assert.throws(() => checkDeclared(declared), reason);
  });
});
