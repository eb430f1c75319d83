import { join } from 'node:path';
import { z } from 'zod';
import { routesDigest, withUpdate, type FleetRoutes, type RoutesUpdate } from '../../shared/domain/fleet-routes.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { fleetRoutes } from '../../shared/rpc/fleet-routes-codec.ts';
import { OLDER_CONTROLLER_HINT } from './older-controller.ts';

const FILE = 'routes.json';
const VERSION = 1;

/** The fleet's route table as last accepted, on disk beside the ledger: with it requests find their way while the controller is away. */
export interface FleetLedger {
  /** Reads the file once at start. A damaged one counts as none: the controller sends the whole table again. */
  load(): Promise<FleetRoutes | undefined>;
  current(): FleetRoutes | undefined;
  /** Resolves with the reason of a refusal. @throws SLIP_LEDGER_WRITE */
  accept(update: RoutesUpdate): Promise<Reason | undefined>;
}

export function createFleetLedger(deps: { readonly stateDir: string; readonly logger: Logger }): FleetLedger {
  const path = join(deps.stateDir, FILE);
  let held: FleetRoutes | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function acceptNow(update: RoutesUpdate): Promise<Reason | undefined> {
    const refusal = refuseRoutes(held, update);
    if (refusal !== undefined) return refusal;
    const next = held === undefined ? withUpdate(update, { ...update, baseVersion: 0 }) : withUpdate(held, update);
    if (JSON.stringify(next) !== JSON.stringify(held)) await write(deps.stateDir, path, next);
    held = next;
    return undefined;
  }

  return {
    load: async () => {
      held = await read(path, deps.logger);
      return held;
    },
    current: () => held,
    accept: (update) => {
      const turn = last.then(() => acceptNow(update));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** Whether an agent may take over a change of the route table, given the one it has. Pure. */
export function refuseRoutes(held: FleetRoutes | undefined, update: RoutesUpdate): Reason | undefined {
  if (held === undefined)
    return update.baseVersion === 0 && update.sameAs === undefined ? undefined : gap(undefined, update);
  if (update.sameAs !== undefined && update.sameAs !== routesDigest(held)) return gap(held.version, update);
  return refuseEpoch(held, update) ?? refuseVersion(held, update);
}

function refuseEpoch(held: FleetRoutes, { epoch }: RoutesUpdate): Reason | undefined {
  if (epoch.counter < held.epoch.counter) {
    return {
      code: 'SLIP_ROUTES_OLD_EPOCH',
      message: `The controller is in life ${String(epoch.counter)}, but this node has the routes of life ${String(held.epoch.counter)}.`,
      hint: OLDER_CONTROLLER_HINT,
    };
  }
  if (epoch.counter > held.epoch.counter || epoch.id === held.epoch.id) return undefined;
  return {
    code: 'SLIP_ROUTES_OTHER_CONTROLLER',
    message: 'Two controllers with the same history are running: this node keeps the routes of the one it heard first.',
    hint: 'Stop the copy; then restart the controller that shall stay.',
  };
}

function refuseVersion(held: FleetRoutes, update: RoutesUpdate): Reason | undefined {
  const sameLife = held.epoch.counter === update.epoch.counter;
  if (update.baseVersion !== 0 && !(sameLife && held.version === update.baseVersion))
    return gap(sameLife ? held.version : undefined, update);
  if (!sameLife || update.version >= held.version) return undefined;
  return {
    code: 'SLIP_ROUTES_OLD_VERSION',
    message: `The controller sent route table ${String(update.version)}, but this node has ${String(held.version)}.`,
    hint: 'Check that only one controller uses this database: `slipway status`.',
  };
}

function gap(version: number | undefined, { baseVersion }: RoutesUpdate): Reason {
  return {
    code: 'SLIP_ROUTES_GAP',
    message: `The controller sent a change of route table ${String(baseVersion)}, but this node has ${version === undefined ? 'none' : String(version)}.`,
    hint: 'It is sent the whole table now, by itself.',
  };
}

async function read(path: string, logger: Logger): Promise<FleetRoutes | undefined> {
  const text = await readFileIfExists(path);
  if (text === undefined) return undefined;
  try {
    return z.object({ version: z.literal(VERSION), routes: fleetRoutes }).parse(JSON.parse(text)).routes;
  } catch {
    logger.error({ path }, 'routes.ledger_damaged');
    return undefined;
  }
}

async function write(stateDir: string, path: string, routes: FleetRoutes): Promise<void> {
  try {
    await ensureDir(stateDir, 0o700);
    await writeFileAtomic(path, `${JSON.stringify({ version: VERSION, routes })}\n`, 0o600);
  } catch (cause) {
    throw new SlipwayError({
      code: 'SLIP_LEDGER_WRITE',
      kind: 'transient',
      message: `The agent could not write ${path}; it goes on with what it accepted before.`,
      hint: `Check the free space and the rights of ${stateDir}.`,
      cause,
    });
  }
}
