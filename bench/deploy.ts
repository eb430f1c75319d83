/**
 * How long a push takes, for three Node apps: (a) no dependencies, (b) express + lodash + pino, (c) 400 MB of dependencies.
 *
 *   node bench/deploy.ts [a] [b] [c] [--n 10] [--rate 200] [--sandbox lxc]
 *
 * Real parts on this machine: git over SSH, controller, agent, sandbox, HAProxy. Prints a table and, as the last line, JSON.
 * (b) and (c) download their packages from the npm registry on the first push only. The registry may have a private address.
 */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { cpus, homedir, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run, runOk } from '../shared/kit/exec.ts';
import { PRODUCT_DIR, TestFleet } from '../test/support/fleet.ts';
import { helloApp, type Repository } from '../test/support/fleet-user.ts';
import { Load } from '../test/support/load.ts';
import { median, spread } from './figures.ts';

interface Sample {
  readonly firstNewMs: number;
  readonly returnedMs: number;
  readonly lost: number;
  readonly requests: number;
  readonly packBytes: number;
  readonly stages: Readonly<Record<string, number>>;
}

type AppKind = 'a' | 'b' | 'c';

const SERVER_B = `const express = require('express');
require('lodash');
const log = require('pino')({ level: 'warn' });
const app = express();
app.get('/', (request, response) => response.send('version=1 '));
app.listen(process.env.PORT, () => log.info('up'));
process.on('SIGTERM', () => process.exit(0));
`;
const BIG_DEPENDENCIES = {
  googleapis: '144.0.0',
  next: '15.1.3',
  'aws-sdk': '2.1692.0',
  typescript: '5.7.2',
  express: '4.21.2',
};

async function filesOf(kind: AppKind): Promise<Record<string, string>> {
  const hello = helloApp('1');
  if (kind === 'a') return hello;
  if (kind === 'b') {
    const example = (name: string): Promise<string> => readFile(join(PRODUCT_DIR, 'examples', 'express', name), 'utf8');
    return {
      'package.json': await example('package.json'),
      'package-lock.json': await example('package-lock.json'),
      Procfile: 'web: node server.js\n',
      'server.js': SERVER_B,
    };
  }
  return {
    ...hello,
    'package.json': JSON.stringify({ name: 'big', version: '1.0.0', private: true, dependencies: BIG_DEPENDENCIES }),
  };
}

async function lock(repository: Repository): Promise<void> {
  const npm = join(process.execPath, '..', 'npm');
  const args = ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'];
  const env = { PATH: `${join(process.execPath, '..')}:/usr/bin:/bin`, HOME: homedir(), ...npmSettings() };
  await runOk(run, { file: npm, args, cwd: repository.dir, env });
  await repository.commit({});
}

async function registryRule(): Promise<{ cidr: string; port: number }> {
  const npm = join(process.execPath, '..', 'npm');
  const { stdout } = await runOk(run, {
    file: npm,
    args: ['config', 'get', 'registry'],
    env: { ...process.env } as Record<string, string>,
  });
  const { hostname, port } = new URL(stdout.trim());
  const { address } = await lookup(hostname, { family: 4 });
  return { cidr: `${address}/32`, port: Number(port || '443') };
}

function npmSettings(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => /^(npm_config_|NODE_EXTRA_CA)/i.test(entry[0]) && entry[1] !== undefined,
    ),
  );
}

async function measure(
  fleet: TestFleet,
  kind: AppKind,
  options: { n: number; rate: number },
): Promise<{ first: number; samples: Sample[] }> {
  const app = `bench-${kind}`;
  const repository = await fleet.me.repository(app, await filesOf(kind));
  if (kind === 'c') await lock(repository);
  const startedAtMs = performance.now();
  const first = await repository.push(app);
  if (!first.ok) throw new Error(first.text);
  const firstMs = performance.now() - startedAtMs;
  const samples: Sample[] = [];
  for (let i = 0; i < options.n; i += 1)
    samples.push(await once(fleet, repository, { app, version: i + 2, rate: options.rate }));
  return { first: firstMs, samples };
}

async function once(
  fleet: TestFleet,
  repository: Repository,
  options: { app: string; version: number; rate: number },
): Promise<Sample> {
  const wanted = `version=${String(options.version)} `;
  const before = (await repository.git('rev-parse', 'HEAD')).stdout.trim();
  const after = await repository.edit('server.js', (text) => text.replace(/version=\d+ /, wanted));
  const load = await Load.start(fleet.ports.web, `${options.app}.localhost`, options.rate);
  const startedAtMs = performance.now();
  const pushed = await repository.push(options.app);
  const returnedMs = performance.now() - startedAtMs;
  if (!pushed.ok) throw new Error(pushed.text);
  const seen = await load.stop();
  const index = seen.bodies.findIndex((body) => body.startsWith(wanted));
  const builds = (await fleet.api('GET', `/apps/${options.app}/builds`)) as { timingsMs: Record<string, number> }[];
  const firstNewMs = (seen.endedAtMs[index] ?? Number.NaN) - startedAtMs;
  return {
    firstNewMs,
    returnedMs,
    lost: seen.failures.length,
    requests: seen.bodies.length + seen.failures.length,
    packBytes: await packBytes(repository, before, after),
    stages: builds[0]?.timingsMs ?? {},
  };
}

/** Size of the pack that git sends for one commit. */
async function packBytes(repository: Repository, before: string, after: string): Promise<number> {
  const result = await run({
    file: 'git',
    args: ['pack-objects', '--stdout', '--thin', '--revs', '-q'],
    cwd: repository.dir,
    stdin: `${after}\n^${before}\n`,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  return Buffer.byteLength(result.stdout, 'latin1');
}

/** Starts both daemons a second time. The first start compiles the code, which a machine does once for each version. */
async function warmUp(started: TestFleet): Promise<void> {
  await started.endAgent('SIGTERM');
  await started.endController('SIGTERM');
  await started.startController();
  await started.startAgent();
}

async function rssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1000);
}

function report(kind: AppKind, result: { first: number; samples: Sample[] }): Record<string, unknown> {
  const { samples } = result;
  const valuesOf = (pick: (sample: Sample) => number): number[] => samples.map(pick);
  const stageNames = Object.keys(samples[0]?.stages ?? {});
  const stages = Object.fromEntries(
    stageNames.map((name) => [name, Math.round(median(valuesOf((sample) => sample.stages[name] ?? 0)))]),
  );
  const moved = valuesOf(
    (sample) => sample.packBytes + (sample.stages['sourceBytes'] ?? 0) + (sample.stages['uploadedBytes'] ?? 0),
  );
  console.log(`\n(${kind}) n=${String(samples.length)}, first push ever ${String(Math.round(result.first))} ms`);
  console.log(`  push start -> first new 200   ${spread(valuesOf((sample) => sample.firstNewMs))} ms`);
  console.log(`  push start -> push returned   ${spread(valuesOf((sample) => sample.returnedMs))} ms`);
  console.log(
    `  requests lost                 ${String(valuesOf((sample) => sample.lost).reduce((a, b) => a + b, 0))} of ${String(valuesOf((sample) => sample.requests).reduce((a, b) => a + b, 0))}`,
  );
  console.log(`  bytes moved (pack+source+layers) ${spread(moved)}`);
  console.log(
    `  stages, median ms             ${Object.entries(stages)
      .map(([name, ms]) => `${name} ${String(ms)}`)
      .join(' · ')}`,
  );
  return {
    kind,
    n: samples.length,
    firstPushMs: result.first,
    firstNewMs: valuesOf((sample) => sample.firstNewMs),
    returnedMs: valuesOf((sample) => sample.returnedMs),
    lost: valuesOf((sample) => sample.lost),
    requests: valuesOf((sample) => sample.requests),
    bytesMoved: moved,
    stagesMedianMs: stages,
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    n: { type: 'string', default: '10' },
    rate: { type: 'string', default: '200' },
    sandbox: { type: 'string', default: 'lxc' },
  },
});
const kinds = (positionals.length === 0 ? ['a', 'b'] : positionals) as AppKind[];
const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
console.log(
  `${String(machine.cpus)} x ${machine.model ?? ''}, Linux ${machine.kernel}, Node ${machine.node}, sandbox ${values.sandbox}, ${values.rate} new connections a second`,
);
const fleet = await TestFleet.start({
  sandbox: values.sandbox as 'lxc' | 'nspawn' | 'process',
  egressAllow: kinds.some((kind) => kind !== 'a') ? [await registryRule()] : [],
  controller: { rollout: { settleMs: 3000, bakeMs: 1000 } },
});
try {
  await warmUp(fleet);
  const results = [];
  for (const kind of kinds)
    results.push(report(kind, await measure(fleet, kind, { n: Number(values.n), rate: Number(values.rate) })));
  const rss = { controllerMb: await rssMb(fleet.controllerPid), agentMb: await rssMb(fleet.agentPid) };
  console.log(`\nRSS: controller ${String(rss.controllerMb)} MB, agent ${String(rss.agentMb)} MB`);
  console.log(JSON.stringify({ machine, rate: Number(values.rate), results, rss }));
} finally {
  await fleet.stop();
}
