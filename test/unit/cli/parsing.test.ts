import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ALIASES, COMMANDS } from '../../../cli/command-table.ts';
import { parseRemotes, pickApp } from '../../../cli/app-name.ts';
import { linesOf } from '../../../cli/lines.ts';
import {
  parseAssignments,
  parseBytes,
  parseCount,
  parseCpuMillis,
  parseDurationMs,
  parseLabels,
  parseProcess,
  parseQuantity,
} from '../../../cli/parse-flags.ts';
import { normalise } from '../../../cli/program.ts';
import { VERSION } from '../../../shared/kit/version.ts';
import { nearest } from '../../../shared/kit/nearest.ts';

const REMOTES = `origin\tssh://git@github.com/ada/shop.git (fetch)
origin\tssh://git@github.com/ada/shop.git (push)
slipway\tssh://slipway@127.0.0.1:2222/shop.git (fetch)
slipway\tssh://slipway@127.0.0.1:2222/shop.git (push)
staging\tssh://slipway@127.0.0.1:2222/shop-staging.git (push)
`;

describe('sizes and labels', () => {
  it('are read in common forms, and invalid ones are refused with an example', () => {
    const MIB = 1024 ** 2;
    assert.deepEqual(
      ['512M', '2g', '1.5G', '512MiB', '256MB'].map((text) => parseBytes(text, '--memory') / MIB),
      [512, 2048, 1536, 512, 256],
    );
    for (const bad of ['', '512', 'M', '-1M', '1e3M', '5X'])
      assert.throws(() => parseBytes(bad, '--memory'), { code: 'SLIP_CLI_USAGE' });
    assert.deepEqual(
      ['0.5', '2', '0.01', '1.125', 'none'].map((text) => parseCpuMillis(text, '--cpu')),
      [500, 2000, 10, 1125, 0],
    );
    for (const bad of ['', '0', '0.001', '-1', '50%', '1e3', '1025', 'all'])
      assert.throws(() => parseCpuMillis(bad, '--cpu'), { code: 'SLIP_CLI_USAGE' });
    assert.deepEqual(parseLabels('region=fra,disk=ssd', '--require'), { region: 'fra', disk: 'ssd' });
    for (const bad of ['', 'region', 'region=', '=fra', 'a=b=c', 'a=b,'])
      assert.throws(() => parseLabels(bad, '--require'), { code: 'SLIP_CLI_USAGE' });
  });
});

describe('the command line', () => {
  it('accepts noun and verb as one or two words, and aliases', () => {
    assert.deepEqual(normalise(['apps', 'info', '-a', 'x']), ['apps:info', '-a', 'x']);
    assert.deepEqual(normalise(['apps:info', '-a', 'x']), ['apps:info', '-a', 'x']);
    assert.deepEqual(normalise(['config', 'set', 'A=1']), ['config:set', 'A=1']);
    assert.deepEqual(normalise(['apps', 'create', 'shop']), ['create', 'shop']);
    assert.deepEqual(normalise(['constructor', 'x']), ['constructor', 'x']);
    assert.deepEqual(normalise(['config', '-a', 'x']), ['config', '-a', 'x']);
    assert.deepEqual(normalise(['create', 'info']), ['create', 'info']);
    assert.deepEqual(normalise([]), []);
    assert.deepEqual(normalise(['help']), ['--help']);
    assert.deepEqual(normalise(['help', 'apps', 'info']), ['apps:info', '--help']);
    assert.deepEqual(normalise(['help', 'nosuch']), ['nosuch']);
  });

  it('finds the app in git remotes, and does not choose between several apps', () => {
    const remotes = parseRemotes(REMOTES);
    assert.deepEqual(
      remotes.map((remote) => remote.app),
      ['shop', 'shop-staging'],
    );
    assert.equal(pickApp(remotes, undefined), 'shop');
    assert.equal(pickApp(remotes, 'staging'), 'shop-staging');
    assert.equal(pickApp(remotes, 'origin'), undefined);
    const renamed = remotes.map((remote, index) => ({ ...remote, name: `r${index}` }));
    assert.equal(pickApp(renamed, undefined), undefined);
    assert.equal(pickApp(renamed.slice(0, 1), undefined), 'shop');
  });

  it('reads numbers, durations and assignments strictly', () => {
    assert.equal(parseCount('15', { flag: '--num', min: 1, max: 20 }), 15);
    for (const bad of ['', '-1', '0', '21', '1e1', '1.5', 'x']) {
      assert.throws(() => parseCount(bad, { flag: '--num', min: 1, max: 20 }), { code: 'SLIP_CLI_USAGE' });
    }
    assert.equal(parseDurationMs('2h', '--ttl'), 7_200_000);
    assert.deepEqual(
      ['web', 'clock-2', 'web.10', 'release.predeploy.12', 'cron.report.7'].map((text) => parseProcess(text, '--ps')),
      ['web', 'clock-2', 'web.10', 'release.predeploy.12', 'cron.report.7'],
    );
    for (const bad of ['', 'web.', 'web.x', 'bad!', 'a b'])
      assert.throws(() => parseProcess(bad, '--ps'), { code: 'SLIP_CLI_USAGE' });
    assert.throws(() => parseDurationMs('15', '--ttl'), { code: 'SLIP_CLI_USAGE' });
    assert.deepEqual(parseAssignments(['A=1', 'URL=postgres://x?a=b', 'E=']), {
      A: '1',
      URL: 'postgres://x?a=b',
      E: '',
    });
    assert.throws(
      () => parseAssignments(['s3cret']),
      (error: Error) => !error.message.includes('s3cret'),
    );
  });

  it('reads quantities of every process type that a Procfile may have', () => {
    const read = (word: string): string => Object.values(parseQuantity(word)).join(' ');
    assert.deepEqual(['web=2', 'web+1', 'web-1', 'web=all'].map(read), ['web 2', 'web +1', 'web -1', 'web all']);
    assert.deepEqual(['celery-beat=1', 'celery-beat-1', 'Mail_2-x+12'].map(read), [
      'celery-beat 1',
      'celery-beat -1',
      'Mail_2-x +12',
    ]);
    for (const bad of ['web', 'web=', '=1', 'web-', 'web-x', 'a b=1', 'a=b=c', 'celery-beat'])
      assert.throws(() => parseQuantity(bad), { code: 'SLIP_CLI_USAGE' });
  });

  it('suggests the most similar word, or none if no word is similar', () => {
    const words = ['apps', 'apps:info', 'logs', 'config:set'];
    assert.deepEqual(
      ['aps', 'lgos', 'config:st', 'frobnicate'].map((word) => nearest(word, words)),
      ['apps', 'logs', 'config:set', undefined],
    );
  });

  it('splits a stream into lines, also if a chunk ends within a character', async () => {
    const bytes = Buffer.from('é1\n\nlast');
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for (const byte of bytes) yield Uint8Array.of(byte);
    };
    const lines: string[] = [];
    for await (const line of linesOf(chunks())) lines.push(line);
    assert.deepEqual(lines, ['é1', '', 'last']);
  });

  it('has every command that is named in documents and hints', () => {
    const known = new Set([...COMMANDS.map(({ name }) => name), ...Object.keys(ALIASES)]);
    const root = join(import.meta.dirname, '../../..');
    const files = globSync(
      ['*.md', 'docs/**/*.md', '{agent,buildpacks,cli,controller,shared}/**/*.{ts,sh,md}', 'script/quickstart'],
      {
        cwd: root,
      },
    );
    const unknown = files.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\bslipway ([a-z]+:[a-z:-]*[a-z])/g)].flatMap(
        ([, name = '']) => (known.has(name) ? [] : [`${file}: slipway ${name}`]),
      ),
    );
    assert.deepEqual(unknown, []);
  });

  it('has the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    assert.equal(VERSION, version);
  });
});
