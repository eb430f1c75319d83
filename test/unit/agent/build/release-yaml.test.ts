import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseReleaseYaml } from '../../../../agent/build/release-yaml.ts';

describe('what bin/release prints', () => {
  it('gives default process types and config vars, as YAML or JSON', async () => {
    const yaml =
      '---\naddons: []\nconfig_vars:\n  LANG: en_US.UTF-8\n  WORKERS: 2\ndefault_process_types:\n  web: bin/web\n  celery-beat: bin/beat\n';
    const expected = {
      configVars: { LANG: 'en_US.UTF-8', WORKERS: '2' },
      defaultProcessTypes: { web: 'bin/web', 'celery-beat': 'bin/beat' },
    };
    assert.deepEqual(await parseReleaseYaml(yaml, 'x'), expected);
    const json = JSON.stringify({ config_vars: expected.configVars, default_process_types: expected.defaultProcessTypes });
    assert.deepEqual(await parseReleaseYaml(json, 'x'), expected);
    for (const nothing of ['', '--- {}', 'default_process_types:\nconfig_vars:\n'])
      assert.deepEqual(await parseReleaseYaml(nothing, 'x'), { configVars: {}, defaultProcessTypes: {} });
  });

  it('is refused in the name of the buildpack where the controller would not take a name', async () => {
    for (const bad of ['default_process_types:\n  _web: x\n', 'config_vars:\n  MY-VAR: x\n', 'config_vars:\n  2X: x\n', '- web\n'])
      await assert.rejects(parseReleaseYaml(bad, 'acme'), { code: 'SLIP_BUILD_BAD_RELEASE_YAML', message: /bin\/release of acme/ });
  });
});
