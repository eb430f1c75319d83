/**
 * Measures the memory of both daemons: the agent as on a node (bundled, with the settings of its unit), and the controller.
 *
 *   node bench/memory.ts [--n 3] [--pushes 20] [--idle 15] [--sandbox lxc]
 *
 * Each round restarts the agent, waits, measures, pushes, waits, and measures again. Prints a table and, as the last line, JSON.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bundleAgent } from '../script/bundle/agent.ts';
import { run, runOk, start } from '../shared/kit/exec.ts';
import { PRODUCT_DIR, TestFleet } from '../test/support/fleet.ts';
import { helloApp } from '../test/support/fleet-user.ts';

interface Held {
  readonly rssMb: number;
  /** Pages that several processes share are divided among them. */
  readonly pssMb: number;
  /** Pages of this process only, which are free when it ends. */
  readonly privateMb: number;
}

async function held(pid: number): Promise<Held> {
  const text = await readFile(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
  const mb = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN) / 1000;
  return { rssMb: mb('Rss'), pssMb: mb('Pss'), privateMb: mb('Private_Clean') + mb('Private_Dirty') };
}

interface Settings {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The variables of the unit, so that the bench measures an installed agent. */
async function unitSettings(cacheDir: string): Promise<Settings> {
  const unit = await readFile(join(PRODUCT_DIR, 'packaging', 'slipway-agent.service'), 'utf8');
  const flags = /^ExecStart=\S+ ((?:--\S+ )*)/m.exec(unit)?.[1]?.trim() ?? '';
  const words = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) => [
    ...line.matchAll(/"([^"]*)"|(\S+)/g),
  ]);
  const entries = words.map(
    ([, quoted, plain]) => (quoted ?? plain ?? '').split(/=(.*)/s).slice(0, 2) as [string, string],
  );
  return {
    flags: flags === '' ? [] : flags.split(' '),
    env: { ...Object.fromEntries(entries), NODE_COMPILE_CACHE: cacheDir },
  };
}

async function unpackBundle(dir: string): Promise<string> {
  const archive = await bundleAgent(dir);
  const root = join(dir, 'agent');
  await mkdir(root);
  await runOk(run, { file: 'tar', args: ['-xzf', archive, '-C', root] });
  return join(root, 'agent', 'main.mjs');
}

interface Round {
  readonly idle: Held;
  readonly afterPushes: Held;
  readonly controller: Held;
}

async function round(
  fleet: TestFleet,
  main: string,
  options: Settings & { pushes: number; idleMs: number },
): Promise<Round> {
  const args = [...options.flags, main, 'run', '--config', join(fleet.dir, 'agent.json')];
  const agent = start(
    { file: process.execPath, args, env: { PATH: process.env['PATH'] ?? '', ...options.env } },
    'ignore',
  );
  const pid = agent.pid ?? 0;
  await fleet.untilConnected();
  await delay(options.idleMs);
  const idle = await held(pid);
  const repository = await fleet.me.repository('hello', helloApp(String(Date.now())));
  for (let count = 0; count < options.pushes; count += 1) {
    await repository.commit({ 'changed.txt': String(process.hrtime.bigint()) });
    const pushed = await repository.push('hello', '+HEAD:main');
    if (!pushed.ok) throw new Error(pushed.text);
  }
  await delay(options.idleMs);
  const result = { idle, afterPushes: await held(pid), controller: await held(fleet.controllerPid) };
  const gone = new Promise((resolve) => agent.once('exit', resolve));
  agent.kill('SIGTERM');
  await gone;
  return result;
}

function line(name: string, values: readonly Held[]): string {
  const median = (pick: (held: Held) => number): string =>
    values
      .map(pick)
      .sort((a, b) => a - b)
      [values.length >> 1]?.toFixed(1) ?? '';
  const all = values.map(({ rssMb }) => rssMb.toFixed(1)).join(' ');
  return `${name.padEnd(24)} RSS ${median((held) => held.rssMb)} (${all})  PSS ${median((held) => held.pssMb)}  private ${median((held) => held.privateMb)} MB`;
}

const options = { n: '3', pushes: '20', idle: '15', sandbox: 'lxc' };
const { values } = parseArgs({
  options: Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, { type: 'string' as const, default: value }]),
  ),
});
const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
const dir = await mkdtemp(join(tmpdir(), 'slipway-memory-'));
const sandbox = values['sandbox'] as 'lxc' | 'nspawn' | 'process';
const fleet = await TestFleet.start({ sandbox, controller: { rollout: { settleMs: 200, bakeMs: 200 } } });
try {
  const main = await unpackBundle(dir);
  const settings = await unitSettings(join(dir, 'code'));
  const rounds: Round[] = [];
  await fleet.endAgent('SIGTERM');
  const options = { ...settings, pushes: Number(values['pushes']), idleMs: Number(values['idle']) * 1000 };
  await round(fleet, main, { ...options, pushes: 1, idleMs: 0 }); // the first start compiles the code, which a machine does once for each version
  for (let count = 0; count < Number(values['n']); count += 1) rounds.push(await round(fleet, main, options));
  console.log(
    `${String(machine.cpus)} x ${machine.model ?? ''}, Linux ${machine.kernel}, Node ${machine.node}, n=${values['n'] ?? ''}`,
  );
  console.log(
    line(
      'agent, idle',
      rounds.map(({ idle }) => idle),
    ),
  );
  console.log(
    line(
      `agent, ${values['pushes'] ?? ''} pushes later`,
      rounds.map(({ afterPushes }) => afterPushes),
    ),
  );
  console.log(
    line(
      'controller',
      rounds.map(({ controller }) => controller),
    ),
  );
  console.log(JSON.stringify({ machine, ...settings, rounds }));
} finally {
  await fleet.stop();
  await rm(dir, { recursive: true, force: true });
}
