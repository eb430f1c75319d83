import { packWheel, startPythonIndex } from '../python-index.ts';
import type { Tree } from '../build-bench.ts';
import { Builds, type Build } from './builds.ts';
import type { Edit, Game } from './history.ts';
import { setConfig, setEarly, setFile, type Entry, type Project } from './source.ts';

type PipEdit = Edit<Project>;

const VERSIONS = ['1.0', '1.1'] as const;
/** In the place of a wheel, whose bytes {@link render} puts in. */
const wheel = (version: string, content: string): Entry => `@wheel ${version} ${content}`;
const wheelPath = (folder: string, version: string): string => `${folder}/greet-${version}-py3-none-any.whl`;

const FROM_FOLDER = '--no-index\n--find-links wheels\ngreet\n';
const CHAIN = '-r requirements/production.txt\n';
const PROJECT = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["greet==1.0"]\n';

/** A PEP 517 backend that needs no index: a variable of the app has a say in the wheel. */
const BACKEND = `import os, zipfile

def make(folder, files):
    info = "greet-1.0.dist-info"
    files[info + "/METADATA"] = "Metadata-Version: 2.1\\nName: greet\\nVersion: 1.0\\nSummary: " + os.environ.get("FLAVOUR", "light") + "\\n"
    files[info + "/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[info + "/RECORD"] = "".join(path + ",,\\n" for path in [*files, info + "/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, "greet-1.0-py3-none-any.whl"), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return "greet-1.0-py3-none-any.whl"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return make(folder, {"greet.py": open("greet.py").read()})

def build_editable(folder, config_settings=None, metadata_directory=None):
    return make(folder, {"greet.pth": os.getcwd() + "\\n"})
`;

const START_FILES = {
  'app.py': 'one\n',
  'requirements.txt': 'greet==1.0\n',
  'requirements/production.txt': '-r base.txt\n',
  'requirements/base.txt': 'greet==1.0\n',
  'deploy/limits.txt': '-c more.txt\n',
  'deploy/more.txt': 'greet==1.0\n',
  [wheelPath('wheels', '1.0')]: wheel('1.0', 'a'),
  'lib/pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
  'lib/backend.py': BACKEND,
  'lib/greet.py': 'VERSION = "a"\n',
};

/** Each changes one thing that pip may or may not read. */
const EDITS: readonly PipEdit[] = [
  setFile('source', 'app.py', ['one\n', 'two\n', 'three\n']),
  setFile('source', 'docs/read.md', ['one', 'two', undefined]),

  setFile('requirement', 'requirements.txt', ['greet==1.0\n', 'greet==1.1\n', 'greet\n', 'greet>=1.0,<1.1\n']),
  setFile('requirement', 'requirements.txt', ['greet==1.0  # pinned\n', '# none\n', 'greet==${GREET}\n']),

  setFile('include', 'requirements.txt', [
    CHAIN,
    '--requirement=requirements/production.txt\n',
    '-rrequirements/base.txt\n',
  ]),
  setFile('include', 'requirements/production.txt', [
    '-r base.txt\n',
    '-r ./base.txt\n-c ../deploy/limits.txt\n',
    '-r \\\n  base.txt\n',
  ]),
  setFile('include', 'requirements/base.txt', ['greet==1.0\n', 'greet==1.1\n', 'greet\n']),
  setFile('include', 'base.txt', ['greet==1.1\n', undefined]),

  setFile('constraint', 'requirements.txt', ['-c deploy/limits.txt\ngreet\n', 'greet\n--constraint deploy/more.txt\n']),
  setFile('constraint', 'deploy/limits.txt', ['-c more.txt\n', 'greet==1.1\n']),
  setFile('constraint', 'deploy/more.txt', ['greet==1.0\n', 'greet==1.1\n', '# none\n']),
  setConfig('constraint', 'PIP_CONSTRAINT', ['deploy/limits.txt', undefined]),

  setFile('find-links', 'requirements.txt', [
    FROM_FOLDER,
    '-f ./wheels\ngreet\n',
    '--no-index --find-links=more-wheels\n-f wheels\ngreet\n',
  ]),
  setFile('find-links', 'requirements/base.txt', [
    '--no-index\n--find-links ../wheels\ngreet\n',
    '--no-index\n-f wheels\ngreet\n',
  ]),
  setConfig('find-links', 'PIP_FIND_LINKS', ['wheels', 'more-wheels', undefined]),
  setFile('find-links', 'requirements.txt', [CHAIN]),

  setFile('replaced wheel', wheelPath('wheels', '1.0'), [wheel('1.0', 'a'), wheel('1.0', 'b'), wheel('1.0', 'c')]),
  setFile('replaced wheel', wheelPath('wheels', '1.1'), [wheel('1.1', 'a'), wheel('1.1', 'b'), undefined]),
  setFile('replaced wheel', wheelPath('more-wheels', '1.1'), [wheel('1.1', 'd'), undefined]),
  setFile('replaced wheel', 'requirements.txt', [FROM_FOLDER, './wheels/greet-1.0-py3-none-any.whl\n']),

  setFile('archive', 'requirements.txt', [
    'wheels/greet-1.0-py3-none-any.whl\n',
    './wheels/greet-1.0-py3-none-any.whl\n',
  ]),
  setFile('archive', 'requirements.txt', ['greet @ file:wheels/greet-1.0-py3-none-any.whl\n']),
  setFile('archive', wheelPath('wheels', '1.0'), [wheel('1.0', 'a'), wheel('1.0', 'b')]),

  setFile('local package', 'requirements.txt', ['./lib\n', 'greet @ file:lib\n', './lib/\n']),
  setFile('local package', 'lib/greet.py', ['VERSION = "a"\n', 'VERSION = "b"\n']),
  setFile('editable package', 'requirements.txt', ['-e ./lib\n', '--editable lib\n']),
  setFile('editable package', 'lib/greet.py', ['VERSION = "a"\n', 'VERSION = "b"\n']),
  setFile('editable package', 'lib/backend.py', [BACKEND, `${BACKEND}# changed\n`]),

  setFile('project', 'pyproject.toml', [PROJECT, PROJECT.replace('1.0', '1.1'), undefined]),
  setFile('project', 'requirements.txt', [undefined]),

  setConfig('environment', 'FLAVOUR', ['dark', 'light', undefined]),
  setConfig('environment', 'GREET', ['1.0', '1.1', undefined]),
  setConfig('environment', 'PYTHONPATH', ['lib', undefined]),
  setConfig('setting of pip', 'PIP_PRE', ['1', undefined]),
  setConfig('setting of pip', 'PIP_CONFIG_FILE', ['pip.conf', undefined]),
  setFile('setting of pip', 'pip.conf', ['[global]\nconstraint = deploy/more.txt\n', undefined]),
  setConfig('setting of pip', 'PIP_REQUIRE_VIRTUALENV', ['0', undefined]),

  setFile('mode', 'app.py', [{ text: 'one\n', mode: 0o755 }, 'one\n']),
  setFile('mode', 'requirements.txt', [{ text: 'greet==1.0\n', mode: 0o755 }, 'greet==1.0\n']),
  setFile('mode', 'lib/greet.py', [{ text: 'VERSION = "a"\n', mode: 0o755 }, 'VERSION = "a"\n']),

  setFile('symbolic link', 'requirements.txt', [
    { link: 'requirements/base.txt' },
    { link: 'requirements/production.txt' },
    CHAIN,
  ]),
  setFile('symbolic link', 'requirements/base.txt', [{ link: '../deploy/more.txt' }, 'greet==1.0\n']),
  setFile('symbolic link', 'requirements/production.txt', [{ link: '../requirements/base.txt' }, '-r base.txt\n']),
  setFile('symbolic link', 'more-wheels', [{ link: 'wheels' }, undefined]),

  setFile('file and folder', 'more-wheels', ['a file', undefined]),
  setFile('file and folder', 'docs', ['a file', undefined]),
  setFile('file and folder', 'requirements/base.txt/read.txt', ['greet', undefined]),
  setFile('file and folder', 'requirements/base.txt', ['greet==1.0\n']),
  setFile('removed file', 'deploy/more.txt', [undefined, 'greet==1.0\n']),
  setFile('removed file', 'requirements/base.txt', [undefined, 'greet==1.0\n']),
  setFile('removed file', 'lib/greet.py', [undefined, 'VERSION = "a"\n']),

  setEarly('earlier buildpack', 'app.py', ['early\n', undefined]),
  setEarly('earlier buildpack', 'requirements/base.txt', ['greet==1.1\n', undefined]),
  setEarly('earlier buildpack', 'requirements.txt', ['greet==1.1\n', undefined]),
  setEarly('earlier buildpack', wheelPath('wheels', '1.0'), [wheel('1.0', 'early'), undefined]),
];

export interface PipHistories {
  readonly builds: Builds;
  readonly game: Game<Project, Build>;
  close(): Promise<void>;
}

/** The real pip, with an index of two versions of one package. */
export async function openPipHistories(): Promise<PipHistories> {
  const index = await startPythonIndex(
    VERSIONS.map((version) => ({
      name: 'greet',
      version,
      files: { 'greet.py': `VERSION = "${version} of the index"\n` },
    })),
  );
  const builds = await Builds.open({
    buildpack: 'python',
    env: { PIP_INDEX_URL: index.url, PIP_CONFIG_FILE: '/dev/null' },
  });
  return {
    builds,
    game: pipGame(await packWheels()),
    close: async () => {
      await builds.close();
      await index.close();
    },
  };
}

/** @param wheels the bytes for each `@wheel` entry */
export function pipGame(wheels: ReadonlyMap<unknown, Uint8Array>): Game<Project, Build> {
  const fill = (files: Record<string, Entry>): Tree =>
    Object.fromEntries(Object.entries(files).map(([path, entry]) => [path, wheels.get(entry) ?? entry]));
  return {
    start: { files: { ...START_FILES }, config: {}, early: {} },
    firstEdits: 0.03,
    edits: EDITS,
    render: ({ files, config, early }) => ({ source: fill(files), config: { ...config }, early: fill(early) }),
  };
}

async function packWheels(): Promise<ReadonlyMap<Entry, Uint8Array>> {
  const all = VERSIONS.flatMap((version) =>
    ['a', 'b', 'c', 'd', 'early'].map((content) => [version, content] as const),
  );
  return new Map(
    await Promise.all(
      all.map(async ([version, content]): Promise<readonly [Entry, Uint8Array]> => {
        const files = { 'greet.py': `VERSION = "${version} ${content}"\n` };
        return [wheel(version, content), await packWheel({ name: 'greet', version, files })];
      }),
    ),
  );
}
