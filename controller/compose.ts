import { KeyedQueue } from '../shared/kit/keyed-queue.ts';
import { newInstanceId } from './assignments/instance-id.ts';
import { startReaper } from './assignments/reaper.ts';
import type { AutomaticCertificates } from './certificates/orders/automatic-certificates.ts';
import { createResolver } from './certificates/preflight/resolver.ts';
import type { DnsProviders } from './certificates/dns/dns-providers.ts';
import { composeCertificates } from './compose-certificates.ts';
import { composeFleet, type FleetParts } from './compose-fleet.ts';
import {
  composeBuilds,
  composeDeploys,
  composeDestroys,
  composeReleases,
  type BuildParts,
  type ReleaseParts,
} from './compose-releases.ts';
import { CronScheduler } from './cron/scheduler.ts';
import { renewServerCertificate } from './dispatch/renew-server-certificate.ts';
import type { Basics, Foundations } from './foundations.ts';
import { createMovement } from './movement/create-movement.ts';
import { DomainOwnership } from './ownership/domain-ownership.ts';
import { AppLifetimes } from './release/app-lifetimes.ts';
import { DeployAborts } from './release/deploy-aborts.ts';
import type { Deploys } from './release/deploy.ts';
import type { Destroys } from './release/destroys.ts';

export interface Parts extends Foundations, FleetParts, BuildParts, ReleaseParts {
  readonly deploys: Deploys;
  readonly destroys: Destroys;
  readonly lifetimes: AppLifetimes;
  readonly aborts: DeployAborts;
  readonly movement: ReturnType<typeof createMovement>;
  readonly cron: CronScheduler;
  readonly automaticCertificates: AutomaticCertificates;
  readonly domainOwnership: DomainOwnership;
  readonly dnsProviders: DnsProviders;
}

/** Builds every part of the pipeline and gives each what it needs; nothing listens yet. */
export async function composePipeline(basics: Basics, foundations: Foundations): Promise<Parts> {
  const { config, clock, log, signal } = basics;
  const { store } = foundations;
  const fleetParts = await composeFleet(basics, foundations);
  const { dispatch } = fleetParts;
  const lifetimes = new AppLifetimes();
  const queue = new KeyedQueue((appId) => lifetimes.check(appId));
  const builds = await composeBuilds(basics, foundations, dispatch);
  const aborts = new DeployAborts();
  const work = { dispatch, queue, lifetimes, aborts, ...builds };
  const releases = composeReleases(basics, foundations, work);
  const deploys = composeDeploys(basics, foundations, { ...work, ...releases });
  const destroys = composeDestroys(basics, foundations, work);
  const { fleet } = dispatch;
  const { lostAfterMs } = config;
  const { commands } = dispatch;
  const movement = createMovement({ store, fleet, commands, queue, clock, log, newInstanceId, lostAfterMs, signal });
  const cron = new CronScheduler({ store, runs: releases.cronRuns, clock, log });
  const certificates = composeCertificates(basics, foundations, fleet);
  const resolver = createResolver(config.acme.dnsServers, signal);
  const domainOwnership = new DomainOwnership({ store, resolver, baseDomain: config.baseDomain });
  const parts = { deploys, destroys, lifetimes, aborts, movement, cron, ...certificates, domainOwnership };
  return { ...foundations, ...fleetParts, ...builds, ...releases, ...parts };
}

/** Starts background work that reacts to reports. Returns the function that ends it. */
export function startBackground(basics: Basics, parts: Parts): () => void {
  void renewServerCertificate(parts, basics, basics.signal);
  return startReaper({ store: parts.store, fleet: parts.dispatch.fleet, log: basics.log });
}
