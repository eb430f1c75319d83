import type { Tree } from '../build-bench.ts';
import type { Build } from './builds.ts';
import type { Edit, Game } from './history.ts';
import { pickValue, putValue, setConfig, setEarly, setFile, type Entry, type Project } from './source.ts';

export type NodeManager = 'npm' | 'yarn 1' | 'yarn 4' | 'pnpm';
export const NODE_MANAGERS: readonly NodeManager[] = ['npm', 'yarn 1', 'yarn 4', 'pnpm'];

const LOCKFILES: Readonly<Record<NodeManager, string>> = {
  npm: 'package-lock.json',
  'yarn 1': 'yarn.lock',
  'yarn 4': 'yarn.lock',
  pnpm: 'pnpm-lock.yaml',
};

interface NodeProject extends Project {
  manifest: Record<string, unknown>;
  /** What another buildpack changes in package.json before `bin/compile`. */
  earlyManifest: Record<string, unknown>;
}
type NodeEdit = Edit<NodeProject>;

function setField(kind: string, name: string, values: readonly unknown[]): NodeEdit {
  return { kind, apply: ({ manifest }, random) => putValue(manifest, name, pickValue(values, random)) };
}

function setEarlyField(kind: string, name: string, values: readonly unknown[]): NodeEdit {
  return { kind, apply: ({ earlyManifest }, random) => putValue(earlyManifest, name, pickValue(values, random)) };
}

const executable = (text: string): Entry => ({ text, mode: 0o755 });

const SCRIPTS = [
  { start: 'node .' },
  { start: 'node . --port' },
  { start: 'node .', build: 'cat server.js > built.txt' },
  { start: 'node .', build: 'echo "$GREETING" > built.txt' },
  { start: 'node .', postinstall: 'cat server.js node_modules/all/seen.txt > made-after-install.txt' },
  { start: 'node .', prepare: 'mkdir -p dist; cp server.js dist' },
  { start: 'node .', preinstall: 'cat server.js > before.txt' },
  { start: 'node .', 'heroku-prebuild': 'echo "registry=http://$GREETING" > .npmrc', build: 'true' },
  { start: 'node .', build: 'echo x > node_modules/all/changed; mkdir -p .heroku/node/lib/extra' },
  { start: 'node .', 'heroku-postbuild': 'cp -R src copied', 'heroku-cleanup': 'rm -rf src' },
  {
    start: 'node .',
    build:
      'find . -path ./node_modules -prune -o -name "*.tgz" -print | sort > archives.txt; stat -c %a src/* > modes.txt',
  },
];
const LOCAL_DEPENDENCIES = [
  { a: '1' },
  { a: '2' },
  { a: 'file:vendor/a' },
  { a: './vendor/a.tgz' },
  { a: 'file:vendor/a.tgz', b: 'file:./vendor/../src' },
  { a: 'link:./src' },
  { a: 'file:../outside' },
];

const START_FILES = {
  LOCK: 'lock 1',
  'server.js': 'one',
  'src/code.js': 'one',
  'vendor/a/package.json': '{"name":"a"}',
  'vendor/a.tgz': 'one',
  'packages/lib/index.js': 'one',
};

/** Each changes one thing that an install may or may not read. */
const EDITS: readonly NodeEdit[] = [
  setFile('source', 'server.js', ['one', 'two', 'three']),
  setFile('source', 'src/code.js', ['one', 'two']),
  setFile('source', 'docs/read.md', ['one', 'two', undefined]),

  setFile('lockfile', 'LOCK', ['lock 1', 'lock 2', 'lock 3 file:vendor/a.tgz', undefined]),
  setFile('lockfile', 'LOCK', ['lock 1', 'lock 2']),
  setFile('lockfile', 'npm-shrinkwrap.json', ['{"lockfileVersion":3}', undefined]),

  setFile('settings file', '.npmrc', ['a=1', 'b=2', undefined]),
  setFile('settings file', '.yarnrc', ['yarn-offline-mirror "./mirror"', undefined]),
  setFile('settings file', '.yarnrc.yml', ['nodeLinker: node-modules', 'nodeLinker: pnp', undefined]),
  setFile('settings file', 'packages/lib/.npmrc', ['a=1', 'b=2', undefined]),
  setFile('settings file', '.env', ['A=1', 'A=2', undefined]),
  setFile('settings file', '.nvmrc', ['24', '22', undefined]),

  setFile('file of a setting', '.yarnrc.yml', [
    'nodeLinker: node-modules\nplugins:\n  - path: tools/plugin.cjs',
    undefined,
  ]),
  setFile('file of a setting', 'tools/plugin.cjs', ['one', 'two']),
  setFile('file of a setting', 'mirror/a.tgz', ['one', 'two']),
  setFile('file of a setting', '.yarn/releases/yarn.cjs', ['one', 'two', undefined]),
  setFile('file of a setting', '.pnpmfile.cjs', ['module.exports = {}', 'require("./hooks")', undefined]),
  setFile('file of a setting', 'hooks.js', ['one', 'two']),
  setConfig('file of a setting', 'NPM_CONFIG_USERCONFIG', ['settings/npmrc', undefined]),
  setFile('file of a setting', 'settings/npmrc', ['one', 'two']),

  setField('vendored path', 'dependencies', LOCAL_DEPENDENCIES),
  setFile('vendored path', 'vendor/a/package.json', ['{"name":"a"}', '{"name":"a","scripts":{"postinstall":"true"}}']),
  setFile('vendored path', 'vendor/a/index.js', ['one', 'two', undefined]),
  setFile('vendored archive', 'vendor/a.tgz', ['one', 'two', 'three']),
  setFile('vendored archive', 'vendor/a.tgz', ['four', undefined]),
  setField('vendored archive', 'dependencies', [{ a: './vendor/a.tgz' }, { a: 'file:vendor/a.tgz' }]),

  setField('workspace', 'workspaces', [['packages/*'], { packages: ['packages/lib'] }, undefined]),
  setFile('workspace', 'pnpm-workspace.yaml', ['packages:\n  - packages/*\n', undefined]),
  setFile('workspace', 'packages/lib/package.json', [
    '{"name":"lib"}',
    '{"name":"lib","version":"2"}',
    '{"name":"lib","bin":{"lib":"./cli.js"}}',
    '{"name":"lib","dependencies":{"b":"link:../other"}}',
    '{"name":"lib","scripts":{"prepare":"true"}}',
    undefined,
  ]),
  setFile('workspace', 'packages/lib/index.js', ['one', 'two']),
  setFile('workspace', 'packages/lib/cli.js', ['#!/bin/sh', '#!/usr/bin/env node', undefined]),
  setFile('workspace', 'packages/other/package.json', [
    '{"name":"other"}',
    '{"name":"other","bin":"run.js"}',
    undefined,
  ]),

  setFile('patch', 'patches/a.patch', ['one', 'two', undefined]),
  setFile('patch', 'fixes/a.patch', ['one', 'two', undefined]),
  setField('patch', 'pnpm', [{ patchedDependencies: { a: 'fixes/a.patch' } }, undefined]),
  setFile('patch', 'pnpm-workspace.yaml', ['packages: [packages/lib]\npatchedDependencies:\n  a: fixes/a.patch\n']),
  setField('patch', 'resolutions', [{ b: 'patch:b@npm%3A1#~/fixes/a.patch' }, undefined]),

  setField('override', 'overrides', [{ b: '1' }, { b: '2' }, { b: 'file:vendor/a' }, undefined]),
  setField('override', 'resolutions', [{ b: '1' }, { b: '2' }, undefined]),
  setField('override', 'pnpm', [{ overrides: { b: '1' } }, { overrides: { b: '2' } }, undefined]),

  setField('app script', 'scripts', SCRIPTS),
  setField('text of the manifest', 'description', ['one', 'two']),
  setField('text of the manifest', 'version', ['1.0.0', '1.0.1']),
  setField('install reads', 'needs', ['server.js', 'src/code.js', undefined]),
  setField('install reads', 'prisma', [{ schema: 'prisma/schema.prisma' }, undefined]),
  setFile('install reads', 'prisma/schema.prisma', ['one', 'two', undefined]),
  setField('install writes', 'writes', [
    'generated/by-install.txt',
    'packages/lib/generated.txt',
    'server.js',
    undefined,
  ]),

  setConfig('environment', 'GREETING', ['hello', 'bye', undefined]),
  setConfig('environment', 'NPM_TOKEN', ['secret 1', 'secret 2', undefined]),
  setConfig('environment', 'NODE_OPTIONS', ['--max-old-space-size=512', undefined]),
  setConfig('environment', 'CACHE_DIR', ['/nowhere', undefined]),
  setConfig('build setting', 'NPM_CONFIG_PRODUCTION', ['false', undefined]),
  setConfig('build setting', 'NODE_ENV', ['development', 'staging', undefined]),
  setConfig('build setting', 'NODE_MODULES_CACHE', ['false', undefined]),
  setConfig('build setting', 'PNPM_SKIP_PRUNING', ['true', undefined]),
  setConfig('build setting', 'YARN2_SKIP_PRUNING', ['true', undefined]),
  setConfig('build setting', 'YARN_NODE_LINKER', ['node-modules', undefined]),

  setField('tool version', 'engines', [
    { node: '24.x' },
    { node: '>=20', npm: '11.x' },
    { yarn: '1.22.21', pnpm: '9' },
    undefined,
  ]),
  setField('tool version', 'packageManager', ['yarn@4.9.1', 'yarn@1.22.19', 'pnpm@10.1.0', 'npm@11.0.0', undefined]),

  setFile('mode', 'server.js', [executable('one'), 'one']),
  setFile('mode', 'patches/a.patch', [executable('one'), 'one']),
  setFile('mode', 'vendor/a/index.js', [executable('one'), 'one']),
  setFile('mode', 'packages/lib/cli.js', [{ text: '#!/bin/sh', mode: 0o644 }, '#!/bin/sh']),
  setFile('mode', 'src/code.js', [executable('one'), 'one']),

  setFile('symbolic link', '.npmrc', [{ link: 'settings/npmrc' }, 'a=1']),
  setFile('symbolic link', 'vendor/a/index.js', [{ link: '../../src/code.js' }, { link: '../../server.js' }, 'one']),
  setFile('symbolic link', 'patches/a.patch', [{ link: '../fixes/a.patch' }, 'one']),
  setFile('symbolic link', 'packages/linked', [{ link: '../vendor/a' }, { link: 'lib' }, undefined]),
  setFile('symbolic link', 'current', [{ link: 'server.js' }, { link: 'src' }, undefined]),

  setFile('file and folder', 'patches', ['a file', undefined]),
  setFile('file and folder', 'vendor/a', ['a file', undefined]),
  setFile('file and folder', 'vendor/a/package.json', ['{"name":"a"}']),
  setFile('file and folder', 'src', ['a file', undefined]),
  setFile('file and folder', 'src/code.js', ['one', 'two']),
  setFile('file and folder', 'prisma', ['a file', undefined]),
  setFile('file and folder', 'node_modules/left/index.js', ['from another machine', undefined]),

  setEarly('earlier buildpack', 'server.js', ['early', undefined]),
  setEarly('earlier buildpack', 'LOCK', ['early lock', undefined]),
  setEarly('earlier buildpack', '.npmrc', ['early=1', 'early=2', undefined]),
  setEarly('earlier buildpack', 'vendor/a/index.js', ['early', undefined]),
  setEarlyField('earlier buildpack', 'description', ['early', undefined]),
  setEarlyField('earlier buildpack', 'packageManager', ['yarn@4.9.0', 'pnpm@10.0.0', undefined]),
  setEarlyField('earlier buildpack', 'scripts', [{ build: 'cat server.js > early.txt' }, undefined]),
  setEarlyField('earlier buildpack', 'dependencies', [{ c: '1' }, undefined]),
];

export function nodeGame(manager: NodeManager): Game<NodeProject, Build> {
  const manifest: Record<string, unknown> = { name: 'app', version: '1.0.0', dependencies: { a: '1' } };
  if (manager === 'yarn 4') manifest['packageManager'] = 'yarn@4.9.2';
  return {
    start: { manifest, files: { ...START_FILES }, config: {}, early: {}, earlyManifest: {} },
    firstEdits: 0.08,
    edits: EDITS,
    render: (project) => render(manager, project),
  };
}

function render(manager: NodeManager, { manifest, files, config, early, earlyManifest }: NodeProject): Build {
  const changedManifest: Tree =
    Object.keys(earlyManifest).length === 0
      ? {}
      : { 'package.json': JSON.stringify({ ...manifest, ...earlyManifest }) };
  return {
    source: { 'package.json': JSON.stringify(manifest), ...nameLockfile(manager, files) },
    config: { ...config },
    early: { ...nameLockfile(manager, early), ...changedManifest },
  };
}

function nameLockfile(manager: NodeManager, { LOCK, ...others }: Record<string, Entry>): Tree {
  return LOCK === undefined ? others : { [LOCKFILES[manager]]: LOCK, ...others };
}
