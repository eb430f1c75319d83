import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAppJson } from '../../../../shared/domain/app-json.ts';

const parse = (value: unknown): ReturnType<typeof parseAppJson> =>
  parseAppJson(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

describe('app.json', () => {
  it('gives buildpacks, formation, variables and scripts, and ignores what it does not know', () => {
    assert.deepEqual(
      parse({
        name: 'shop',
        unknown: [1],
        buildpacks: [{ url: 'heroku/nodejs' }, 'https://example.com/bp.tgz'],
        formation: { web: { quantity: 2, size: 'basic' }, worker: { size: 'basic' } },
        env: { PLAIN: 'x', SECRET: { generator: 'secret' }, MAYBE: { required: false, value: 'y' } },
        scripts: { postdeploy: './seed', test: 'x', dokku: { predeploy: './assets' } },
      }),
      {
        buildpacks: ['heroku/nodejs', 'https://example.com/bp.tgz'],
        formation: { web: 2 },
        env: {
          PLAIN: { value: 'x', required: true, isGenerated: false },
          SECRET: { value: undefined, required: true, isGenerated: true },
          MAYBE: { value: 'y', required: false, isGenerated: false },
        },
        scripts: { predeploy: './assets', setup: './seed' },
        healthchecks: { checks: {}, warnings: [] },
        cron: [],
        unused: ['scripts.test', 'formation.web.size', 'formation.worker.size'],
      },
    );
  });

  const bad: readonly [string, unknown, RegExp][] = [
    ['no JSON, with its place', '{\n  "a": 1,\n}', /line 3, column 1/],
    ['nothing at all', '', /not JSON|too early/],
    [
      'a wrong type, with its place',
      '{\n  "env": {\n    "A": { "value": 1 }\n  }\n}',
      /"env\.A"\.value must be a string \(line 3, column 21\)/,
    ],
    ['a list', [], /must be an object/],
    ['buildpacks that are no list', { buildpacks: 'x' }, /"buildpacks" must be a list/],
    ['a buildpack without a URL', { buildpacks: [{}] }, /"buildpacks\.0\.url"/],
    ['a negative scale', { formation: { web: { quantity: -1 } } }, /"formation\.web"\.quantity/],
    [
      'a health check without a unit',
      { healthchecks: { web: [{ timeout: '5s' }] } },
      /"healthchecks\.web\.0\.timeout"/,
    ],
    [
      'a script that is a list, with its place',
      '{\n  "scripts": {\n    "dokku": { "postdeploy": [1] }\n  }\n}',
      /"scripts\.dokku\.postdeploy" must be a text, or an object with a "command" \(line 3, column 30\)/,
    ],
    ['a variable that is a number', { env: { A: 1 } }, /"env\.A" must be an object/],
  ];
  for (const [name, value, message] of bad) {
    it(`is refused: ${name}`, () => {
      assert.throws(() => parse(value), { code: 'SLIP_BUILD_APP_JSON', message });
    });
  }
});
