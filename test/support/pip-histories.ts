import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import type { Bench, Tree } from './build-bench.ts';
import { packWheel } from './python-index.ts';

/** One state of an app that uses pip: where it keeps its list, its packages, and its config. */
export interface PipState {
  readonly include: 'direct' | 'nested' | 'constraint' | 'project';
  readonly source: 'index' | 'folder' | 'path' | 'editable' | 'directory';
  readonly version: '1.0' | '1.1';
  /** A wheel is replaced under the same name, or the app's own package changes. */
  readonly content: 'a' | 'b';
  readonly config: Readonly<Record<string, string>>;
}

export const pipHistory = fc.array(
  fc.record<PipState>({
    include: fc.constantFrom('direct', 'nested', 'constraint', 'project'),
    source: fc.constantFrom('index', 'folder', 'path', 'editable', 'directory'),
    version: fc.constantFrom('1.0', '1.1'),
    content: fc.constantFrom('a', 'b'),
    config: fc.constantFrom({}, { FLAVOUR: 'dark' }),
  }),
  { minLength: 2, maxLength: 4 },
);

/** The wheels of the index: both versions of one package. */
export const INDEX_WHEELS = (['1.0', '1.1'] as const).map((version) => ({
  name: 'greet',
  version,
  files: { 'greet.py': `VERSION = "${version} of the index"\n` },
}));

/** The source of an app in this state. */
async function renderPipState(state: PipState): Promise<Tree> {
  return { Procfile: 'web: python app.py', ...(await packages(state)), ...lists(state) };
}

async function packages({ source, version, content }: PipState): Promise<Tree> {
  if (source === 'folder' || source === 'path') {
    const files = { 'greet.py': `VERSION = "${version} ${content}"\n` };
    return { [`wheels/greet-${version}-py3-none-any.whl`]: await packWheel({ name: 'greet', version, files }) };
  }
  if (source === 'index') return {};
  return {
    'lib/pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    'lib/backend.py': BACKEND,
    'lib/greet.py': `VERSION = "${version} ${content}"\n`,
  };
}

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

/** The lists of an app in this state. */
function lists({ include, source, version }: PipState): Tree {
  const requirement = {
    index: [`greet==${version}`],
    folder: ['--no-index', '--find-links wheels', 'greet'],
    path: [`wheels/greet-${version}-py3-none-any.whl`],
    editable: ['-e ./lib'],
    directory: ['./lib'],
  }[source].join('\n');
  if (include === 'nested')
    return {
      'requirements.txt': '-r requirements/all.txt\n',
      'requirements/all.txt': '-r base.txt\n',
      'requirements/base.txt': `${requirement}\n`,
    };
  if (include === 'constraint' && source === 'index')
    return {
      'requirements.txt': '-c deploy/limits.txt\ngreet\n',
      'deploy/limits.txt': '-c more.txt\n',
      'deploy/more.txt': `greet==${version}\n`,
    };
  if (include === 'project' && source === 'index')
    return { 'pyproject.toml': `[project]\nname = "shop"\nversion = "1"\ndependencies = ["greet==${version}"]\n` };
  return { 'requirements.txt': `${requirement}\n` };
}

/**
 * The built layers, file by file. The folder of the app has another name in each build of a bench, and pip writes it into some
 * files; in a sandbox it is always /app.
 */
async function readBuiltTree(bench: Bench): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const layer of bench.layers.last?.layers ?? []) {
    const root = bench.layers.mounts.get(layer.digest) ?? '';
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) continue;
      const text = (await readFile(path, 'latin1')).replaceAll(/\/[^\s"'\x00]*\/boxes\/[^/]+\/app/g, '/app');
      // The digest of a file that holds the name of that folder.
      tree[`${layer.name} ${relative(root, path)}`] = entry.name === 'RECORD' ? text.replace(/^.*direct_url\.json,.*$/m, '') : text;
    }
  }
  return tree;
}

/** Builds each state of a history for one app, and the last one for an app without a past. @returns the paths that differ */
export async function buildHistory(bench: Bench, app: string, history: readonly PipState[]): Promise<string[]> {
  for (const state of history) await bench.build(await renderPipState(state), { app, config: state.config });
  const second = await readBuiltTree(bench);
  const last = history.at(-1);
  if (last !== undefined) await bench.build(await renderPipState(last), { app: `${app}c`, config: last.config });
  const clean = await readBuiltTree(bench);
  return Object.keys({ ...second, ...clean }).filter((path) => second[path] !== clean[path]);
}
