import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  applyChanges,
  checkConfig,
  checkRevision,
  describeChange,
  isSameConfig,
  namesThatChange,
} from '../../../../controller/release/config-changes.ts';
import {
  CONFIG_BYTES_MAX,
  CONFIG_VARS_MAX,
  checkConfigSize,
  configBytes,
} from '../../../../shared/domain/config-size.ts';
import { revealAll, sealAll } from '../../../../shared/kit/sensitive.ts';

const config = sealAll({ A: '1', EMPTY: '' });

describe('a change of config vars', () => {
  it('names variables that change, appear or disappear', () => {
    assert.deepEqual(namesThatChange(config, { B: '1', A: '2' }), ['A', 'B']);
    assert.deepEqual(namesThatChange(config, { A: undefined, EMPTY: undefined }), ['A', 'EMPTY']);
    assert.deepEqual(namesThatChange(config, { EMPTY: 'x', constructor: 'x' }), ['EMPTY', 'constructor']);
  });

  it('is empty when all values are already set', () => {
    assert.deepEqual(namesThatChange(config, { A: '1', EMPTY: '' }), []);
    assert.deepEqual(namesThatChange(config, { NOPE: undefined, constructor: undefined }), []);
  });

  it('is released again when the first release with it failed', () => {
    assert.equal(isSameConfig(config, sealAll({ EMPTY: '', A: '1' })), true);
    for (const other of [{ A: '1' }, { A: '1', EMPTY: '', B: '' }, { A: '2', EMPTY: '' }, { A: '1', constructor: '' }])
      assert.equal(isSameConfig(config, sealAll(other)), false);
  });

  it('is refused when the config has another revision, unless any will do', () => {
    checkRevision('shop', { expected: undefined, found: 'b' });
    checkRevision('shop', { expected: 'b', found: 'b' });
    assert.throws(() => checkRevision('shop', { expected: 'a', found: 'b' }), {
      code: 'SLIP_CONFIG_CHANGED',
      kind: 'conflict',
      hint: /slipway config -a shop/,
    });
  });

  it('is described as on Heroku, without unchanged variables', () => {
    assert.equal(describeChange({ B: '1', A: '1' }, ['B']), 'Set B config vars');
    assert.equal(describeChange({ B: undefined, A: undefined }, ['A', 'B']), 'Unset A, B config vars');
    assert.equal(describeChange({ B: '1', A: '1' }, []), 'Set A, B config vars');
  });
});

describe('the size of the config vars of an app', () => {
  const filler = (bytes: number): string => 'x'.repeat(bytes);
  const full = sealAll({ A: filler(CONFIG_BYTES_MAX - 3) });

  it('counts names, values and two bytes each, in bytes and not in characters', () => {
    assert.equal(configBytes(sealAll({ A: '1', NAME: 'é' })), 4 + 8);
    assert.equal(configBytes(full), CONFIG_BYTES_MAX);
    checkConfigSize('shop', full);
  });

  it('is refused with both numbers, the largest variables and the command that helps', () => {
    assert.throws(() => checkConfigSize('shop', sealAll({ BIG: filler(40_000), LESS: filler(30_000) })), {
      code: 'SLIP_CONFIG_SIZE',
      message: 'The config vars of shop would have 70011 bytes in all, names included; the limit is 65536.',
      hint: /The largest are BIG \(40005\), LESS \(30006\)\. Remove one with: slipway config:unset BIG -a shop$/,
      httpStatus: 422,
    });
  });

  it('has a limit of variables too, since each costs a file and a field', () => {
    const many = Object.fromEntries(
      Array.from({ length: CONFIG_VARS_MAX + 1 }, (_, index) => [`V${String(index)}`, '']),
    );
    assert.throws(() => checkConfigSize('shop', sealAll(many)), {
      message: 'shop would have 1001 config vars; the limit is 1000.',
    });
  });

  it('counts existing variables, and lets a config that is too large shrink', () => {
    const old = sealAll({ A: filler(50_000), B: filler(50_000) });
    assert.throws(() => checkConfigSize('shop', applyChanges(old, { C: '1' }), old), { code: 'SLIP_CONFIG_SIZE' });
    checkConfigSize('shop', applyChanges(old, { B: filler(30_000) }), old);
    checkConfigSize('shop', applyChanges(old, { A: undefined }), old);
  });

  it('says which value is too long, and which has a NUL byte', () => {
    checkConfig('A', filler(CONFIG_BYTES_MAX));
    assert.throws(() => checkConfig('A', filler(CONFIG_BYTES_MAX + 1)), {
      message: /^The value of A has 65537 bytes; the limit is 65536 /,
    });
    assert.throws(() => checkConfig('A', 'a\0'), { message: 'The value of A has a NUL byte.' });
  });

  it('is that of the config after the change', () => {
    assert.deepEqual(revealAll(applyChanges(config, { A: undefined, B: '2', EMPTY: 'x' })), { B: '2', EMPTY: 'x' });
    assert.deepEqual(Object.keys(applyChanges(config, { constructor: 'x' })), ['A', 'EMPTY', 'constructor']);
  });
});
