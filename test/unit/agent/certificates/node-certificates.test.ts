import assert from 'node:assert/strict';
import { chmod, readdir, rm, truncate } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { CertificateFiles } from '../../../../agent/certificates/certificate-files.ts';
import { NodeCertificates, type NodeCertificatesDeps } from '../../../../agent/certificates/node-certificates.ts';
import type { FleetCertificate, FleetRoutes, MeshPeer } from '../../../../shared/domain/fleet-routes.ts';
import type { Reason } from '../../../../shared/domain/instance.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import type { CertificatesServed } from '../../../../shared/rpc/messages.ts';
import { tempDir } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { aPeer, aTable } from '../../../support/fleet-routes.ts';
import { aServedCertificate, type Served } from '../../../support/web-certificates.ts';

type Report = Omit<CertificatesServed, 'kind'>;

interface Lab {
  readonly dir: string;
  readonly files: CertificateFiles;
  /** What the controller answers, by fingerprint. */
  readonly answers: Map<string, string>;
  readonly asked: string[];
  readonly reports: Report[];
  readonly told: Reason[];
  /** Ids and fingerprints at each apply. */
  readonly applied: string[];
  readonly certificates: NodeCertificates;
  follow(version: number, ...certificates: readonly FleetCertificate[]): void;
}

async function openLab(t: TestContext, at?: string, change: Partial<NodeCertificatesDeps> = {}): Promise<Lab> {
  const dir = at ?? (await tempDir(t));
  const files = new CertificateFiles(dir);
  const [answers, asked, reports, told, applied] = [new Map<string, string>(), [], [], [], []] as [
    Map<string, string>,
    string[],
    Report[],
    Reason[],
    string[],
  ];
  const certificates = new NodeCertificates({
    ...{ answersHttps: true, nodeId: 'node000000aa', files },
    transport: {
      certificate: ({ fingerprint }) => {
        asked.push(fingerprint);
        const pem = answers.get(fingerprint);
        if (pem !== undefined) return Promise.resolve(pem);
        throw new SlipwayError({ code: 'SLIP_CONTROLLER_UNREACHABLE', kind: 'transient', message: 'No answer.' });
      },
    },
    apply: () => {
      applied.push(
        certificates
          .usable()
          .map(({ id, fingerprint }) => `${id} ${fingerprint.slice(0, 6)}`)
          .join(),
      );
      return Promise.resolve();
    },
    unserved: () => Promise.resolve([]),
    report: (report) => reports.push(report),
    tell: (reason) => told.push(reason),
    failpoint: noFailpoint,
    clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 2), signal) },
    random: () => 0,
    log: silentLogger,
    ...change,
  });
  t.after(() => certificates.stop());
  return {
    ...{ dir, files, answers, asked, reports, told, applied, certificates },
    follow: (version, ...list) => certificates.follow(aTable(version, { certificates: list })),
  };
}

function offer({ answers }: Lab, { certificate, pem }: Served): void {
  answers.set(certificate.fingerprint, pem);
}

describe('the certificates of a node that ends to answer HTTPS', () => {
  it('are removed at once, also at a start and while the proxy does not run, and fetched again later', async (t) => {
    const lab = await openLab(t);
    const { certificates, reports, dir } = lab;
    const shop = await aServedCertificate('shop');
    offer(lab, shop);
    await certificates.open(undefined);
    const table = (version: number, plain: Pick<MeshPeer, 'plainOnly'>): FleetRoutes =>
      aTable(version, { peers: [{ ...aPeer('aa'), ...plain }], certificates: [shop.certificate] });
    certificates.follow(table(2, {}));
    await eventually('the file', async () => (await readdir(dir)).length === 1);
    await eventually('the report', () => Promise.resolve(reports.at(-1)?.version === 2));
    certificates.follow(table(3, { plainOnly: true }));
    assert.deepEqual(certificates.usable(), []);
    await eventually('no file', async () => (await readdir(dir)).length === 0);
    certificates.follow(table(4, {}));
    await eventually('the file again', async () => (await readdir(dir)).length === 1);
    await certificates.stop();
    const restarted = await openLab(t, dir, { apply: () => new Promise(() => undefined) });
    await restarted.certificates.open(table(5, { plainOnly: true }));
    await eventually('no file after a start', async () => (await readdir(dir)).length === 0);
    assert.deepEqual(restarted.certificates.usable(), []);
  });
});

describe('the certificates of a node', () => {
  it('are fetched, used, reported, and removed when the table does not name them any more', async (t) => {
    const lab = await openLab(t);
    const { certificates, reports } = lab;
    const shop = await aServedCertificate('shop');
    offer(lab, shop);
    await certificates.open(undefined);
    lab.follow(2, shop.certificate);
    await eventually('a report', () => reports.length > 0);
    assert.deepEqual(reports, [{ version: 2, unserved: [] }]);
    assert.deepEqual(certificates.usable(), [{ ...shop.certificate, pemFile: lab.files.pathOf(shop.certificate) }]);
    assert.equal(lab.applied.at(-1), `${shop.certificate.id} ${shop.certificate.fingerprint.slice(0, 6)}`);
    lab.follow(3);
    assert.deepEqual(certificates.usable(), [], 'at once, so that the new routes never have it');
    await eventually('the report', () => reports.length === 2);
    assert.deepEqual(await readdir(lab.dir), []);
    assert.deepEqual(lab.asked, [shop.certificate.fingerprint]);
  });

  it('are not fetched and reported again for a table that changes only other things, but in a new session', async (t) => {
    const lab = await openLab(t);
    const shop = await aServedCertificate('shop');
    offer(lab, shop);
    await lab.certificates.open(undefined);
    lab.follow(2, shop.certificate);
    await eventually('a report', () => lab.reports.length === 1);
    lab.follow(3, shop.certificate);
    lab.certificates.sessionStarted();
    lab.follow(4, shop.certificate);
    await eventually('another report', () => lab.reports.length === 2);
    assert.deepEqual([lab.reports.at(-1)?.version, lab.asked.length], [4, 1]);
  });

  it('serve the former one while the controller is away, and say so; then the new one', async (t) => {
    const lab = await openLab(t);
    const [before, after] = [await aServedCertificate('shop'), await aServedCertificate('shop')];
    offer(lab, before);
    await lab.certificates.open(undefined);
    lab.follow(2, before.certificate);
    await eventually('a report', () => lab.reports.length === 1);
    lab.follow(3, after.certificate);
    await eventually(
      'a second attempt',
      () => lab.asked.filter((one) => one === after.certificate.fingerprint).length > 1,
    );
    const [unserved] = lab.reports.at(-1)?.unserved ?? [];
    assert.deepEqual(
      [unserved?.id, unserved?.servedFingerprint, unserved?.reason.code],
      [after.certificate.id, before.certificate.fingerprint, 'SLIP_CONTROLLER_UNREACHABLE'],
    );
    assert.equal(lab.certificates.usable()[0]?.fingerprint, before.certificate.fingerprint);
    offer(lab, after);
    await eventually('the new one', () => lab.reports.at(-1)?.unserved.length === 0);
    assert.equal(lab.certificates.usable()[0]?.fingerprint, after.certificate.fingerprint);
    assert.equal((await readdir(lab.dir)).length, 1);
  });

  it('do not use an answer that is another certificate', async (t) => {
    const lab = await openLab(t);
    const [shop, other] = [await aServedCertificate('shop'), await aServedCertificate('blog')];
    lab.answers.set(shop.certificate.fingerprint, other.pem);
    await lab.certificates.open(undefined);
    lab.follow(2, shop.certificate);
    await eventually('a report', () => lab.reports.length > 0);
    assert.match(
      lab.reports[0]?.unserved[0]?.reason.message ?? '',
      /is not the certificate: it has another certificate/,
    );
    assert.deepEqual([lab.certificates.usable(), await readdir(lab.dir)], [[], []]);
  });

  it('are neither kept nor fetched when the proxy answers no HTTPS', async (t) => {
    const lab = await openLab(t);
    const shop = await aServedCertificate('shop');
    await lab.files.write(shop.certificate, shop.pem);
    const next = await openLab(t, lab.dir, { answersHttps: false });
    await next.certificates.open(aTable(2, { certificates: [shop.certificate] }));
    next.follow(3, shop.certificate);
    assert.deepEqual([await readdir(lab.dir), next.certificates.usable(), next.asked], [[], [], []]);
  });

  it('report what the proxy does not serve', async (t) => {
    const shop = await aServedCertificate('shop');
    const unserved = (): Promise<{ id: string; reason: string }[]> =>
      Promise.resolve([{ id: shop.certificate.id, reason: 'another program has port 443' }]);
    const lab = await openLab(t, undefined, { unserved });
    offer(lab, shop);
    await lab.certificates.open(undefined);
    lab.follow(2, shop.certificate);
    await eventually('a report', () => lab.reports.length > 0);
    const [problem] = lab.reports[0]?.unserved ?? [];
    assert.equal(problem?.reason.code, 'SLIP_CERT_PROXY');
    assert.match(problem.reason.message, /another program has port 443\.$/);
  });
});

describe('the certificates of a node after a restart without its controller', () => {
  it('are the former ones when the agent was killed before it had the file of a renewal', async (t) => {
    const first = await openLab(t);
    const [before, after] = [await aServedCertificate('shop'), await aServedCertificate('shop')];
    await first.files.write(before.certificate, before.pem);
    await first.certificates.open(aTable(2, { certificates: [after.certificate] }));
    assert.deepEqual(first.certificates.usable(), [
      { ...before.certificate, pemFile: first.files.pathOf(before.certificate) },
    ]);
    offer(first, after);
    first.follow(3, after.certificate);
    await eventually(
      'the new one',
      () => first.certificates.usable()[0]?.fingerprint === after.certificate.fingerprint,
    );
    await eventually('no former file', async () => (await readdir(first.dir)).length === 1);
  });

  it('are those with a right file; a truncated, deleted or open file keeps only its own name from being served', async (t) => {
    const first = await openLab(t);
    const served = await Promise.all(['good', 'cut', 'gone', 'open'].map((name) => aServedCertificate(name)));
    for (const one of served) offer(first, one);
    await first.certificates.open(undefined);
    const table = aTable(2, { certificates: served.map(({ certificate }) => certificate) });
    first.certificates.follow(table);
    await eventually('a report', () => first.reports.length === 1);
    await first.certificates.stop();
    const [good, cut, gone, open] = served.map(({ certificate }) => certificate) as [
      FleetCertificate,
      FleetCertificate,
      FleetCertificate,
      FleetCertificate,
    ];
    await truncate(first.files.pathOf(cut), 300);
    await rm(first.files.pathOf(gone));
    await chmod(first.files.pathOf(open), 0o644);
    const next = await openLab(t, first.dir);
    await next.certificates.open(table);
    assert.deepEqual(
      next.certificates.usable().map(({ id }) => id),
      [good.id],
    );
    for (const one of served) offer(next, one);
    next.certificates.follow(aTable(3, { certificates: table.certificates }));
    const paths = [cut, open].map((one) => next.files.pathOf(one));
    for (const path of paths)
      assert.ok(
        next.told.some(({ message }) => message.includes(path)),
        path,
      );
    assert.equal(next.told.length, 2);
    await eventually('all of them', () => next.reports.at(-1)?.unserved.length === 0);
    assert.equal(next.certificates.usable().length, 4);
    assert.ok(!next.asked.includes(good.fingerprint));
  });
});
