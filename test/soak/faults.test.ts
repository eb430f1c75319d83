import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { helloApp, type Repository } from '../support/fleet-user.ts';
import { Load, type Seen } from '../support/load.ts';
import { Random } from '../support/random.ts';
import { CONTROLLER_FAULTS, SERVER_FAULTS, type Fault } from '../support/server-faults.ts';
import { ServerFleet } from '../support/server-fleet.ts';
import type { Server } from '../support/servers/server.ts';

const MINUTES = Number(process.env['SLIPWAY_SOAK_MINUTES'] ?? 60);
/** The same seed chooses the same faults; how they meet is up to the machine. */
const SEED = Number(process.env['SLIPWAY_SOAK_SEED'] ?? Date.now() % 1_000_000);
const RATE_PER_S = 10;
const LOST_AFTER_MS = 45_000;
/** Longest that something is off, in requests that come in meanwhile: longer than it takes to be lost. */
const LONGEST_REQUESTS = 70 * RATE_PER_S;
/** In which everything of a round begins. */
const BEGIN_REQUESTS = 4 * RATE_PER_S;
const DRAINED_REQUESTS = 20 * RATE_PER_S;
const BACK_LIMIT_MS = 150_000;
/** From the last fault until all is as wanted: a restart's longest back-off, and a move. */
const SETTLE_LIMIT_MS = 120_000;

/** Until no request goes to a server that is gone, or to an app on one. */
const NOTICED_WITHIN_S = 10;

interface Chosen {
  readonly fault: Fault;
  readonly server: Server;
  /** Both counted in requests: the load is steady, whatever the answers. */
  readonly after: number;
  readonly lasts: number;
}

interface Round {
  readonly faults: readonly Chosen[];
  readonly action: Action | undefined;
  readonly actionAfter: number;
  /** Nothing happens to this one, but a drain. */
  readonly entry: Server;
}

/** Resolves when so many more requests have come in at the server that nothing happens to. */
type Passed = (requests: number) => Promise<void>;

interface Action {
  readonly name: string;
  /** It takes instances from where they are, so that none need be left where nothing happens. */
  readonly moves?: true;
  readonly run: (round: { readonly entry: Server; readonly passed: Passed }) => Promise<unknown>;
}

describe(
  `${String(MINUTES)} minutes in which anything happens to a fleet (SLIPWAY_SOAK_SEED=${String(SEED)})`,
  { concurrency: false },
  () => {
    const random = new Random(SEED);
    const startedAtMs = performance.now();
    const versions = new Map<string, string>();
    let fleet: ServerFleet;
    let hello: Repository;
    /** What the last push said, when it was not released. */
    let unreleased: string | undefined;

    before(async () => {
      const controller = { lostAfterMs: LOST_AFTER_MS, rollout: { settleMs: 500, bakeMs: 0 } };
      fleet = await ServerFleet.start(['fra-1', 'fra-2', 'ams-1'], { controller });
      await fleet.joinAll();
      hello = await fleet.fleet.me.repository('hello', helloApp('0'));
      versions.set((await hello.git('rev-parse', 'HEAD')).stdout.trim(), '0');
      const pushed = await hello.push('hello');
      assert.ok(pushed.ok, pushed.text);
      await scale(2);
    });
    after(() => fleet.stop());

    const scale = (quantity: number): Promise<unknown> =>
      fleet.fleet.api('PATCH', '/apps/hello/formation', { updates: [{ type: 'web', quantity }] });

    async function push(files: Readonly<Record<string, string>>, version: string): Promise<void> {
      versions.set(await hello.commit(files), version);
      const { ok, text } = await hello.push('hello');
      unreleased = ok ? undefined : text;
      if (ok)
        assert.equal(
          await whenBack(() => hello.remoteRef('hello')),
          (await hello.git('rev-parse', 'HEAD')).stdout.trim(),
        );
    }

    /** The controller may be away just now. */
    function whenBack<T>(ask: () => Promise<T>): Promise<NonNullable<T>> {
      return eventually('the controller answers', () => ask().catch(() => undefined), BACK_LIMIT_MS);
    }

    const nextVersion = (): string => String(versions.size);
    const actions: readonly Action[] = [
      { name: 'push', run: () => push(helloApp(nextVersion()), nextVersion()) },
      {
        name: 'push of what does not build',
        run: () => push({ 'package.json': '{' }, 'broken'),
      },
      {
        name: 'push of what ends at once',
        run: () => push({ 'server.js': 'process.exit(3)\n' }, 'ends'),
      },
      { name: 'scale', moves: true, run: () => scaleWhenBack(random.between(2, 4)) },
      {
        name: 'drain',
        moves: true,
        run: ({ entry, passed }) => drain(entry, () => passed(random.between(0, DRAINED_REQUESTS))),
      },
    ];

    const scaleWhenBack = (count: number): Promise<unknown> => whenBack(() => scale(count).then(() => true));

    async function drain({ name }: Server, over: () => Promise<void>): Promise<void> {
      await whenBack(() => fleet.fleet.api('POST', `/nodes/${name}/drain`, { deadlineMs: 60_000 }).then(() => true));
      await over();
      await whenBack(() => fleet.fleet.api('POST', `/nodes/${name}/uncordon`).then(() => true));
    }

    function choose(): Round {
      const [entry, ...others] = [...fleet.servers.list].sort(() => random.next() - 0.5) as [Server, ...Server[]];
      const times = (): Pick<Chosen, 'after' | 'lasts'> => ({
        after: random.between(0, BEGIN_REQUESTS),
        lasts: random.between(0, LONGEST_REQUESTS),
      });
      const faults = others
        .slice(0, random.between(0, 2))
        .map((server) => ({ fault: random.pick(SERVER_FAULTS), server, ...times() }));
      if (random.chance(0.4)) faults.push({ fault: random.pick(CONTROLLER_FAULTS), server: entry, ...times() });
      const action = faults.length === 0 || random.chance(0.7) ? random.pick(actions) : undefined;
      return { faults, action, actionAfter: random.between(0, BEGIN_REQUESTS), entry };
    }

    async function happen({ faults, action, actionAfter, entry }: Round, passed: Passed): Promise<void> {
      const hit = faults.map(async ({ fault, server, after: begins, lasts }) => {
        await passed(begins);
        await fault.happen({ fleet, server, over: () => passed(lasts) });
      });
      await Promise.all([...hit, passed(actionAfter).then(() => action?.run({ entry, passed }))]);
      // What could not be released is told of until something is.
      for (let tries = 0; tries < 3 && unreleased !== undefined; tries += 1)
        await push(helloApp(nextVersion()), nextVersion());
      assert.equal(unreleased, undefined);
    }

    /** The instances that run on each machine, whatever the controller last saw. */
    async function running(): Promise<string[]> {
      const count = "systemctl list-units --plain --no-legend --state=active 'slipway-sandbox-*' | wc -l";
      const found = await Promise.all(
        fleet.servers.list.map(async (server) =>
          Array.from({ length: Number(await server.sh(count)) }, () => server.name),
        ),
      );
      return found.flat().sort();
    }

    /** What is not yet as wanted; undefined when all is. */
    async function wrong(): Promise<string | undefined> {
      const status = await fleet.fleet.slipway('status');
      if (!status.startsWith('All is well.')) return status;
      const instances = await fleet.instances('hello');
      const [known, real] = [instances.map(({ node }) => node).sort(), await running()];
      if (instances.some(({ state }) => state !== 'live') || known.join() !== real.join())
        return `${JSON.stringify(instances)} but ${real.join()}`;
      const version = versions.get((await hello.remoteRef('hello')) ?? '');
      const answers = await Promise.all(
        fleet.servers.list.map((server) => fleet.get(server, 'hello').then(({ body }) => body, String)),
      );
      return answers.every((body) => body.startsWith(`version=${String(version)} `))
        ? undefined
        : `not version ${String(version)}: ${answers.join('; ')}`;
    }

    async function settle(): Promise<void> {
      let last: string | undefined;
      const isRight = async (): Promise<boolean> => (last = await wrong().catch(String)) === undefined;
      await eventually('all is as wanted', isRight, SETTLE_LIMIT_MS).catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${String(last)}\n${await fleet.report()}`, { cause: error });
      });
    }

    const minutesIn = (): number => (performance.now() - startedAtMs) / 60_000;

    /** Failed requests of a round, by the server at which they came in. */
    async function play(round: Round, homes: readonly string[]): Promise<Readonly<Record<string, readonly string[]>>> {
      const to = (server: Server): Promise<Load> =>
        Load.at({ address: server.address, port: 80, host: 'hello.localhost' }, RATE_PER_S);
      const loads = await Promise.all(fleet.servers.list.map(to));
      const stop = (): Promise<readonly Seen[]> => Promise.all(loads.map((load) => load.stop()));
      const [entryLoad] = loads.filter((_, at) => fleet.servers.list[at] === round.entry) as [Load];
      const passed: Passed = (requests) => {
        const until = entryLoad.count + requests;
        return entryLoad.until(() => entryLoad.count >= until, BACK_LIMIT_MS);
      };
      let overAtMs = 0;
      await happen(round, passed)
        .then(() => (overAtMs = performance.now()))
        .then(settle)
        .finally(stop);
      const [settledMs, seen] = [performance.now() - overAtMs, await stop()];
      const failed = Object.fromEntries(fleet.servers.list.map(({ name }, at) => [name, seen[at]?.failures ?? []]));
      say(
        round,
        `${String(homes.length)} on ${[...new Set(homes)].join(', ')}; right after ${(settledMs / 1000).toFixed(1)} s`,
        seen,
      );
      return failed;
    }

    function say({ faults, action }: Round, outcome: string, seen: readonly Seen[]): void {
      const what = faults.map(
        ({ fault, server, lasts }) => `${fault.name} (${server.name}, ${(lasts / RATE_PER_S).toFixed(0)} s)`,
      );
      const names = [...what, ...(action === undefined ? [] : [action.name])].join(' + ');
      const [answered, failed] = [
        seen.flatMap(({ bodies }) => bodies).length,
        seen.map(({ failures }) => failures.length),
      ];
      console.log(
        `    ${minutesIn().toFixed(1)} min: ${names}: ${outcome}, ${String(answered)} requests, failed ${failed.join('/')}`,
      );
    }

    /** How many requests may have failed at each server. */
    function allowances({ faults, action }: Round, homes: readonly string[]): ReadonlyMap<string, number> {
      const hit = new Set(faults.flatMap(({ fault, server }) => (fault.spares === 'all' ? [] : [server.name])));
      const isHarsh = faults.some(({ fault }) => fault.spares === 'none');
      const mayMove = action?.moves === true || homes.every((name) => hit.has(name));
      const elsewhere = isHarsh ? (mayMove ? Infinity : NOTICED_WITHIN_S * RATE_PER_S) : 0;
      return new Map(fleet.servers.list.map(({ name }) => [name, hit.has(name) ? Infinity : elsewhere]));
    }

    it('all is as wanted after each of them, and they cost no request, or few, where an instance is left', async () => {
      while (minutesIn() < MINUTES) {
        const round = choose();
        const homes = (await fleet.instances('hello')).map(({ node }) => node).sort();
        const failed = await play(round, homes);
        for (const [name, allowed] of allowances(round, homes))
          assert.ok(
            (failed[name] ?? []).length <= allowed,
            `${name}: more than ${String(allowed)} failed: ${String(failed[name])}`,
          );
      }
    });
  },
);
