import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runOk, run } from '../../../shared/kit/exec.ts';
import { writeTree, type Tree } from '../../support/build-bench.ts';

const PLAN = join(import.meta.dirname, '../../../buildpacks/python/lib/plan.py');

interface Facts {
  readonly plan: string;
  readonly hash: string;
  readonly unkeyed: readonly string[];
  readonly warn: readonly string[];
  readonly refuse: readonly string[];
}

describe('the plan of a Python install', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-plan-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  async function plan(tree: Tree, config: Tree = {}): Promise<Facts> {
    // All cases use the same folder name, as a build does with /app.
    const folders = [join(root, 'app'), join(root, 'env')] as const;
    for (const folder of folders) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
    }
    await writeTree(folders[0], tree);
    await writeTree(folders[1], config);
    const { stdout } = await runOk(run, {
      file: '/usr/bin/python3',
      args: ['-I', '-S', PLAN, ...folders, '3.11.2'],
      env: {},
    });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]);
    const all = (kind: string): string[] => lines.filter(([name]) => name === kind).map(([, value]) => value ?? '');
    return {
      plan: all('plan')[0] ?? '',
      hash: all('hash')[0] ?? '',
      unkeyed: all('unkeyed'),
      warn: all('warn'),
      refuse: all('refuse'),
    };
  }

  const list = (text: string, extra: Tree = {}): Tree => ({ 'requirements.txt': text, ...extra });

  const covered: readonly [string, Tree, Tree][] = [
    ['a version', list('a==1\n'), list('a==2\n')],
    [
      'an include in a folder, by a path relative to it',
      ...pair((v) => list('-r r/p.txt', { 'r/p.txt': '-r base.txt', 'r/base.txt': `a==${v}` })),
    ],
    [
      'an include after spaces, in quotes and with =',
      ...pair((v) => list('  --requirement="r/p q.txt"', { 'r/p q.txt': `a==${v}` })),
    ],
    ['an include by a shortened option', ...pair((v) => list('--requirem r.txt', { 'r.txt': `a==${v}` }))],
    ['an include on a continued line', ...pair((v) => list('-r \\\n r.txt', { 'r.txt': `a==${v}` }))],
    ['an include named by a variable', ...pair((v) => list('-r ${WHICH}.txt', { 'w.txt': `a==${v}` }))],
    ['a constraint', ...pair((v) => list('-c c/d.txt\na', { 'c/d.txt': '-c e.txt', 'c/e.txt': `a==${v}` }))],
    ['a wheel in a folder of links', ...pair((v) => list('-f wheels\na', { 'wheels/a-1-py3-none-any.whl': v }))],
    [
      'a folder of links beside the including file',
      ...pair((v) => list('-r r/x.txt', { 'r/x.txt': '--find-links=w\na', 'r/w/a.whl': v })),
    ],
    ['a wheel by path', ...pair((v) => list('wheels/a-1-py3-none-any.whl', { 'wheels/a-1-py3-none-any.whl': v }))],
    ['a wheel by path without a folder', ...pair((v) => list('a-1-py3-none-any.whl', { 'a-1-py3-none-any.whl': v }))],
    ['a wheel by name and file:', ...pair((v) => list('a @ file:wheels/a.whl', { 'wheels/a.whl': v }))],
    ['a source archive by path', ...pair((v) => list('./a-1.tar.gz', { 'a-1.tar.gz': v }))],
    ['an index in a folder of the app', ...pair((v) => list('-i simple\na', { 'simple/a/a.whl': v }))],
    [
      'a dependency of pyproject.toml',
      ...pair((v) => ({ 'pyproject.toml': `[project]\nname="x"\ndependencies=["a==${v}"]` })),
    ],
  ];
  for (const [name, one, other] of covered) {
    it(`gives another digest for ${name}`, async () => {
      const config = { WHICH: 'w' };
      const [first, same, second] = [await plan(one, config), await plan(one, config), await plan(other, config)];
      assert.deepEqual([first.hash === same.hash, first.hash === second.hash, first.unkeyed], [true, false, []]);
      assert.notEqual(first.plan, 'nothing');
    });
  }

  it('gives another digest for another config variable', async () => {
    const hashes = [
      await plan(list('a'), {}),
      await plan(list('a'), { A: '1' }),
      await plan(list('a'), { A: '2' }),
    ].map(({ hash }) => hash);
    assert.equal(new Set(hashes).size, 3);
  });

  const uncovered: readonly [string, Tree, Tree?][] = [
    ['-e ./lib', list('-e ./lib')],
    ['--editable=lib', list('--editable=lib')],
    ['a path', list('./lib[extra]; python_version > "3"')],
    ['a path without ./', list('libs/shop')],
    ['a named path', list('shop @ file:///app/lib')],
    ['the app', list('.')],
    ['setup.py', { 'setup.py': '' }],
    ['setup.py beside a pyproject.toml of tools', { 'setup.py': '', 'pyproject.toml': '[tool.black]\n' }],
    ['dynamic dependencies', { 'pyproject.toml': '[project]\nname = "x"\ndynamic = ["dependencies"]\n' }],
    ['a branch', list('git+https://code.example/a.git@main#egg=a')],
    ['an address without a hash', list('https://code.example/a-1.tar.gz')],
    ['an include of another server', list('-r https://code.example/r.txt')],
    ['an include that is absent', list('-r none.txt')],
    ['an option that is not known', list('--unheard-of x\na')],
    ['a setting of pip', list('a'), { PIP_CONFIG_FILE: 'pip.conf' }],
  ];
  for (const [name, tree, config] of uncovered) {
    it(`never reuses the environment for ${name}`, async () => {
      const facts = await plan(tree, config);
      assert.equal(facts.unkeyed.length, 1);
      assert.notEqual(facts.plan, 'nothing');
    });
  }

  it('reuses the environment for a commit and for an address with a hash', async () => {
    const lines = `git+https://code.example/a.git@${'0'.repeat(40)}#egg=a\nhttps://code.example/a.whl#sha256=00\nhttps://code.example/b.whl --hash=sha256:00\n`;
    assert.deepEqual((await plan(list(lines))).unkeyed, []);
  });

  it('installs nothing if there are only options, comments and constraints', async () => {
    const tree = list('# a\n--no-index\n-c c.txt\n-r r.txt\n', { 'c.txt': 'a==1\n', 'r.txt': '  # b==1 \\\n' });
    assert.equal((await plan(tree)).plan, 'nothing');
    assert.equal((await plan({ 'pyproject.toml': '[tool.black]\n' })).plan, 'nothing');
  });

  it('ends if files include each other', async () => {
    assert.equal((await plan(list('-r b.txt\na', { 'b.txt': '-r requirements.txt\n' }))).plan, 'requirements');
  });

  it('warns if the Python of the stack is not the wanted version', async () => {
    const wanted = (range: string): Tree => ({
      'pyproject.toml': `[project]\nname = "x"\nrequires-python = "${range}"\n`,
    });
    for (const range of ['>=3.9', '>=3.11,<4', '~=3.10', '==3.11.*', '!=3.12'])
      assert.deepEqual((await plan(wanted(range))).warn, [], range);
    for (const range of ['>=3.12', '<3.11', '>=3.9,<3.11', '==3.10.*', '~=3.12.1'])
      assert.match((await plan(wanted(range))).warn[0] ?? '', /but the stack has only Python 3\.11\.2/, range);
    const files = list('a', { 'runtime.txt': 'python-3.11.2', '.python-version': '# mine\n3.10\n' });
    assert.deepEqual(
      (await plan(files)).warn.map((line) => line.split('.')[1]),
      ['python-version asks for Python 3'],
    );
  });

  it('refuses lists that only other tools can install, and warns if requirements.txt exists', async () => {
    for (const name of ['poetry.lock', 'uv.lock', 'pdm.lock', 'Pipfile.lock', 'Pipfile', 'pylock.toml']) {
      assert.match((await plan({ [name]: '' })).refuse[0] ?? '', new RegExp(`in ${name}`));
      const beside = await plan(list('a', { [name]: '' }));
      assert.deepEqual([beside.refuse.length, beside.warn.length], [0, 1]);
    }
    assert.equal((await plan(list('a', { 'environment.yml': 'name: ci\n' }))).warn.length, 0);
  });
});

/** The same tree with different contents. */
function pair(render: (content: string) => Tree): [Tree, Tree] {
  return [render('1'), render('2')];
}
