import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseReleaseYaml } from '../../../../agent/build/release-yaml.ts';
import type { Run } from '../../../../shared/kit/exec.ts';

describe('what bin/release prints', () => {
  it('gives default process types and config vars, as YAML or JSON', async () => {
    const yaml =
      '---\naddons: []\nconfig_vars:\n  LANG: en_US.UTF-8\n  WORKERS: 2\ndefault_process_types:\n  web: bin/web\n  celery-beat: bin/beat\n';
    const expected = {
      configVars: { LANG: 'en_US.UTF-8', WORKERS: '2' },
      defaultProcessTypes: { web: 'bin/web', 'celery-beat': 'bin/beat' },
    };
    assert.deepEqual(await parseReleaseYaml(yaml, 'x'), expected);
    const json = JSON.stringify({
      config_vars: expected.configVars,
      default_process_types: expected.defaultProcessTypes,
    });
    assert.deepEqual(await parseReleaseYaml(json, 'x'), expected);
    for (const nothing of ['', '--- {}', 'default_process_types:\nconfig_vars:\n'])
      assert.deepEqual(await parseReleaseYaml(nothing, 'x'), { configVars: {}, defaultProcessTypes: {} });
  });

  it('is refused with the name of the buildpack when it has a name that the controller refuses', async () => {
    for (const bad of [
      'default_process_types:\n  _web: x\n',
      'config_vars:\n  MY-VAR: x\n',
      'config_vars:\n  2X: x\n',
      '- web\n',
    ])
      await assert.rejects(parseReleaseYaml(bad, 'acme'), {
        code: 'SLIP_BUILD_BAD_RELEASE_YAML',
        message: /bin\/release of acme/,
      });
  });

  it('is refused when it is larger than any buildpack needs, before it is read', async () => {
    const text = `config_vars:\n  A: "${'x'.repeat(64 * 1024)}"\n`;
    await assert.rejects(parseReleaseYaml(text, 'acme'), {
      message: 'The output of bin/release of acme is larger than 64 kB.',
    });
    const many = Array.from({ length: 101 }, (_, index) => `  w${String(index)}: x\n`).join('');
    await assert.rejects(parseReleaseYaml(`default_process_types:\n${many}`, 'acme'), /is not the YAML of a buildpack/);
  });

  it('is read in another process, so that the agent keeps working', async () => {
    let turns = 0;
    let isOver = false;
    const takeTurn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(takeTurn);
    };
    setImmediate(takeTurn);
    // The parser takes a time that grows with the square of the count of tags.
    await assert.rejects(parseReleaseYaml('!a '.repeat(8000), 'acme'), { code: 'SLIP_BUILD_BAD_RELEASE_YAML' });
    isOver = true;
    assert.ok(turns > 1, 'other work of this process went on');
  });

  it('is refused when the process that reads it was stopped at a limit', async () => {
    const stopped: Run = async () => ({ code: null, signal: 'SIGXCPU', stdout: '', stderr: '' });
    await assert.rejects(parseReleaseYaml('web: x', 'acme', stopped), /takes too long to parse/);
    const endless: Run = async () => ({ code: 0, signal: null, stdout: ' '.repeat(1024 * 1024 + 1), stderr: '' });
    await assert.rejects(parseReleaseYaml('web: x', 'acme', endless), /takes too long to parse/);
  });
});
