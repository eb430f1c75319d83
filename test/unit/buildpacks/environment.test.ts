import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_ENV, runOk, run } from '../../../shared/kit/exec.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** Every variable that a shell script of a build assigns. */
async function shellVariables(): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const folder of ['buildpacks', 'agent/build/inside']) {
    const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile() && /^[a-z]+(\.sh)?$/.test(one.name))) {
      const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
      for (const [, name] of text.matchAll(/(?<![\w$/-])([A-Za-z_]\w*)\+?=/g)) names.add(name!);
    }
  }
  return [...names];
}

describe('the config of an app in a build', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-environment-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  async function bash(config: Readonly<Record<string, string>>, script: string): Promise<string> {
    const envDir = await mkdtemp(join(dir, 'env-'));
    await Promise.all(Object.entries(config).map(([name, value]) => writeFile(join(envDir, name), value)));
    const program = `source "$0"; ${script}`;
    const args = ['-c', program, join(ROOT, 'buildpacks/lib/environment.sh'), envDir];
    return (await runOk(run, { file: 'bash', args, env: { ...DEFAULT_ENV, SLIPWAY_SAID: '/x' } })).stdout;
  }

  async function environmentOf(
    runner: string,
    config: Readonly<Record<string, string>>,
  ): Promise<Record<string, string>> {
    const script = `DEFAULT_ENV=(NODE_ENV=production); TOOL_ENV=(HOME=/cache/home); read_app_env "$1"; ${runner} env -0`;
    const entries = (await bash(config, script)).split('\0').filter((line) => line !== '');
    return Object.fromEntries(
      entries.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }

  it('sets no variable of a buildpack, even with the same name', async () => {
    const names = await shellVariables();
    assert.ok(names.includes('CACHE_DIR') && names.includes('PM') && names.includes('LOCKFILE'));
    const config = Object.fromEntries(names.map((name) => [name, 'of-the-app']));
    const before = await bash(
      {},
      'declare -p | grep -v -e "^declare -. BASH" -e "^declare -. _=" -e APP_ENV | cut -d= -f1 | sort',
    );
    const after = await bash(
      config,
      'read_app_env "$1"; declare -p | grep -v -e "^declare -. BASH" -e "^declare -. _=" -e APP_ENV | cut -d= -f1 | sort',
    );
    assert.equal(
      after.replace(/^declare -. (PIPESTATUS|FUNCNAME)\n/gm, ''),
      before.replace(/^declare -. (PIPESTATUS|FUNCNAME)\n/gm, ''),
    );
  });

  it('reaches the scripts of the app unchanged, except names that the build reserves', async () => {
    const config = {
      CACHE_DIR: 'mine',
      PM: 'x y',
      LOCKFILE: 'two\nlines\n',
      NODE_OPTIONS: '--require ms',
      NODE_ENV: 'staging',
      HOME: '/evil',
      PATH: '/evil',
      LD_PRELOAD: '/evil.so',
      BASH_ENV: '/evil.sh',
      TMPDIR: '/evil',
      npm_config_cache: '/evil',
      NPM_CONFIG_CACHE: '/evil',
      'not-a-name': 'x',
    };
    const env = await environmentOf('with_app_env', config);
    const { CACHE_DIR, PM, LOCKFILE, NODE_OPTIONS, NODE_ENV, HOME } = env;
    assert.deepEqual(
      { CACHE_DIR, PM, LOCKFILE, NODE_OPTIONS, NODE_ENV, HOME },
      {
        CACHE_DIR: 'mine',
        PM: 'x y',
        LOCKFILE: 'two\nlines\n',
        NODE_OPTIONS: '--require ms',
        NODE_ENV: 'staging',
        HOME: '/cache/home',
      },
    );
    assert.deepEqual(
      Object.entries(env).filter(
        ([name, value]) => value.startsWith('/evil') || name.startsWith('SLIPWAY_') || name === 'not-a-name',
      ),
      [],
    );
  });

  it('reaches package managers without variables that load code into them', async () => {
    const loaders = { NODE_OPTIONS: '--require ms', NODE_PATH: '/x', PYTHONPATH: '/x', PYTHONHOME: '/x' };
    const env = await environmentOf('with_tool_env', {
      ...loaders,
      NPM_TOKEN: 'secret',
      NPM_CONFIG_REGISTRY: 'http://r',
    });
    assert.deepEqual(
      Object.keys(env).filter((name) => Object.hasOwn(loaders, name)),
      [],
    );
    assert.deepEqual(
      [env['NPM_TOKEN'], env['NPM_CONFIG_REGISTRY'], env['NODE_ENV']],
      ['secret', 'http://r', 'production'],
    );
  });

  it('names the setting of the operator when a registry has a private address, and the registry otherwise', async () => {
    const ends: readonly (readonly [string, RegExp])[] = [
      [
        'npm error connect ECONNREFUSED 10.1.2.3:4873',
        /10\.1\.2\.3 is a private address.*\n.*slipway egress:add 10\.1\.2\.3 -a APP/,
      ],
      ['FetchError: connect ETIMEDOUT 172.20.0.9:443', /172\.20\.0\.9 is a private address/],
      [
        'connect ECONNREFUSED 127.0.0.1:4873',
        /127\.0\.0\.1, which is an address of the machine itself.*\n.*NPM_CONFIG_REGISTRY/,
      ],
      ['connect ECONNREFUSED 104.16.1.1:443', /NPM_CONFIG_REGISTRY/],
      ['getaddrinfo ENOTFOUND npm.corp.invalid', /NPM_CONFIG_REGISTRY/],
    ];
    for (const [line, said] of ends) {
      const script =
        'unset SLIPWAY_SAID; CACHE_DIR=$1; indent <<<"$LINE" >/dev/null; cause_is network && (die_of_network "No registry."); true';
      assert.match(await bash({}, `LINE='${line}'; ${script}`), said, line);
    }
  });
});

describe('the hint about a buildpack that could not be fetched', () => {
  it('names the command for a private address, but not for an address of the machine itself', async () => {
    const refused = 'fatal: unable to access: Connection refused';
    const ends: readonly (readonly [string, RegExp])[] = [
      ['https://10.1.2.3:3000/x.git', /slipway egress:add 10\.1\.2\.3 -a my-shop/],
      ['ssh://git@192.168.7.9/x.git', /slipway egress:add 192\.168\.7\.9 -a my-shop/],
      ['http://127.0.0.1:1/x.git', /cannot connect to its own machine/],
    ];
    for (const [ref, said] of ends) {
      const script = 'source "$1/select.sh"; APP_NAME=my-shop; fetch_hint "$2" "$3"';
      const args = ['-c', script, 'bash', join(ROOT, 'agent/build/inside'), ref, refused];
      assert.match((await runOk(run, { file: 'bash', args })).stdout, said, ref);
    }
  });
});

describe('the number of web processes', () => {
  it('depends on the memory of the instance, and keeps a value that is set', async () => {
    const file = join(ROOT, 'buildpacks/nodejs/lib/web-concurrency.sh');
    const rows: readonly (readonly [Record<string, string>, string])[] = [
      [{ MEMORY_AVAILABLE: '1024' }, '1024 512 2'],
      [{ MEMORY_AVAILABLE: '1024', WEB_MEMORY: '256' }, '1024 256 4'],
      [{ MEMORY_AVAILABLE: '256' }, '256 512 1'],
      [{ MEMORY_AVAILABLE: '900000' }, '900000 512 1'],
      [{ MEMORY_AVAILABLE: '1024', WEB_CONCURRENCY: '7' }, '1024 512 7'],
      [{ MEMORY_AVAILABLE: '1024', WEB_MEMORY: '0' }, '1024 0 1'],
    ];
    for (const [env, said] of rows) {
      const args = ['-c', 'source "$0"; echo "$MEMORY_AVAILABLE $WEB_MEMORY $WEB_CONCURRENCY"', file];
      const { stdout } = await runOk(run, { file: 'bash', args, env: { ...DEFAULT_ENV, ...env } });
      assert.equal(stdout.trim(), said);
    }
  });
});
