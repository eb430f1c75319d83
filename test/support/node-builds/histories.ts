import type { Tree } from '../build-bench.ts';
import type { Random } from '../random.ts';
import type { NodeBuild } from './builds.ts';

export type ManagerName = 'npm' | 'yarn 1' | 'yarn 4' | 'pnpm';

const LOCKFILES: Readonly<Record<ManagerName, string>> = {
  npm: 'package-lock.json',
  'yarn 1': 'yarn.lock',
  'yarn 4': 'yarn.lock',
  pnpm: 'pnpm-lock.yaml',
};

interface Project {
  manifest: Record<string, unknown>;
  files: Record<string, string>;
  config: Record<string, string>;
}

type Edit = (project: Project, random: Random) => void;

const setField = (name: string, values: readonly unknown[]): Edit => {
  return ({ manifest }, random) => {
    const value = values[random.between(0, values.length - 1)];
    if (value === undefined) Reflect.deleteProperty(manifest, name);
    else manifest[name] = value;
  };
};
const setFile = (name: string, contents: readonly (string | undefined)[]): Edit => {
  return ({ files }, random) => {
    const content = contents[random.between(0, contents.length - 1)];
    if (content === undefined) Reflect.deleteProperty(files, name);
    else files[name] = content;
  };
};
const setConfig = (name: string, values: readonly (string | undefined)[]): Edit => {
  return ({ config }, random) => {
    const value = values[random.between(0, values.length - 1)];
    if (value === undefined) Reflect.deleteProperty(config, name);
    else config[name] = value;
  };
};

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
];
const VENDORED = [{ a: '1' }, { a: 'file:vendor/a' }, { a: './vendor/a.tgz' }, { a: 'link:./src' }, { a: 'file:../outside' }, { a: '2' }];

const BASE = {
  LOCK: 'lock 1',
  'server.js': 'one',
  'src/code.js': 'one',
  'vendor/a/package.json': '{"name":"a"}',
  'packages/lib/index.js': 'one',
};

/** Each changes one thing that an install may or may not read. */
const EDITS: readonly Edit[] = [
  setFile('server.js', ['one', 'two', 'three']),
  setFile('src/code.js', ['one', 'two']),
  setFile('LOCK', ['lock 1', 'lock 2', 'lock 3 file:vendor/a.tgz']),
  setFile('.npmrc', ['a=1', 'b=2', undefined]),
  setFile('.yarnrc', ['yarn-offline-mirror "./mirror"', undefined]),
  setFile('.yarnrc.yml', ['nodeLinker: node-modules', 'nodeLinker: node-modules\nplugins:\n  - path: tools/plugin.cjs', undefined]),
  setFile('tools/plugin.cjs', ['one', 'two']),
  setFile('mirror/a.tgz', ['one', 'two']),
  setFile('.yarn/releases/yarn.cjs', ['one', 'two', undefined]),
  setFile('.pnpmfile.cjs', ['module.exports = {}', 'require("./hooks")', undefined]),
  setFile('hooks.js', ['one', 'two']),
  setFile('pnpm-workspace.yaml', [
    'packages:\n  - packages/*\n',
    'packages: [packages/lib]\npatchedDependencies:\n  a: fixes/a.patch\n',
    undefined,
  ]),
  setFile('patches/a.patch', ['one', 'two', undefined]),
  setFile('fixes/a.patch', ['one', 'two', undefined]),
  setFile('vendor/a/package.json', ['{"name":"a"}', '{"name":"a","scripts":{"postinstall":"true"}}']),
  setFile('vendor/a/index.js', ['one', 'two']),
  setFile('vendor/a.tgz', ['one', 'two']),
  setFile('prisma/schema.prisma', ['one', 'two', undefined]),
  setFile('packages/lib/package.json', [
    '{"name":"lib"}',
    '{"name":"lib","bin":{"lib":"./cli.js"}}',
    '{"name":"lib","dependencies":{"b":"link:../other"}}',
    '{"name":"lib","scripts":{"prepare":"true"}}',
  ]),
  setFile('packages/lib/index.js', ['one', 'two']),
  setFile('packages/lib/cli.js', ['#!/bin/sh', '#!/usr/bin/env node', undefined]),
  setField('scripts', SCRIPTS),
  setField('dependencies', VENDORED),
  setField('workspaces', [['packages/*'], undefined]),
  setField('overrides', [{ b: '1' }, { b: 'file:vendor/a' }, undefined]),
  setField('resolutions', [{ b: 'patch:b@npm%3A1#~/fixes/a.patch' }, undefined]),
  setField('pnpm', [{ patchedDependencies: { a: 'fixes/a.patch' } }, undefined]),
  setField('description', ['one', 'two']),
  setField('version', ['1.0.0', '1.0.1']),
  setField('needs', ['server.js', 'src/code.js', undefined]),
  setField('writes', ['generated/by-install.txt', 'packages/lib/generated.txt', undefined]),
  setConfig('GREETING', ['hello', 'bye', undefined]),
  setConfig('NPM_CONFIG_PRODUCTION', ['false', undefined]),
  setConfig('NODE_ENV', ['development', 'staging', undefined]),
  setConfig('NPM_CONFIG_USERCONFIG', ['settings/npmrc', undefined]),
  setConfig('NODE_OPTIONS', ['--max-old-space-size=512', undefined]),
  setFile('settings/npmrc', ['one', 'two']),
];

/** What is pushed one after the other: small changes, some of them taken back. */
export function randomHistory(manager: ManagerName, random: Random, length: number): readonly NodeBuild[] {
  const project: Project = { manifest: { name: 'app', version: '1.0.0', dependencies: { a: '1' } }, files: { ...BASE }, config: {} };
  if (manager === 'yarn 4') project.manifest['packageManager'] = 'yarn@4.9.2';
  for (const edit of EDITS) if (random.chance(0.1)) edit(project, random);
  return Array.from({ length }, () => {
    const build = render(manager, project);
    setFile('server.js', ['one', 'two', 'three'])(project, random);
    for (let count = random.between(0, 2); count > 0; count--) random.pick(EDITS)(project, random);
    return build;
  });
}

function render(manager: ManagerName, { manifest, files, config }: Project): NodeBuild {
  const { LOCK = '', ...others } = files;
  const source: Tree = { 'package.json': JSON.stringify(manifest), [LOCKFILES[manager]]: LOCK, ...others };
  return { source, config: { ...config } };
}
