import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import { AcmeAccounts } from '../../controller/certificates/orders/accounts.ts';
import { createDriver } from '../../controller/certificates/dns/create-driver.ts';
import { DnsChallenges } from '../../controller/certificates/dns/dns-challenges.ts';
import { createChallengeLookup } from '../../controller/certificates/dns/lookup.ts';
import { RecordCleaner } from '../../controller/certificates/dns/record-cleaner.ts';
import { OrderLoop } from '../../controller/certificates/orders/order-loop.ts';
import type { IssuedCertificates, Preflight } from '../../controller/certificates/orders/steps.ts';
import { RevocationLoop } from '../../controller/certificates/revocations/revocation-loop.ts';
import type { CertificateOrder } from '../../controller/domain/orders.ts';
import { DEFAULT_TLS_SETTINGS } from '../../controller/domain/tls-settings.ts';
import type { Store } from '../../controller/store/port.ts';
import type { OrderState } from '../../shared/domain/states.ts';
import { systemClock, type Clock } from '../../shared/kit/clock.ts';
import { noFailpoint, type Failpoint } from '../../shared/kit/failpoint.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { startFaults, type AcmeFaults } from './acme-faults.ts';
import { tempDir } from './certificates.ts';
import { eventually } from './eventually.ts';
import { startPebble, type Pebble, type PebbleOptions } from './pebble.ts';
import { addApp, addUser, openMemoryStore } from './store-fixtures.ts';

const MONTH_S = 30 * 24 * 60 * 60;
const SHORT_SLEEP_MS = 10_000;

/** A wall clock that a test moves. A short sleep takes a moment and moves the clock; a long one ends by its signal only. */
export class LabClock implements Clock {
  #aheadMs = 0;

  nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  monotonicMs(): number {
    return performance.now() + this.#aheadMs;
  }

  pass(ms: number): void {
    this.#aheadMs += ms;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const isShort = ms <= SHORT_SLEEP_MS;
    await systemClock.sleep(isShort ? Math.min(ms, 20) : 2 ** 30, signal);
    if (isShort) this.pass(Math.max(0, ms - 20));
  }
}

export interface SavedCertificate {
  readonly id: string;
  readonly hostname: string;
  readonly fingerprint: string;
  readonly belongsToKey: boolean;
  /** Base64. */
  readonly publicKey: string;
}

/** The orders of a controller with a real store and a real CA, without its other parts. */
export interface OrderLab {
  readonly store: Store;
  readonly pebble: Pebble;
  readonly faults: AcmeFaults;
  readonly clock: LabClock;
  readonly saved: readonly SavedCertificate[];
  /** Folder of the programs of DNS providers. */
  readonly programsDir: string;
  /** What the checks before an order find. */
  preflight: Preflight;
  /** What the nodes say of a certificate. */
  isServed: () => boolean;
  /** Starts the loop as a controller does, with nothing in memory. @returns the function that ends it */
  start(failpoint?: Failpoint): () => void;
  /** Both loops look at once. */
  look(): void;
  /** Adds a domain and its order, and looks at once. */
  order(hostname: string): Promise<void>;
  find(hostname: string): Promise<CertificateOrder>;
  /** Waits until the order has this state. */
  reaches(hostname: string, state: OrderState): Promise<CertificateOrder>;
}

export async function makeOrderLab(t: TestContext, options: PebbleOptions = {}): Promise<OrderLab> {
  const pebble = await startPebble({ lifetimeS: MONTH_S, ...options });
  t.after(() => pebble.close());
  const faults = await startFaults(pebble);
  t.after(() => faults.close());
  const clock = new LabClock();
  const store = await openMemoryStore(clock);
  t.after(() => store.close());
  const { directoryUrl } = faults;
  const { trustedCaPem } = pebble;
  await store.setTlsSettings({ ...DEFAULT_TLS_SETTINGS, directoryUrl, trustedCaPem, termsAgreed: true });
  const app = await addApp(store, (await addUser(store)).id);
  const saved: SavedCertificate[] = [];
  const programsDir = await tempDir(t);
  let loop: OrderLoop | undefined;
  let revocations: RevocationLoop | undefined;
  const look = (): void => {
    loop?.changed();
    revocations?.changed();
  };
  const find = async (hostname: string): Promise<CertificateOrder> => {
    const order = await store.certificateOrder(hostname);
    if (order === undefined) throw new Error(`no order for ${hostname}`);
    return order;
  };
  const lab: OrderLab = {
    ...{ store, pebble, faults, clock, saved, find, look, isServed: () => true, programsDir },
    preflight: () => Promise.resolve(undefined),
    start: (failpoint = noFailpoint) => {
      const off = new AbortController();
      const accounts = new AcmeAccounts({ store, clock, signal: off.signal, userAgent: 'slipway-test' });
      const preflight: Preflight = (hostname, account) => lab.preflight(hostname, account);
      const dns = challengesOf(lab, off.signal);
      const certificates = keep(lab, saved);
      const deps = { store, accounts, certificates, preflight, dns, clock, log: silentLogger };
      const cleaner = new RecordCleaner({ store, dns, clock, failpoint, log: silentLogger });
      loop = new OrderLoop({ ...deps, random: () => 0, failpoint, onMove: () => cleaner.changed() });
      void loop.run(off.signal);
      void cleaner.run(off.signal);
      revocations = new RevocationLoop({
        ...{ store, accounts, certificates, clock, failpoint, log: silentLogger },
        onOrder: () => loop?.changed(),
      });
      void revocations.run(off.signal);
      const stop = (): void => {
        off.abort();
        void accounts.close();
      };
      t.after(stop);
      return stop;
    },
    order: async (hostname) => {
      await store.addDomain(app.id, hostname);
      await store.addCertificateOrder(hostname);
      loop?.changed();
    },
    reaches: (hostname, state) =>
      eventually(`${hostname} is ${state}`, async () => {
        loop?.changed();
        const order = await find(hostname);
        return order.state === state ? order : undefined;
      }),
  };
  await answerChallenges(t, lab);
  return lab;
}

function challengesOf({ store, pebble, programsDir }: OrderLab, signal: AbortSignal): DnsChallenges {
  return new DnsChallenges({
    store,
    lookup: createChallengeLookup({ servers: [pebble.dnsServer], signal }),
    createDriver: (provider) => createDriver(provider, { programsDir, signal }),
  });
}

function keep(lab: OrderLab, saved: SavedCertificate[]): IssuedCertificates {
  return {
    save: async ({ id, appId, hostname, chainPem, keyPem }) => {
      const leaf = new X509Certificate(chainPem);
      const fingerprint = createHash('sha256').update(leaf.raw).digest('hex');
      const publicKey = leaf.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
      const belongsToKey = leaf.checkPrivateKey(createPrivateKey(keyPem));
      saved.push({ id, hostname, fingerprint, belongsToKey, publicKey });
      const life = { notBeforeMs: Date.parse(leaf.validFrom), notAfterMs: Date.parse(leaf.validTo) };
      await lab.store.saveCertificate({
        ...{ id, appId, kind: 'acme', names: [hostname], fingerprint, ...life },
        ...{ chainPem, keyPem: new Sensitive(keyPem) },
      });
      return { fingerprint, ...life };
    },
    isServed: () => Promise.resolve(lab.isServed()),
  };
}

/** As every node does. */
async function answerChallenges(t: TestContext, { store, pebble, clock, faults }: OrderLab): Promise<void> {
  const { signal } = new AbortController();
  const thumbprint = await new AcmeAccounts({ store, clock, signal, userAgent: '' }).thumbprint(faults.directoryUrl);
  const server = createServer(({ url = '' }, answer) => {
    answer.end(`${url.split('/').at(-1) ?? ''}.${thumbprint}`);
  }).listen(pebble.httpPort, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
}
