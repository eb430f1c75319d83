import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { codesInDocument, codesInSource, UNWRITTEN } from '../../script/errors-catalogue.ts';

// House rules that no compiler checks. A rule that gets in the way is changed here, with its reason.

const root = join(import.meta.dirname, '../..');
const UNTRACKED = new Set(['.git', '.tools', '.slipway', 'node_modules', 'coverage']);

const TOP_FOLDERS = 'agent bench bin buildpacks cli controller docs examples packaging proto script shared test'.split(
  ' ',
);
const PROGRAM_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  controller: [
    'access',
    'acme',
    'api',
    'assignments',
    'build',
    'certificates',
    'cron',
    'dispatch',
    'domain',
    'formation',
    'install',
    'movement',
    'observe',
    'one-off',
    'ownership',
    'push',
    'release',
    'schedule',
    'secrets',
    'store',
  ],
  agent: [
    'accepted',
    'build',
    'certificates',
    'destroyed',
    'health',
    'host',
    'images',
    'logs',
    'one-off',
    'proxy',
    'reconcile',
    'sandbox',
    'session',
    'switches',
    'tasks',
  ],
  shared: ['api', 'attach', 'domain', 'kit', 'rpc'],
  test: ['contract', 'e2e', 'nightly', 'scenario', 'soak', 'support', 'unit', 'vm'],
};
const PIPELINE = ['push', 'build', 'release', 'schedule', 'dispatch', 'reconcile', 'sandbox', 'proxy'];

const BANNED_WORDS = /(?:^|[-.])(?:utils?|helpers?|managers?|misc|common|stuff|tmp|old|new)(?:[-.]|$)/;
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9-]+)*\.ts$/;

const LINES_MAX = 300;
const TEST_LINES_MAX = 400;
/** Files that are longer than allowed, with their length. Numbers here only get smaller. */
const KNOWN_LONG: Readonly<Record<string, number>> = {};

function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (UNTRACKED.has(entry.name)) return [];
    if (entry.isDirectory()) return walk(path);
    return entry.isFile() ? [path] : [];
  });
}

function foldersIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !UNTRACKED.has(entry.name))
    .map((entry) => entry.name);
}

const files = walk('.');
const ours = files.filter(
  (path) => TOP_FOLDERS.includes(path.split('/')[0] ?? '') && !path.startsWith('shared/rpc/gen/'),
);
const typescript = ours.filter((path) => path.endsWith('.ts'));
const written = ours.filter(
  (path) => /\.(?:ts|js|mjs|sh|proto|md|json|yml|yaml)$/.test(path) || !basename(path).includes('.'),
);
const readText = (path: string): string => readFileSync(join(root, path), 'utf8');

test('the folders are the ones that the design names', () => {
  assert.deepEqual(foldersIn('.').sort(), TOP_FOLDERS);
  for (const [program, expected] of Object.entries(PROGRAM_FOLDERS)) {
    assert.deepEqual(
      foldersIn(program).filter((name) => name !== 'fixtures'),
      expected,
      `folders of ${program}/`,
    );
  }
});

test('a folder of the CLI is one noun with a spec of its commands, or draws on the terminal', () => {
  const nouns = foldersIn('cli').filter((name) => name !== 'terminal');
  assert.deepEqual(
    nouns.filter((noun) => !files.includes(join('cli', noun, 'spec.ts'))),
    [],
  );
});

test('file names are kebab-case and say what is inside', () => {
  assert.deepEqual(
    typescript.filter((path) => !KEBAB_CASE.test(basename(path)) || BANNED_WORDS.test(basename(path))),
    [],
  );
});

test('files stay short, and the long ones only shrink', () => {
  const long = typescript
    .map((path) => ({ path, lines: readText(path).split('\n').length - 1 }))
    .filter(
      ({ path, lines }) =>
        lines !== KNOWN_LONG[path] && lines > (path.startsWith('test/') ? TEST_LINES_MAX : LINES_MAX),
    );
  assert.deepEqual(long, []);
  for (const path of Object.keys(KNOWN_LONG))
    assert.ok(existsSync(join(root, path)), `${path} is gone: take it off the list`);
});

/** A call of a logger, up to its last argument. */
const LOG_CALL =
  /\blog(?:ger)?\.(?:debug|info|warn|error)\((?:[^;]|;(?!\n))*?,\s*['`]([^'`\n]*\.[^'`\n]*)['`],?\s*\)/gi;
const LOG_EVENT = /^[a-z]+(?:_[a-z]+)*\.(?:[a-z]+(?:_[a-z]+)*|\$\{.*\})$/;

test('log events are named area.event_name', () => {
  const events = typescript
    .filter((path) => /^(?:agent|controller|shared)\//.test(path))
    .flatMap((path) => [...readText(path).matchAll(LOG_CALL)].map(([, event]) => ({ path, event: event! })));
  assert.ok(events.length > 100, `only ${String(events.length)} log calls found`);
  assert.deepEqual(
    events.filter(({ event }) => !LOG_EVENT.test(event)),
    [],
  );
});

test('no comment says that something is still to do', () => {
  const marks = new RegExp(
    `\\b(?:${['TO', 'FIX', 'X'].map((head, at) => head + ['DO', 'ME', 'XX'][at]!).join('|')})\\b`,
  );
  const left = written.filter(
    (path) => !path.endsWith('package-lock.json') && marks.test(readText(path).replaceAll(/\.XXX+/g, '')),
  );
  assert.deepEqual(left, [], 'open an issue instead');
});

test('no text contains a control character', () => {
  const control = /[\u0000-\u0008\u000b-\u001f\u007f]/;
  assert.deepEqual(
    written.filter((path) => control.test(readText(path))),
    [],
  );
});

test('every error code of the source is documented, and no other', () => {
  const documented = codesInDocument(readText('docs/errors.md'));
  const [here, there] = [codesInSource(root), documented].map((rows) => rows.map((row) => row.code));
  const missing = here!.filter((code) => !there!.includes(code));
  const gone = there!.filter((code) => !here!.includes(code));
  assert.deepEqual({ missing, gone }, { missing: [], gone: [] }, 'run: npm run errors-doc');
  assert.deepEqual(
    documented.filter((row) => row.meaning === UNWRITTEN || row.remedy === UNWRITTEN),
    [],
    'write the missing words in docs/errors.md',
  );
});

/** They wait for a condition, or for a machine; and one tests a time limit with time. */
const MAY_SLEEP = ['test/support/eventually.ts', 'test/support/load.ts', 'test/vm/', 'test/e2e/proxy-http.test.ts'];
const SLEEP = /from 'node:timers\/promises'|new Promise(?:<\w+>)?\(\(\w+\) => setTimeout\(/;
/** A bound of the wall clock in an assertion; the soak tests measure. */
const WALL_CLOCK_BOUND = /assert(?:\.ok)?\([^\n]*(?:performance\.now\(\) - \w+|\b(?:took|serving|heal)Ms) <=? /;

test('no test sleeps except with letPass, and no assertion limits the wall clock', () => {
  const tests = typescript.filter(
    (path) => path.startsWith('test/') && !MAY_SLEEP.some((allowed) => path.startsWith(allowed)),
  );
  assert.deepEqual(
    tests.filter((path) => SLEEP.test(readText(path))),
    [],
    'wait for a condition: test/support/eventually.ts',
  );
  assert.deepEqual(
    tests.filter(
      (path) =>
        WALL_CLOCK_BOUND.test(readText(path).replaceAll('cpuTimeMs', '')) && !readText(path).includes('cpuTimeMs('),
    ),
    [],
    'a busy machine is slow: assert what happens, or use test/support/cpu-time.ts',
  );
});

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

test('every dependency is pinned and has its reason written down', () => {
  const { dependencies, devDependencies } = JSON.parse(readText('package.json')) as Manifest;
  const all = { ...dependencies, ...devDependencies };
  assert.deepEqual(
    Object.entries(all).filter(([, version]) => !/^(?:npm:[a-z]+@)?\d+\.\d+\.\d+$/.test(version)),
    [],
  );
  const explained = [...readText('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name).sort();
  assert.deepEqual(explained, Object.keys(all).sort());
});

test('the lockfiles name no host, so that any registry serves', () => {
  for (const path of files.filter((name) => basename(name) === 'package-lock.json')) {
    assert.doesNotMatch(readText(path), /"resolved"/, path);
  }
});

/** The controller starts git, the programs that make what nodes download, and those that change TXT records. */
const CONTROLLER_STARTS = [
  'controller/certificates/dns/create-driver.ts',
  'controller/compose-fleet.ts',
  'controller/install/programs.ts',
  'controller/push/git/fast-import.ts',
  'controller/push/git/kept-commits.ts',
  'controller/push/git/move-ref.ts',
  'controller/push/git/receive-pack.ts',
  'controller/push/git/repository.ts',
  'controller/push/git/source.ts',
  'controller/push/repository-limits.ts',
];

test('the controller starts programs in few files', () => {
  const starts = /^import (?!type)[^;]*\b(?:run|runOk|start)\b[^;]*kit\/exec\.ts'/m;
  assert.deepEqual(
    typescript.filter((path) => path.startsWith('controller/') && starts.test(readText(path))),
    CONTROLLER_STARTS,
  );
});

/** They look for a free port, or stand in for an app in tests. The socket of attach is a file for the processes of one sandbox. */
const AGENT_LISTENS = [
  'agent/proxy/haproxy/port-probe.ts',
  'agent/sandbox/attach-socket.ts',
  'agent/sandbox/fake/driver.ts',
  'agent/sandbox/process/ports.ts',
];

test('an agent listens for nothing but traffic of apps', () => {
  const listens = /\bcreate(?:Secure)?Server\(|\bnew Server\(/;
  assert.deepEqual(
    typescript.filter((path) => path.startsWith('agent/') && listens.test(readText(path))),
    AGENT_LISTENS,
  );
});

/** It compares the present files with former ones. */
const NAMES_FORMER_FILES = 'docs/design/0028-structure.md';
const DOCUMENTS = written
  .filter((path) => /^docs\/.*\.md$/.test(path) && path !== NAMES_FORMER_FILES)
  .concat('README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md');

test('each file that a document names exists', () => {
  const missing = DOCUMENTS.flatMap((path) =>
    [...readText(path).matchAll(/`([\w.-]+(?:\/[\w.-]+)*\.(?:ts|proto|service))`/g)].flatMap(([, name]) =>
      files.some((file) => file === name || file.endsWith(`/${name!}`)) ? [] : [`${path}: ${name!}`],
    ),
  );
  assert.deepEqual(missing, []);
});

test('a design note has the number of its file, and a row in the list', () => {
  const notes = readdirSync(join(root, 'docs/design')).filter((name) => name !== 'README.md');
  const list = readText('docs/design/README.md');
  for (const name of notes) {
    assert.match(readText(`docs/design/${name}`), new RegExp(`^# ${String(Number(name.slice(0, 4)))}\\. `), name);
    assert.ok(list.includes(`](${name})`), `docs/design/README.md lists ${name}`);
  }
});

test('the architecture names the eight steps of the pipeline in order', () => {
  const steps = PIPELINE.join(' → ');
  assert.ok(readText('ARCHITECTURE.md').includes(steps), `ARCHITECTURE.md says: ${steps}`);
});
