import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHaproxy } from '../agent/proxy/haproxy/haproxy.ts';
import type { EdgeCertificate } from '../agent/certificates/port.ts';
import type { Proxy } from '../agent/proxy/port.ts';
import type { AppName } from '../shared/domain/names.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { run, start } from '../shared/kit/exec.ts';
import { silentLogger } from '../shared/kit/log.ts';
import { makeEdgeCa } from '../test/support/edge-certificates.ts';

// Compares HAProxy as Slipway runs it with a hand-made HAProxy in front of one Node web process, and measures a switch:
// `node bench/proxy.ts [seconds] [rounds]`. Prints JSON, then tables. Needs haproxy, wrk and s6-log.
// The variants take turns, so that a busy machine affects all of them, and each ratio belongs to one round. `cpuUs` is the CPU time
// of haproxy for one request, which hardly depends on the load of the machine. Ratios compare with the hand-made variant that does the
// same: log, headers, a map of host names. The other variants show the cost of each of these. The tables of HTTPS compare in the same way.

const SECONDS = Number(process.argv[2] ?? 5);
const ROUNDS = Number(process.argv[3] ?? 7);
const SWITCHES = 100;
const HOST = 'bench.test';
const BASE = 'by hand, log, headers, host map';
const TLS_BASE = `${BASE}, HTTPS`;

interface Variant {
  readonly name: string;
  readonly port: number;
  /** A part of the command line of its haproxy. */
  readonly mark: string;
  readonly scheme?: 'https';
}

interface Sample {
  readonly requestsPerSecond: number;
  readonly cpuUs: number;
}

type Samples = Readonly<Record<string, readonly Sample[]>>;

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await delay(20);
  }
}

const HAND_DEFAULTS = 'defaults\n  mode http\n  timeout connect 5s\n  timeout client 55s\n  timeout server 55s\n';

/** The configuration of an operator who wants the headers of Heroku. */
const HAND_HEADERS = [
  '  option forwardfor',
  '  http-request set-header X-Forwarded-Proto http',
  '  http-request set-header X-Forwarded-Port %[dst_port]',
  '  http-request set-header X-Request-Start %[date(0,ms)]',
  '  http-request set-header X-Request-Id %[uuid()] unless { req.hdr(x-request-id) -m found }',
  '  http-request add-header Via "1.1 hand"',
  '',
].join('\n');

type Child = ReturnType<typeof start>;

/** Starts haproxy with its own config. Its log goes to `stdout`. */
async function startByHand(file: string, body: string, stdout: Child['stdin'] | 'ignore' = 'ignore'): Promise<Child> {
  await writeFile(file, body);
  // In its own session, as in Slipway, because the scheduler divides a busy machine by sessions.
  return start({ file: 'haproxy', args: ['-f', file] }, ['ignore', stdout, 'ignore'], true);
}

async function startLogger(dir: string): Promise<Child> {
  await mkdir(dir);
  return start({ file: 's6-log', args: ['n10', 's1048576', 't', dir] }, ['pipe', 'ignore', 'inherit']);
}

/** User and system time in ms of the haproxy with this text in its command line. */
async function cpuMs(mark: string): Promise<number> {
  let ticks = 0;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes('haproxy\0') || !command.includes(mark)) continue;
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10;
}

async function wrk({ port, mark, scheme }: Variant, close: boolean): Promise<Sample> {
  const headers = ['-H', `Host: ${HOST}`, ...(close ? ['-H', 'Connection: close'] : [])];
  const before = await cpuMs(mark);
  const { stdout } = await run({
    file: 'wrk',
    args: ['-t1', '-c64', `-d${String(SECONDS)}s`, ...headers, `${scheme ?? 'http'}://127.0.0.1:${String(port)}/`],
  });
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const usedUs = ((await cpuMs(mark)) - before) * 1000;
  return { requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), cpuUs: usedUs / requests };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function throughput(variants: readonly Variant[], close: boolean): Promise<Samples> {
  const samples = Object.fromEntries(variants.map(({ name }) => [name, [] as Sample[]]));
  for (let round = 0; round < ROUNDS; round += 1) {
    // Every second round has the reverse order, so that the order does not matter.
    for (const variant of round % 2 === 0 ? variants : variants.toReversed())
      samples[variant.name]?.push(await wrk(variant, close));
  }
  return samples;
}

function printTable(kind: string, samples: Samples, baseName = BASE): void {
  const base = samples[baseName] ?? [];
  const rows = Object.entries(samples).map(([name, own]) => {
    const ratio = (pick: (sample: Sample) => number): string =>
      median(own.map((sample, round) => pick(sample) / pick(base[round] ?? sample))).toFixed(3);
    return {
      kind,
      name,
      n: own.length,
      requestsPerSecond: Math.round(median(own.map((sample) => sample.requestsPerSecond))),
      ratio: ratio((sample) => sample.requestsPerSecond),
      cpuUs: median(own.map((sample) => sample.cpuUs)).toFixed(1),
      cpuRatio: ratio((sample) => sample.cpuUs),
    };
  });
  console.table(rows);
}

async function switches(
  proxy: Proxy,
  backend: { readonly port: number; readonly certificates: readonly EdgeCertificate[] },
): Promise<{ medianMs: number; maxMs: number; n: number }> {
  const times: number[] = [];
  for (let turn = 0; turn < SWITCHES; turn += 1) {
    const begun = performance.now();
    await applyInstance(proxy, `turn${String(turn)}`, backend);
    times.push(performance.now() - begun);
  }
  return {
    medianMs: Math.round(median(times) * 10) / 10,
    maxMs: Math.round(Math.max(...times) * 10) / 10,
    n: SWITCHES,
  };
}

function applyInstance(
  proxy: Proxy,
  id: string,
  { port, certificates }: { readonly port: number; readonly certificates: readonly EdgeCertificate[] },
): Promise<void> {
  const backends = [{ id, instanceName: 'web.1', address: '127.0.0.1', port }];
  return proxy.apply({ apps: [{ app: 'bench' as AppName, hostnames: [HOST], backends }], certificates });
}

function bind(port: number, rest: string, tls = ''): string {
  return `frontend f\n  bind 127.0.0.1:${String(port)}${tls}\n${rest}`;
}

/** The configuration of an operator with several apps: a log, the headers and a map of host names. */
function likeOurs(port: number, { hosts, server }: { hosts: string; server: string }, pemFile?: string): string {
  const backend = `%[req.hdr(host),field(1,:),lower,map_str(${hosts})]`;
  return bind(
    port,
    `${HAND_HEADERS}  use_backend ${backend} if { req.hdr(host),field(1,:),lower,map_str(${hosts}) -m found }\n${server}`,
    pemFile === undefined ? '' : ` ssl crt ${pemFile} alpn h2,http/1.1 ssl-min-ver TLSv1.2 no-tls-tickets`,
  );
}

interface Bench extends AsyncDisposable {
  readonly proxy: Proxy;
  readonly served: { readonly port: number; readonly certificates: readonly EdgeCertificate[] };
  readonly plain: readonly Variant[];
  readonly https: readonly Variant[];
}

/** All variants in front of one web process. */
async function openBench(dir: string): Promise<Bench> {
  const ports = await Promise.all(Array.from({ length: 7 }, () => freePort()));
  const [backend = 0, plain = 0, logging = 0, same = 0, ours = 0, sameTls = 0, oursTls = 0] = ports;
  const server = `  default_backend b\nbackend b\n  server s 127.0.0.1:${String(backend)}\n`;
  const hosts = join(dir, 'hosts.map');
  await writeFile(hosts, `${HOST} b\n`);
  const certificate = await (await makeEdgeCa()).issue(dir, 'crt_bench', [HOST]);
  const served = { port: backend, certificates: [certificate] };
  const web = createServer((_request, response) => response.end('hello'));
  web.listen(backend, '127.0.0.1');
  const logger = await startLogger(join(dir, 'log'));
  const defaults = `global\n  log stdout format raw local0\n${HAND_DEFAULTS}  log global\n  option httplog\n`;
  const byHand = (name: string, body: string): Promise<Child> =>
    startByHand(join(dir, name), `${defaults}${body}`, logger.stdin);
  const children = [
    logger,
    await startByHand(join(dir, 'plain.cfg'), `${HAND_DEFAULTS}${bind(plain, server)}`),
    await byHand('logging.cfg', bind(logging, server)),
    await byHand('same.cfg', likeOurs(same, { hosts, server })),
    await byHand('tls.cfg', likeOurs(sameTls, { hosts, server }, certificate.pemFile)),
  ];
  const [binds, tlsBinds] = [ours, oursTls].map((port) => [{ address: '127.0.0.1', port }]);
  const proxy = createHaproxy(
    { stateDir: join(dir, 'proxy'), binds: binds ?? [], tlsBinds },
    { run, clock: systemClock, logger: silentLogger, systemd: false },
  );
  await proxy.ensureRunning();
  await applyInstance(proxy, 'first', served);
  await proxy.unservedCertificates();
  for (const port of [backend, plain, logging, same, sameTls]) await untilOpen(port);
  const twins: readonly Variant[] = [
    { name: BASE, port: same, mark: join(dir, 'same.cfg') },
    { name: 'slipway', port: ours, mark: join(dir, 'proxy') },
  ];
  return {
    ...{ proxy, served },
    plain: [
      { name: 'by hand, nothing else', port: plain, mark: join(dir, 'plain.cfg') },
      { name: 'by hand, log', port: logging, mark: join(dir, 'logging.cfg') },
      ...twins,
    ],
    https: [
      ...twins,
      { name: TLS_BASE, port: sameTls, mark: join(dir, 'tls.cfg'), scheme: 'https' },
      { name: 'slipway, HTTPS', port: oursTls, mark: join(dir, 'proxy'), scheme: 'https' },
    ],
    [Symbol.asyncDispose]: async () => {
      await proxy.stop();
      for (const child of children) child.kill('SIGTERM');
      web.closeAllConnections();
      web.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function main(): Promise<void> {
  await using bench = await openBench(await mkdtemp(join(tmpdir(), 'slipway-bench-')));
  const report = {
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release(), load1: loadavg()[0] },
    seconds: SECONDS,
    rounds: ROUNDS,
    keepAlive: await throughput(bench.plain, false),
    close: await throughput(bench.plain, true),
    httpsKeepAlive: await throughput(bench.https, false),
    httpsClose: await throughput(bench.https, true),
    switch: await switches(bench.proxy, bench.served),
    loadAfter: loadavg()[0],
  };
  console.log(JSON.stringify(report));
  printTable('keep-alive', report.keepAlive);
  printTable('close', report.close);
  printTable('HTTPS, keep-alive', report.httpsKeepAlive, TLS_BASE);
  printTable('HTTPS, new connections', report.httpsClose, TLS_BASE);
  console.table([report.switch]);
}

await main();
