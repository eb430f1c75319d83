import { join } from 'node:path';
import type { Epoch } from '../shared/domain/assignment.ts';
import type { Reason } from '../shared/domain/instance.ts';
import { run } from '../shared/kit/exec.ts';
import { randomId } from '../shared/kit/random-id.ts';
import { createDispatch, type Dispatch } from './dispatch/create-dispatch.ts';
import { PRODUCT_DIR, type Basics, type Foundations } from './foundations.ts';
import { createPrograms, type Programs } from './install/programs.ts';
import { Upgrades } from './install/upgrades.ts';
import { FleetObserver } from './observe/instance-events.ts';
import { createNodeEventSink } from './observe/node-events.ts';

export interface FleetParts {
  readonly dispatch: Dispatch;
  readonly programs: Programs;
  readonly upgrades: Upgrades;
}

/** The sessions with the agents, the programs that they run, and their upgrades. */
export async function composeFleet(basics: Basics, foundations: Foundations): Promise<FleetParts> {
  const { clock, log, signal } = basics;
  const { store } = foundations;
  const listener: { upgrades?: Upgrades } = {};
  const dispatch = await composeDispatch(basics, foundations, (node, reason) => listener.upgrades?.heard(node, reason));
  const programs = composePrograms(basics);
  const upgrades = new Upgrades({
    fleet: dispatch.fleet,
    programs,
    store,
    send: (node, version) => dispatch.upgrade(node, version),
    clock,
    log,
    signal,
  });
  listener.upgrades = upgrades;
  return { dispatch, programs, upgrades };
}

async function composeDispatch(
  basics: Basics,
  { store, authority }: Foundations,
  hear: (node: string, reason: Reason) => void,
): Promise<Dispatch> {
  const { config, clock, log, failpoint } = basics;
  const credential = await authority.serverCredential();
  const epoch: Epoch = await store.newEpoch(randomId());
  const note = createNodeEventSink({ store, clock, log });
  return createDispatch(
    {
      epoch,
      baseDomain: config.baseDomain,
      tls: { key: credential.keyPem, certificate: credential.certificatePem, ca: authority.caPem },
      listenAddress: `${config.agents.host}:${String(config.agents.port)}`,
    },
    {
      store,
      clock,
      logger: log,
      randomId,
      failpoint,
      onNodeEvent: (node, event) => {
        note(node, event);
        hear(node.name, event.reason);
      },
      observer: new FleetObserver({ store, clock, log }),
    },
  );
}

function composePrograms({ config, log, env }: Basics): Programs {
  const dir = config.programsDir ?? join(config.stateDir, 'programs');
  return createPrograms({ productDir: PRODUCT_DIR, dir, env }, { run, log });
}
