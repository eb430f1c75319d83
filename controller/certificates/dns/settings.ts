import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { isRecordName, TSIG_ALGORITHMS, type DnsProviderKind } from '../../../shared/domain/dns-provider.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import { acmeDnsAccount, registerAcmeDns } from './acme-dns.ts';

/** What an operator says of a provider. */
export interface ProviderInput {
  readonly name: string;
  readonly kind: DnsProviderKind;
  readonly server?: string | undefined;
  readonly keyName?: string | undefined;
  readonly algorithm?: string | undefined;
  readonly program?: string | undefined;
  readonly secret?: string | undefined;
}

interface SettingsDeps {
  readonly programsDir: string;
  readonly signal: AbortSignal;
}

interface Checked {
  readonly settings: DnsProvider['settings'];
  readonly secret?: string | undefined;
}

type Check = (input: ProviderInput, deps: SettingsDeps) => Promise<Checked>;

const ACME_DNS_SERVER = 'https://auth.acme-dns.io';
const KEY_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})$/;
const BASE64 = /^[A-Za-z0-9+/]{8,684}={0,2}$/;
const TOKEN = /^[\x21-\x7e]{16,500}$/;
const PROGRAM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const CHECKS: Readonly<Record<DnsProviderKind, Check>> = {
  'acme-dns': checkAcmeDns,
  nsupdate: (input) => Promise.resolve(checkNsupdate(input)),
  exec: checkExec,
  cloudflare: checkToken,
  hetzner: checkToken,
  digitalocean: checkToken,
};

/** Everything that later becomes a part of a request, a script or a path is checked here. @throws SLIP_DNS_SETTING, SLIP_DNS_PROVIDER */
export async function checkSettings(input: ProviderInput, deps: SettingsDeps): Promise<Checked> {
  return await CHECKS[input.kind](input, deps);
}

/** Without an account, the server gives one. */
async function checkAcmeDns(
  { name, server = ACME_DNS_SERVER, secret }: ProviderInput,
  deps: SettingsDeps,
): Promise<Checked> {
  if (!isSafeUrl(server)) throw wrong('The address of an acme-dns server begins with https://.');
  const account = secret === undefined ? await registerAcmeDns(name, server, deps.signal) : readAccount(secret);
  const { password, ...settings } = account;
  return { settings: { ...settings, server }, secret: password };
}

function readAccount(text: string): ReturnType<typeof acmeDnsAccount.parse> {
  try {
    return acmeDnsAccount.parse(JSON.parse(text));
  } catch {
    throw wrong(
      'The account of acme-dns is the answer of its /register, with username, password, subdomain and fulldomain.',
    );
  }
}

/** A password in plain HTTP stays on this machine. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, search, hash } = new URL(text);
  if (username !== '' || search !== '' || hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}

function checkNsupdate({ server = '', keyName = '', algorithm = 'hmac-sha256', secret = '' }: ProviderInput): Checked {
  const { host, port } = splitServer(server);
  if (!KEY_NAME.test(keyName)) throw wrong('--key-name is the name of the TSIG key, as in the configuration of BIND.');
  if (!TSIG_ALGORITHMS.some((one) => one === algorithm)) {
    throw wrong(`--algorithm is one of ${TSIG_ALGORITHMS.join(', ')}.`);
  }
  if (!BASE64.test(secret)) throw wrong('The secret of a TSIG key is text in base64.');
  return { settings: { host, port, keyName, algorithm }, secret };
}

/** `HOST`, `HOST:PORT`, an IPv6 address, or `[ADDRESS]:PORT`. */
function splitServer(text: string): { readonly host: string; readonly port: string } {
  if (isIP(text) === 6) return { host: text, port: '53' };
  const parts = /^(?:\[([0-9a-fA-F:]{2,45})\]|([^:\s]{1,253}))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const [, bracketed, plain, port = '53'] = parts;
  const host = bracketed ?? plain ?? '';
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  if (isHost(host) && isPort) return { host, port };
  throw wrong('--server is the primary name server of the zone: HOST or HOST:PORT.');
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || text === 'localhost' || isRecordName(text.toLowerCase());
}

async function checkExec({ program = '' }: ProviderInput, { programsDir }: SettingsDeps): Promise<Checked> {
  if (!PROGRAM.test(program)) throw wrong('--program is the name of a file, without a folder.');
  const path = join(programsDir, program);
  const isThere = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isThere) throw wrong(`The controller cannot run ${path}. Put the program there, and make it executable.`);
  return { settings: { program } };
}

/** The test record shows whether the token is good for the zone. */
function checkToken({ secret = '' }: ProviderInput): Promise<Checked> {
  if (!TOKEN.test(secret))
    throw wrong('The API token of the provider is one word of 16 to 500 characters, from stdin.');
  return Promise.resolve({ settings: {}, secret });
}

function wrong(message: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DNS_SETTING',
    httpStatus: 422,
    message,
    hint: 'See the settings of each provider with: slipway tls:dns:add --help',
  });
}
