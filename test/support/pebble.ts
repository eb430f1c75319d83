import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { openCa } from '../../controller/access/ca/open-ca.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { DEFAULT_ENV, start } from '../../shared/kit/exec.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './free-ports.ts';

export interface PebbleOptions {
  /** How many of 100 nonces it refuses. */
  readonly badNonces?: number;
  /** Certificates above the leaf. */
  readonly chainLength?: number;
  /** Key id → HMAC key in base64url. Accounts then need a binding. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** Lifetime of a certificate. */
  readonly lifetimeS?: number;
  readonly blockedNames?: readonly string[];
  /** Every challenge counts as answered. */
  readonly alwaysValid?: boolean;
}

type ChildProcess = ReturnType<typeof start>;

/** A real test CA (pebble) with its DNS server (pebble-challtestsrv), on ports of its own. */
export interface Pebble {
  readonly directoryUrl: string;
  /** PEM of the CA that the HTTPS certificate of pebble is from. */
  readonly trustedCaPem: string;
  /** Key and certificate of its HTTPS server, for another server in front of it. */
  readonly credential: { readonly key: string; readonly cert: string };
  /** The port where pebble looks for the answers of HTTP-01. */
  readonly httpPort: number;
  /** `address:port` of the DNS server. */
  readonly dnsServer: string;
  /** Where pebble-challtestsrv takes its commands. */
  readonly dnsCommandsUrl: string;
  /** One command of pebble-challtestsrv, for example `add-a`. */
  dns(command: string, body: object): Promise<void>;
  /** PEM of the root of the certificates. */
  root(): Promise<string>;
  close(): Promise<void>;
}

/** A name with an address of its own, so that the DNS server can be asked whether it is ready. */
const READY_NAME = { host: 'ready.test', addresses: ['127.0.0.1'] };

interface Place {
  readonly dir: string;
  readonly port: number;
  readonly management: number;
  readonly httpPort: number;
}

export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-pebble-'));
  const [port = 0, management = 0, httpPort = 0, dns = 0, dnsManagement = 0] = await freePorts(5);
  const ca = await openCa({
    dir: join(dir, 'ca'),
    mayCreate: true,
    serverNames: ['localhost', '127.0.0.1'],
    clock: systemClock,
  });
  const { keyPem, certificatePem } = await ca.serverCredential();
  await writeFile(join(dir, 'key.pem'), keyPem);
  await writeFile(join(dir, 'certificate.pem'), certificatePem);
  await writeFile(join(dir, 'pebble.json'), configuration({ dir, port, management, httpPort }, options));
  const dnsServer = `127.0.0.1:${String(dns)}`;
  const children = [
    startDns(dnsServer, `127.0.0.1:${String(dnsManagement)}`),
    startCa(join(dir, 'pebble.json'), dnsServer, options),
  ];
  const agent = new Agent({ connect: { ca: ca.caPem } });
  const read = async (url: string): Promise<string> => (await request(url, { dispatcher: agent })).body.text();
  const managementUrl = `https://127.0.0.1:${String(management)}`;
  await eventually('pebble answers', () => read(`${managementUrl}/roots/0`).catch(() => undefined));
  const dnsCommandsUrl = `http://127.0.0.1:${String(dnsManagement)}`;
  const command = async (name: string, body: object): Promise<void> => {
    await (await request(`${dnsCommandsUrl}/${name}`, { method: 'POST', body: JSON.stringify(body) })).body.dump();
  };
  await eventually('the DNS server answers', () =>
    command('add-a', READY_NAME).then(
      () => true,
      () => false,
    ),
  );
  return {
    directoryUrl: `https://127.0.0.1:${String(port)}/dir`,
    trustedCaPem: ca.caPem,
    credential: { key: keyPem, cert: certificatePem },
    httpPort,
    dnsServer,
    dnsCommandsUrl,
    dns: command,
    root: () => read(`${managementUrl}/roots/0`),
    close: async () => {
      await agent.destroy();
      for (const child of children) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function configuration({ dir, port, management, httpPort }: Place, options: PebbleOptions): string {
  const { externalAccounts = {}, lifetimeS = 3600, blockedNames = [] } = options;
  return JSON.stringify({
    pebble: {
      listenAddress: `127.0.0.1:${String(port)}`,
      managementListenAddress: `127.0.0.1:${String(management)}`,
      certificate: join(dir, 'certificate.pem'),
      privateKey: join(dir, 'key.pem'),
      httpPort,
      tlsPort: httpPort,
      ocspResponderURL: '',
      externalAccountBindingRequired: Object.keys(externalAccounts).length > 0,
      externalAccountMACKeys: externalAccounts,
      domainBlocklist: blockedNames,
      certificateValidityPeriod: lifetimeS,
    },
  });
}

function startCa(config: string, dnsServer: string, options: PebbleOptions): ChildProcess {
  const env = {
    ...DEFAULT_ENV,
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_AUTHZREUSE: '0',
    PEBBLE_WFE_NONCEREJECT: String(options.badNonces ?? 0),
    PEBBLE_CHAIN_LENGTH: String(options.chainLength ?? 1),
    ...(options.alwaysValid === true ? { PEBBLE_VA_ALWAYS_VALID: '1' } : {}),
  };
  return start({ file: 'pebble', args: ['-strict', '-config', config, '-dnsserver', dnsServer], env }, 'ignore');
}

function startDns(address: string, management: string): ChildProcess {
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', ''];
  const addresses = ['-defaultIPv6', '', '-defaultIPv4', '127.0.0.1'];
  const args = ['-dns01', address, '-management', management, ...off, ...addresses];
  return start({ file: 'pebble-challtestsrv', args }, 'ignore');
}
