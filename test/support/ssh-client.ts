import { connect } from 'node:net';
import ssh2, { type ConnectConfig, type ParsedKey } from 'ssh2';
import { keyFingerprint } from '../../controller/push/ssh/fingerprint.ts';
import type { PushFixture, TestKey } from './push-fixture.ts';

/** Raw SSH clients for what the ssh program would never do. */

/** Offers keys in order, signing only for those it has a signer for (which may be another key: a forger). */
export class OfferingAgent extends ssh2.BaseAgent {
  readonly #offers: readonly ParsedKey[];
  readonly #signers: ReadonlyMap<string, TestKey>;

  constructor(offers: readonly TestKey[], signers: ReadonlyMap<string, TestKey>) {
    super();
    this.#offers = offers.map(parse);
    this.#signers = signers;
  }

  override getIdentities(done: (error?: Error | null, keys?: ParsedKey[]) => void): void {
    done(null, [...this.#offers]);
  }

  override sign(key: unknown, data: Buffer, ...rest: unknown[]): void {
    const done = rest.find((one) => typeof one === 'function') as (error?: Error | null, signature?: Buffer) => void;
    const signer = this.#signers.get(keyFingerprint((key as ParsedKey).getPublicSSH()));
    if (signer === undefined) done(new Error('no private key'));
    else done(null, parse(signer).sign(data));
  }
}

function parse(key: TestKey): ParsedKey {
  return ssh2.utils.parseKey(key.privateKey) as ParsedKey;
}

/** Rejects when the server does not let us in. */
export function connectClient(fixture: PushFixture, config: ConnectConfig): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    client.on('ready', () => {
      resolve(client);
    });
    client.on('error', (error) => {
      // an agent that cannot sign goes on with its next key
      if (error.level !== 'agent') reject(error);
    });
    client.on('close', () => {
      reject(new Error('closed'));
    });
    client.connect({
      host: '127.0.0.1',
      port: fixture.address.port,
      username: 'git',
      readyTimeout: 240_000,
      ...config,
    });
  });
}

interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command, or a shell for the word `shell`; ends its input at once. */
export function execOn(client: ssh2.Client, command: string, env: Record<string, string> = {}): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const collect: ssh2.ClientCallback = (error, stream) => {
      if (error !== undefined) {
        reject(error);
        return;
      }
      const result = { code: -1, stdout: '', stderr: '' };
      stream.on('data', (chunk: Buffer) => (result.stdout += chunk.toString('latin1')));
      stream.stderr.on('data', (chunk: Buffer) => (result.stderr += chunk.toString('latin1')));
      stream.on('exit', (code: number) => (result.code = code));
      stream.on('close', () => {
        resolve(result);
      });
      stream.end('0000');
    };
    if (command === 'shell') client.shell(false, collect);
    else client.exec(command, { env }, collect);
  });
}

export interface KexInit {
  readonly kex: readonly string[];
  readonly hostKey: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
  readonly compression: readonly string[];
}

/** What a server offers before any encryption, both directions together. */
export function readKexInit(port: number): Promise<KexInit> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const socket = connect(port, '127.0.0.1').on('error', reject);
    socket.write('SSH-2.0-test\r\n');
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const lists = parseKexInit(bytes);
      if (lists === undefined) return;
      socket.destroy();
      const [kex = [], hostKey = [], c1 = [], c2 = [], m1 = [], m2 = [], z1 = [], z2 = []] = lists;
      resolve({
        kex,
        hostKey,
        ciphers: [...c1, ...c2],
        macs: [...m1, ...m2],
        compression: [...new Set([...z1, ...z2])],
      });
    });
  });
}

/** Ident line, then packet: length, padding length, type, cookie, ten name-lists. */
function parseKexInit(bytes: Buffer): string[][] | undefined {
  let at = bytes.indexOf('\n') + 1;
  if (at === 0 || bytes.length < at + 4 || bytes.length < at + 4 + bytes.readUInt32BE(at)) return undefined;
  at += 4 + 1 + 1 + 16;
  return Array.from({ length: 10 }, () => {
    const length = bytes.readUInt32BE(at);
    const text = bytes.toString('latin1', at + 4, at + 4 + length);
    at += 4 + length;
    return text.split(',').filter(Boolean);
  });
}
