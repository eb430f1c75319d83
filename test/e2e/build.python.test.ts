import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createBench, type Bench, type Tree } from '../support/build-bench.ts';
import { flaskWheels, startPythonIndex, type PythonIndex } from '../support/python-index.ts';

const FLASK = {
  name: 'flask',
  version: '3.0.0',
  files: { 'flask/__init__.py': 'def main():\n    print("flask here")\n', 'flask/odd.py': 'VALUE = 1\n' },
  scripts: { flask: 'flask:main' },
};

describe('the python buildpack', () => {
  let bench: Bench;
  let index: PythonIndex;

  before(async () => {
    index = await startPythonIndex([FLASK, { ...FLASK, version: '3.1.0', files: { 'flask/__init__.py': '' } }]);
    bench = await createBench({ config: { buildEnv: { PIP_INDEX_URL: index.url } } });
  });
  after(async () => {
    await bench.close();
    await index.close();
  });

  function shop(requirements: string, extra: Tree = {}): Tree {
    return { 'requirements.txt': requirements, 'app.py': 'import flask\n', Procfile: 'web: flask run', ...extra };
  }

  it('installs the requirements into a virtual environment of its own layer', async () => {
    const { slug } = await bench.build(shop('flask==3.0.0\n'));
    assert.deepEqual(
      slug.layers.map(({ name }) => name),
      ['python', 'app'],
    );
    const files = Object.keys(bench.layers.last!.trees['python']!);
    assert.ok(files.some((path) => path.endsWith('/site-packages/flask/__init__.py')));
    assert.ok(files.some((path) => /\/flask\/__pycache__\/odd\.cpython-\d+\.pyc$/.test(path)));
    assert.ok(!files.some((path) => path.includes('site-packages/pip/')), 'no pip in the slug');
    assert.ok(Object.hasOwn(bench.layers.last!.trees['app']!, '.profile.d/python.sh'));
  });

  it('builds a Flask app that the next buildpack can import and ask', async () => {
    const flask = await startPythonIndex(await flaskWheels());
    const tree: Tree = {
      'requirements.txt': 'flask\n',
      'app.py':
        'from flask import Flask\napp = Flask(__name__)\n\n@app.get("/<name>")\ndef hello(name):\n    return f"Hello {name}"\n',
      Procfile: 'web: flask run --host 0.0.0.0 --port $PORT',
      '.buildpacks': 'heroku/python\n./ask\n',
      'ask/bin/detect': '#!/bin/sh\n',
      'ask/bin/compile': `#!/bin/sh\ncd "$1" && flask routes && python3 -c 'import app; print(app.app.test_client().get("/Ada").text)'\n`,
    };
    try {
      const { slug } = await bench.build(tree, { app: 'real-flask', config: { PIP_INDEX_URL: flask.url } });
      assert.match(bench.output(), /^hello +GET +\/<name>$/m);
      assert.match(bench.output(), /^Hello Ada$/m);
      assert.deepEqual(slug.buildpacks, ['heroku/python', './ask']);
    } finally {
      await flask.close();
    }
  });

  it('takes the mounted environment for unchanged requirements, and gives the digests of a clean build', async () => {
    const asked = index.requests.length;
    await bench.build(shop('flask==3.0.0\n', { 'app.py': 'changed' }));
    assert.equal(index.requests.length, asked);
    assert.match(bench.output(), /Requirements unchanged since the last build/);
    const { app } = bench.layers.last!.trees;
    await bench.build(shop('flask==3.0.0\n', { 'app.py': 'changed' }), { app: 'clean' });
    assert.deepEqual(bench.layers.last!.trees['app'], app);
  });

  it('installs what files include that lie in a folder, and whose paths are relative to the including file', async () => {
    const nested = (version: string): Tree =>
      shop('-r requirements/production.txt\n', {
        'requirements/production.txt': '-r base.txt\n',
        'requirements/base.txt': `flask==${version}\n`,
      });
    await bench.build(nested('3.0.0'), { app: 'folders' });
    assert.doesNotMatch(bench.output(), /No requirements to install/);
    await bench.build(nested('3.1.0'), { app: 'folders' });
    assert.ok(Object.keys(bench.layers.last!.trees['python']!).some((path) => path.includes('flask-3.1.0.dist-info')));
  });

  const refused: readonly [string, Tree, RegExp, RegExp][] = [
    ['Poetry', { 'poetry.lock': '', 'pyproject.toml': '' }, /in poetry\.lock \(Poetry\)/, /poetry export/],
    [
      'Poetry without a lockfile',
      { 'pyproject.toml': '[tool.poetry.dependencies]\npython = "*"\nflask = "*"\n' },
      /tool\.poetry/,
      /poetry export/,
    ],
    ['uv', { 'uv.lock': '', 'pyproject.toml': '[project]\nname = "x"\n' }, /in uv\.lock \(uv\)/, /uv export/],
    ['Pipenv', { Pipfile: '', 'Pipfile.lock': '{}' }, /in Pipfile\.lock \(Pipenv\)/, /pipenv requirements/],
    [
      'conda',
      { 'environment.yml': 'name: x\ndependencies:\n  - flask\n' },
      /in environment\.yml \(conda\)/,
      /requirements\.txt/,
    ],
  ];
  for (const [tool, tree, message, hint] of refused) {
    it(`refuses packages that only ${tool} can install, and says how to write them down`, async () => {
      const error = { code: 'SLIP_BUILD_COMPILE_FAILED', message, hint };
      await assert.rejects(bench.build({ Procfile: 'web: flask run', ...tree }, { app: 'lock' }), error);
    });
  }

  it('names a second lockfile, and a version of Python that the stack does not have', async () => {
    await bench.build(
      shop('# nothing\n', { 'poetry.lock': '', 'runtime.txt': 'python-2.7.18\n', '.python-version': '3\n' }),
      {
        app: 'wishes',
      },
    );
    assert.match(bench.output(), /^ !     poetry\.lock is not read, because requirements\.txt lists the packages\.$/m);
    assert.match(
      bench.output(),
      /^ !     runtime\.txt asks for Python 2\.7\.18, but the stack has only Python 3\.\d+\.\d+\. The build uses this one\.$/m,
    );
    assert.doesNotMatch(bench.output(), /\.python-version/);
  });

  it('asks the index that the config of the app names, and says so when none can be reached', async () => {
    const cut = await createBench({ config: { buildEnv: { PIP_INDEX_URL: 'http://127.0.0.1:9/simple' } } });
    try {
      await assert.rejects(cut.build(shop('flask==3.0.0\n'), { config: { PIP_RETRIES: '1' } }), {
        code: 'SLIP_BUILD_COMPILE_FAILED',
        message: /pip could not reach the package index/,
        hint: /slipway config:set PIP_INDEX_URL=/,
      });
      await cut.build(shop('flask==${WANTED}\n'), { config: { PIP_INDEX_URL: index.url, WANTED: '3.0.0' } });
      assert.ok(Object.keys(cut.layers.last!.trees['python']!).some((path) => path.includes('flask-3.0.0.dist-info')));
    } finally {
      await cut.close();
    }
  });

  it('needs neither pip nor an index when there is nothing to install', async () => {
    const asked = index.requests.length;
    await bench.build(shop('# nothing\n'), { app: 'empty' });
    assert.equal(index.requests.length, asked);
    assert.match(bench.output(), /No requirements to install/);
  });

  it('reads the dependencies of pyproject.toml', async () => {
    const toml = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["flask==3.1.0"]\n';
    await bench.build({ 'pyproject.toml': toml, Procfile: 'web: flask' }, { app: 'toml' });
    assert.ok(Object.keys(bench.layers.last!.trees['python']!).some((path) => path.includes('flask-3.1.0.dist-info')));
  });

  it('starts installed scripts by the interpreter on PATH, wherever the app lies', async () => {
    await bench.build(shop('flask==3.0.0\n'), { app: 'scripts' });
    assert.match(await bench.layers.readLayer('python', '.heroku/python/bin/flask'), /^#!\/usr\/bin\/env python3\n/);
  });

  it('names the package that pip could not find, and an example for a missing Procfile', async () => {
    await assert.rejects(bench.build(shop('no-such-thing==1\n'), { app: 'typo' }), {
      code: 'SLIP_BUILD_COMPILE_FAILED',
      message: /pip could not install the requirements/,
    });
    await assert.rejects(bench.build({ 'requirements.txt': '' }, { app: 'bare' }), {
      code: 'SLIP_BUILD_NO_PROCESS',
      hint: /web: gunicorn app:app/,
    });
  });
});
