/**
 * Measures the effect of a hostile app on another app: its response times, the connection of the agent, and a push, under each bomb.
 *
 *   node bench/neighbour.ts [BOMB…] [--sandbox lxc|nspawn] [--seconds 15] [--rate 100] [--machine-wide]
 *
 * Real parts on this machine: git over SSH, controller, agent, sandboxes, HAProxy. Every bomb has a limit of count and time
 * (bench/neighbour-bombs.ts). Bombs that exhaust a table of the whole machine (arp, pids, aio) run only with --machine-wide. Use a
 * virtual machine that may break: such a bomb stops the network and the processes of everything on the machine.
 * Measure on an idle machine. "none" is the run without a bomb. Prints a table and, as the last line, JSON.
 */
import { get } from 'node:http';
import { cpus, release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { TestFleet } from '../test/support/fleet.ts';
import { helloApp, type Repository } from '../test/support/fleet-user.ts';
import { bombApp, BOMBS, type Bomb } from './neighbour-bombs.ts';

interface Options {
  readonly sandbox: 'lxc' | 'nspawn';
  readonly seconds: number;
  readonly rate: number;
}

interface Result {
  readonly bomb: string;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The number of polls at which the agent was not connected to the controller. */
  readonly agentAway: number;
  /** The longest response time of the controller for its list of nodes. */
  readonly apiMs: number;
  readonly pushMs: number;
  readonly pushOk: boolean;
}

interface Answers {
  readonly tookMs: number[];
  failed: number;
}

const HEARTBEAT_PAUSE_MS = 250;
const REQUEST_TIMEOUT_MS = 10_000;
/** A push may be slow, especially on an emulated machine. Its time is a result of the bench. */
const PATIENCE_MS = 240_000;

/** Sends requests at a fixed rate and does not wait for answers, so that slow answers do not reduce the load. */
function askSteadily(port: number, { rate }: Options): { readonly answers: Answers; stop(): Promise<void> } {
  const answers: Answers = { tookMs: [], failed: 0 };
  let open = 0;
  const ask = (): void => {
    open += 1;
    const askedAtMs = performance.now();
    const failed = (): void => {
      open -= 1;
      answers.failed += 1;
    };
    const request = get(
      { host: '127.0.0.1', port, headers: { host: 'neighbour.localhost' }, agent: false },
      (response) => {
        response.resume();
        response.on('end', () => {
          if (response.statusCode !== 200) {
            failed();
            return;
          }
          open -= 1;
          answers.tookMs.push(performance.now() - askedAtMs);
        });
      },
    );
    request.setTimeout(REQUEST_TIMEOUT_MS, () => request.destroy(new Error('no answer')));
    request.on('error', failed);
  };
  const timer = setInterval(ask, 1000 / rate);
  return {
    answers,
    async stop() {
      clearInterval(timer);
      while (open > 0) await delay(20);
    },
  };
}

/** Polls the nodes of the controller until `signal` is aborted. */
async function watchAgent(fleet: TestFleet, signal: AbortSignal): Promise<{ away: number; slowestMs: number }> {
  const seen = { away: 0, slowestMs: 0 };
  while (!signal.aborted) {
    const askedAtMs = performance.now();
    const nodes = (await fleet.api('GET', '/nodes').catch(() => [])) as
      { connected: boolean }[] | { nodes: { connected: boolean }[] };
    const list = Array.isArray(nodes) ? nodes : nodes.nodes;
    if (!list.some((node) => node.connected)) seen.away += 1;
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - askedAtMs);
    await delay(HEARTBEAT_PAUSE_MS);
  }
  return seen;
}

interface Stage {
  readonly fleet: TestFleet;
  readonly own: Repository;
  readonly options: Options;
}

async function measure({ fleet, own, options }: Stage, bomb: Bomb): Promise<Result> {
  const untilMs = performance.now() + options.seconds * 1000;
  const ended = new AbortController();
  const load = askSteadily(fleet.ports.web, options);
  const agent = watchAgent(fleet, ended.signal);
  const attack = explode(fleet, bomb, options).catch(() => undefined); // the answer for the hostile app is no result
  await own.edit('server.js', (text) => `${text}// ${bomb.name}\n`);
  const pushedAtMs = performance.now();
  const pushed = await own.push('own');
  const pushMs = performance.now() - pushedAtMs;
  await delay(Math.max(0, untilMs - performance.now()));
  await load.stop();
  ended.abort();
  const { away, slowestMs } = await agent;
  await attack;
  const sorted = load.answers.tookMs.toSorted((a, b) => a - b);
  const part = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    bomb: bomb.name,
    requests: sorted.length + load.answers.failed,
    failed: load.answers.failed,
    p50Ms: part(0.5),
    p99Ms: part(0.99),
    agentAway: away,
    apiMs: slowestMs,
    pushMs,
    pushOk: pushed.ok,
  };
}

const SCALE_ROUNDS = 5;

/** Resolves when the attack is over or the app does not answer. */
async function explode(fleet: TestFleet, bomb: Bomb, { seconds }: Options): Promise<void> {
  if (bomb.perl !== undefined) {
    await new Promise<void>((resolve) => {
      const path = `/${bomb.name}/${String(seconds)}`;
      get(
        { host: '127.0.0.1', port: fleet.ports.web, path, headers: { host: 'bomb.localhost' }, agent: false },
        (response) => {
          response.resume().on('close', resolve);
        },
      ).on('error', () => resolve());
    });
  } else if (bomb.push !== undefined) {
    const repository = await fleet.me.repository(`bomb-${bomb.name}`, bomb.push);
    await repository.push(`bomb-${bomb.name}`);
  } else {
    for (let round = 0; round < SCALE_ROUNDS; round += 1) {
      for (const quantity of [4, 1]) {
        const body = { updates: [{ type: 'web', quantity }] };
        await fleet.api('PATCH', '/apps/bomb/formation', body).catch(() => undefined);
      }
    }
  }
}

function print(results: readonly Result[]): void {
  const rows = results.map((result) => ({
    bomb: result.bomb,
    'p50 ms': result.p50Ms.toFixed(1),
    'p99 ms': result.p99Ms.toFixed(1),
    failed: `${String(result.failed)} of ${String(result.requests)}`,
    'agent away': result.agentAway,
    'api ms': result.apiMs.toFixed(0),
    'push ms': `${result.pushMs.toFixed(0)}${result.pushOk ? '' : ' FAILED'}`,
  }));
  console.table(rows);
}

function chosenBombs(names: readonly string[], machineWide: boolean): readonly Bomb[] {
  const unknown = names.filter((name) => !BOMBS.some((bomb) => bomb.name === name));
  if (unknown.length > 0)
    throw new Error(`no such bomb: ${unknown.join(', ')}. There are: ${BOMBS.map(({ name }) => name).join(', ')}`);
  const refused = BOMBS.filter((bomb) => names.includes(bomb.name) && bomb.machineWide === true && !machineWide);
  if (refused.length > 0) {
    const list = refused.map(({ name }) => name).join(', ');
    throw new Error(
      `${list} would take a table of this whole machine: run it in a virtual machine, with --machine-wide`,
    );
  }
  return BOMBS.filter(({ name, machineWide: wide }) =>
    names.length === 0 ? machineWide || wide !== true : names.includes(name),
  );
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sandbox: { type: 'string', default: 'lxc' },
      seconds: { type: 'string', default: '15' },
      rate: { type: 'string', default: '100' },
      'machine-wide': { type: 'boolean', default: false },
    },
  });
  const bombs = chosenBombs(positionals, values['machine-wide']);
  const sandbox = values.sandbox === 'nspawn' ? 'nspawn' : 'lxc';
  const options: Options = { sandbox, seconds: Number(values.seconds), rate: Number(values.rate) };
  const fleet = await TestFleet.start({
    sandbox,
    controller: { rollout: { startTimeoutMs: PATIENCE_MS } },
    agent: { gateTimeoutMs: PATIENCE_MS },
  });
  try {
    const neighbour = await fleet.me.repository('neighbour', helloApp('1'));
    const own = await fleet.me.repository('own', helloApp('1'));
    const bomb = await fleet.me.repository('bomb', bombApp());
    for (const [name, repository] of Object.entries({ neighbour, own, bomb })) {
      const pushed = await repository.push(name);
      if (!pushed.ok) throw new Error(pushed.text);
    }
    const results: Result[] = [];
    for (const each of bombs) {
      const result = await measure({ fleet, own, options }, each);
      process.stderr.write(`${JSON.stringify(result)}\n`);
      results.push(result);
    }
    print(results);
    console.log(JSON.stringify({ machine: { cpus: cpus().length, kernel: release() }, options, results }));
  } finally {
    await fleet.stop();
  }
}

await main();
