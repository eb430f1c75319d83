import { Agent, request, type Dispatcher } from 'undici';
import { plainText } from '../../acme/problem.ts';

/** What an address answered to the question that the CA will ask. */
export type ProbeResult =
  | { readonly kind: 'ours' }
  /** A node of this fleet that answers no HTTPS. */
  | { readonly kind: 'plainOnly' }
  /** This machine has no way to such addresses, so nothing is known. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'foreign'; readonly what: string; readonly isCloudflare: boolean };

interface ProbeTarget {
  readonly hostname: string;
  readonly address: string;
  readonly port: number;
  /** A challenge token that nobody else knows. */
  readonly token: string;
  readonly thumbprint: string;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 10_000;
/** The right answer is shorter. */
const ANSWER_BYTES_MAX = 4096;
/** CAs follow ten. */
const REDIRECTS_MAX = 5;
const NO_ROUTE: ReadonlySet<string> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** Asks one address of a name for the answer to a challenge (RFC 8555, 8.3). Certificates behind a redirect are not checked, as a CA does. */
export async function probe(target: ProbeTarget): Promise<ProbeResult> {
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS, rejectUnauthorized: false, servername: target.hostname },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  try {
    return await ask(agent, target);
  } catch (error) {
    const code = codeOf(error);
    if (NO_ROUTE.has(code)) return { kind: 'unknown' };
    return { kind: 'foreign', what: `nothing answered (${code})`, isCloudflare: false };
  } finally {
    await agent.destroy();
  }
}

async function ask(agent: Agent, target: ProbeTarget): Promise<ProbeResult> {
  const { hostname, address, port, token, thumbprint, signal } = target;
  const host = address.includes(':') ? `[${address}]` : address;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let url = `http://${host}:${String(port)}/.well-known/acme-challenge/${token}`;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const answer = await request(url, { dispatcher: agent, signal: limit, headers: { host: hostname } });
    const text = await readStart(answer.body);
    const isCloudflare = header(answer, 'server') === 'cloudflare';
    if (answer.statusCode === 200 && text.trim() === `${token}.${thumbprint}`) {
      return { kind: header(answer, 'x-slipway-https') === 'off' ? 'plainOnly' : 'ours' };
    }
    if (answer.statusCode < 300 || answer.statusCode >= 400) {
      return { kind: 'foreign', what: `another server answered (status ${String(answer.statusCode)})`, isCloudflare };
    }
    const location = header(answer, 'location') ?? '';
    const next = redirectOf(location, hostname, host);
    if (next === undefined) {
      return {
        kind: 'foreign',
        what: `another server redirects to ${originOf(location)}`,
        isCloudflare,
      };
    }
    url = next;
  }
  return { kind: 'foreign', what: 'the redirects do not end', isCloudflare: false };
}

/** Pages of foreign servers can have any length. */
async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Without the path, because the answer may be of a server that is not for everybody. */
function originOf(location: string): string {
  return plainText(URL.canParse(location) ? new URL(location).origin : 'another path').slice(0, 200);
}

/** Only to the same name, on the ports that a CA follows. The address stays the same. */
function redirectOf(location: string, hostname: string, host: string): string | undefined {
  const base = `http://${hostname}`;
  if (!URL.canParse(location, base)) return undefined;
  const to = new URL(location, base);
  if (to.hostname !== hostname || to.port !== '' || !['http:', 'https:'].includes(to.protocol)) return undefined;
  return `${to.protocol}//${host}${to.pathname}${to.search}`;
}

function header({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  return [headers[name]].flat()[0];
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  return code ?? (error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'no complete answer');
}
