/**
 * What the controller and a node keep on disk while an app is pushed many times. The app has 85 npm packages of 13 MB. Each push changes
 * one line and a file of random bytes, so every push makes a new layer, and git a new pack.
 *
 *   node bench/retention.ts [--pushes 200] [--every 25] [--asset-kb 100] [--budget-mb 8]
 *
 * The node may keep the images of the first release and 8 MB more (`--budget-mb`). Its images are older than one minute when it deletes
 * them. The first push downloads the packages from the npm registry. At the end it runs `gc`. Prints tables and, as the last line, JSON.
 */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { GarbageBody } from '../shared/api/release-history.ts';
import { run, runOk } from '../shared/kit/exec.ts';
import { PRODUCT_DIR, TestFleet } from '../test/support/fleet.ts';
import type { Repository } from '../test/support/fleet-user.ts';
import { spread } from '../test/support/spread.ts';

const APP = 'bench';

/** Bytes of each folder and file of a state folder. */
type Usage = Readonly<Record<string, number>>;

interface Figures {
  readonly pushes: number;
  readonly controller: Usage;
  readonly node: Usage;
  readonly rssMb: { readonly controller: number; readonly agent: number };
}

const { values } = parseArgs({
  options: {
    pushes: { type: 'string', default: '200' },
    every: { type: 'string', default: '25' },
    'asset-kb': { type: 'string', default: '100' },
    'budget-mb': { type: 'string', default: '8' },
  },
});
const [pushes, every] = [Number(values.pushes), Number(values.every)];

function serverOf(version: number): string {
  return `const app = require('express')();
require('lodash');
require('pino')({ level: 'warn' });
app.get('/', (request, response) => response.send('version=${String(version)}'));
app.listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
`;
}

async function firstFiles(): Promise<Record<string, string>> {
  const example = (name: string): Promise<string> => readFile(join(PRODUCT_DIR, 'examples', 'express', name), 'utf8');
  return {
    'package.json': await example('package.json'),
    'package-lock.json': await example('package-lock.json'),
    Procfile: 'web: node server.js\n',
    'server.js': serverOf(1),
  };
}

async function registryRule(): Promise<{ cidr: string; port: number }> {
  const npm = join(process.execPath, '..', 'npm');
  const env = { ...process.env } as Record<string, string>;
  const { stdout } = await runOk(run, { file: npm, args: ['config', 'get', 'registry'], env });
  const { hostname, port } = new URL(stdout.trim());
  const { address } = await lookup(hostname, { family: 4 });
  return { cidr: `${address}/32`, port: Number(port || '443') };
}

/** Blocks on the disk, without what is mounted there. Files that disappear meanwhile are not counted. */
async function usageOf(stateDir: string): Promise<Usage> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  const excluded = mounts.filter((path) => path.startsWith(`${stateDir}/`)).map((path) => `--exclude=${path}`);
  const args = ['--all', '--max-depth=1', '--block-size=1', ...excluded, '--', stateDir];
  const { stdout } = await run({ file: 'du', args });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  return Object.fromEntries(
    lines.map(([bytes, path = '']) => [path === stateDir ? 'total' : basename(path), Number(bytes)]),
  );
}

async function rssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1000);
}

async function figuresAfter(fleet: TestFleet, count: number): Promise<Figures> {
  const { controller, agent } = fleet.stateDirs;
  return {
    pushes: count,
    controller: await usageOf(controller),
    node: await usageOf(agent),
    rssMb: { controller: await rssMb(fleet.controllerPid), agent: await rssMb(fleet.agentPid) },
  };
}

/** @returns how long it took */
async function push(repository: Repository, version: number): Promise<number> {
  await writeFile(join(repository.dir, 'asset.bin'), randomBytes(Number(values['asset-kb']) * 1000));
  await repository.commit({ 'server.js': serverOf(version) });
  const startedAtMs = performance.now();
  const pushed = await repository.push(APP);
  if (!pushed.ok) throw new Error(pushed.text);
  return performance.now() - startedAtMs;
}

/** The node may keep what it has now, and a little more. */
async function limitImages(fleet: TestFleet): Promise<void> {
  const path = join(fleet.dir, 'agent.json');
  const { images = 0 } = await usageOf(fleet.stateDirs.agent);
  const imageBudgetBytes = images + Number(values['budget-mb']) * 1e6;
  await fleet.endAgent('SIGTERM');
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), imageBudgetBytes }));
  await fleet.startAgent();
}

async function collect(fleet: TestFleet, dryRun: boolean): Promise<GarbageBody> {
  return (await fleet.api('POST', '/gc', { dryRun })) as GarbageBody;
}

function printUsage(name: 'controller' | 'node', all: readonly Figures[]): void {
  const names = [...new Set(all.flatMap((each) => Object.keys(each[name])))];
  // Small files that do not change are not shown.
  const shown = names.filter((key) => Math.max(...all.map((each) => each[name][key] ?? 0)) >= 50_000);
  console.log(`${name}: MB on disk`);
  console.table(
    all.map((each) => ({
      pushes: each.pushes,
      ...Object.fromEntries(shown.map((key) => [key, Number(((each[name][key] ?? 0) / 1e6).toFixed(2))])),
      rssMb: name === 'node' ? each.rssMb.agent : each.rssMb.controller,
    })),
  );
}

/** What a push adds, in the second half of the pushes. */
function growth(name: 'controller' | 'node', all: readonly Figures[]): Record<string, number> {
  const [middle, last] = [all[all.length >> 1], all.at(-1)];
  if (middle === undefined || last === undefined || middle === last) return {};
  const count = last.pushes - middle.pushes;
  const bytes = (key: string): number => Math.round(((last[name][key] ?? 0) - (middle[name][key] ?? 0)) / count);
  const grown = Object.keys(last[name]).map((key) => [key, bytes(key)] as const);
  return Object.fromEntries(grown.filter(([, added]) => added !== 0));
}

async function main(fleet: TestFleet): Promise<void> {
  const repository = await fleet.me.repository(APP, await firstFiles());
  const firstPushMs = await push(repository, 1);
  await limitImages(fleet);
  const figures = [await figuresAfter(fleet, 1)];
  const times: number[] = [];
  for (let count = 2; count <= pushes; count += 1) {
    times.push(await push(repository, count));
    if (count % every === 0 || count === pushes) figures.push(await figuresAfter(fleet, count));
  }
  const planned = await collect(fleet, true);
  const collected = await collect(fleet, false);
  const left = await collect(fleet, true);
  const after = await figuresAfter(fleet, pushes);
  for (const name of ['controller', 'node'] as const) {
    printUsage(name, [...figures, after]);
    console.log('bytes that a push adds, in the second half:', growth(name, figures));
  }
  console.log(`push ${spread(times)} ms, first ${firstPushMs.toFixed(0)} ms. The last row is after gc.`);
  const said = ({ images, sizeBytes }: GarbageBody): object => ({ images: images.length, sizeBytes });
  const garbage = { dryRun: said(planned), gc: said(collected), dryRunAfter: said(left) };
  console.log('gc', garbage);
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
  const grown = { controller: growth('controller', figures), node: growth('node', figures) };
  console.log(JSON.stringify({ bench: 'retention', machine, pushes, figures, after, grown, garbage, pushMs: times }));
}

const started = await TestFleet.start({
  egressAllow: [await registryRule()],
  controller: { rollout: { settleMs: 0, bakeMs: 0 } },
});
try {
  await main(started);
} catch (error) {
  console.error(started.logs());
  throw error;
} finally {
  await started.stop();
}
