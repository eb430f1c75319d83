/** Converts a line of the access log to a Heroku router line. Pure. */

/** The third part of the first field of a request that the maintenance page of an app answered. */
export const MAINTENANCE_MARK = 'H80';

/** The fields of an access log line. agent/proxy/haproxy/render.ts defines the format. */
export interface AccessRecord {
  /** Absent if no app has the host name. */
  readonly app: string | undefined;
  /** Absent in lines of an older agent, which may belong to a former app with the same name. */
  readonly appId: string | undefined;
  /** `web.1`; absent when no instance was chosen. */
  readonly instanceName: string | undefined;
  readonly instanceId: string | undefined;
  /** The maintenance page of the app answered. */
  readonly inMaintenance: boolean;
  /** HAProxy's four-letter termination state, e.g. `SH--`. */
  readonly termination: string;
  readonly status: number;
  readonly bytes: number;
  /** Time in ms until: the request was complete, it left the queue, it was connected, the first byte, the end. -1: never reached. */
  readonly requestMs: number;
  readonly queueMs: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly protocol: string;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly method: string;
  readonly host: string;
  readonly forwardedFor: string;
  /** With query. */
  readonly path: string;
}

export interface RouterLine {
  readonly app: string;
  readonly appId: string | undefined;
  readonly instanceName: string | undefined;
  readonly instanceId: string | undefined;
  readonly message: string;
}

interface Failure {
  readonly code: string;
  readonly desc: string;
  /** Absent: the status that was sent. */
  readonly status?: number | undefined;
  /** The side that closed the connection, for H18. */
  readonly sock?: 'client' | 'backend';
}

const LINE = new RegExp(
  [
    '^slip1 (\\S+) (\\S+) ([A-Za-z-]{4}) (-?\\d+) (\\d+)',
    '(-?\\d+) (-?\\d+) (-?\\d+) (-?\\d+) \\+?(-?\\d+)',
    '(\\S+) (\\S+) (\\S+) (\\S+)',
    '(\\S+) (\\S+) "([^"]*)"?$',
  ].join(' '),
);

/** `undefined` for other lines, such as notices of HAProxy. */
export function parseAccessLine(text: string): AccessRecord | undefined {
  const match = LINE.exec(text);
  if (match === null) return undefined;
  const at = (index: number): string => match[index] ?? '';
  const [app = '', appId, mark] = at(1).split('/');
  const [instanceName, instanceId] = at(2).split('/');
  return {
    app: absent(app),
    appId,
    inMaintenance: mark === MAINTENANCE_MARK,
    instanceName: absent(instanceName ?? '-'),
    instanceId,
    termination: at(3),
    status: Number(at(4)),
    bytes: Number(at(5)),
    requestMs: Number(at(6)),
    queueMs: Number(at(7)),
    connectMs: Number(at(8)),
    firstByteMs: Number(at(9)),
    totalMs: Number(at(10)),
    protocol: at(11),
    requestId: absent(at(12)) ?? '',
    clientAddress: at(13),
    method: at(14),
    host: percentDecode(absent(at(15)) ?? ''),
    forwardedFor: percentDecode(absent(at(16)) ?? ''),
    path: withoutOrigin(hashDecode(at(17))),
  };
}

/** HAProxy logs the target of a request over HTTP/2 with scheme and host. */
function withoutOrigin(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*/, '') || '/';
}

/** `at=info method=GET path="/" host=… …`, with `at=error code=H… desc="…"` first if the router answered itself. */
export function renderRouterLine(record: AccessRecord): string {
  const failure = failureOf(record);
  const fwd = record.forwardedFor === '' ? record.clientAddress : `${record.forwardedFor}, ${record.clientAddress}`;
  return [
    ...(failure === undefined ? ['at=info'] : [`at=error code=${failure.code} desc="${failure.desc}"`]),
    `method=${bare(record.method)}`,
    `path="${escape(record.path)}"`,
    `host=${bare(record.host)}`,
    ...(failure?.sock === undefined ? [] : [`sock=${failure.sock}`]),
    `request_id=${bare(record.requestId)}`,
    `fwd="${escape(fwd)}"`,
    `dyno=${bare(record.instanceName ?? '')}`,
    ...timesOf(record),
    `status=${String(failure?.status ?? record.status)}`,
    `bytes=${String(record.bytes)}`,
    `protocol=${bare(record.protocol)}`,
  ].join(' ');
}

/** Empty if the app was never reached, as on Heroku. */
function timesOf({ connectMs, queueMs, totalMs }: AccessRecord): string[] {
  if (connectMs < 0) return ['connect=', 'service='];
  const serviceMs = Math.max(totalMs - Math.max(queueMs, 0) - connectMs, 0);
  return [`connect=${String(connectMs)}ms`, `service=${String(serviceMs)}ms`];
}

/** A line of an app's router log; `undefined` for lines of no app. */
export function parseRouterLine(text: string): RouterLine | undefined {
  const record = parseAccessLine(text);
  if (record?.app === undefined) return undefined;
  const { app, appId, instanceName, instanceId } = record;
  return { app, appId, instanceName, instanceId, message: renderRouterLine(record) };
}

const unavailable = (code: string, desc: string): Failure => ({ code, desc, status: 503 });

/** By the termination state of HAProxy: the side that ended the exchange, and the phase. `*` is any other phase. */
const FAILURES: Readonly<Record<string, Failure>> = {
  PH: unavailable('H17', 'Poorly formatted HTTP response'),
  PD: unavailable('H17', 'Poorly formatted HTTP response'),
  'P*': { code: 'H26', desc: 'Request error' },
  'C*': { code: 'H27', desc: 'Client Request Interrupted', status: 499 },
  'c*': { code: 'H28', desc: 'Client Connection Idle' },
  SC: unavailable('H21', 'Backend connection refused'),
  sC: unavailable('H19', 'Backend connection timeout'),
  sQ: unavailable('H19', 'Backend connection timeout'),
  SH: unavailable('H13', 'Connection closed without response'),
  sH: unavailable('H12', 'Request timeout'),
  SD: { ...unavailable('H18', 'Server Request Interrupted'), sock: 'backend' },
  sD: unavailable('H15', 'Idle connection'),
  'K*': unavailable('H24', 'Forced close'),
  'D*': unavailable('H24', 'Forced close'),
  'L*': unavailable('H14', 'No web processes running'),
};

/** The error code of the router. Undefined: the router passed on the answer of the app. */
export function failureCode(record: AccessRecord): string | undefined {
  return failureOf(record)?.code;
}

function failureOf(record: AccessRecord): Failure | undefined {
  if (record.inMaintenance) return unavailable('H80', 'Maintenance mode');
  const state = record.termination.slice(0, 2);
  const cause = state.charAt(0);
  // Either side may close a websocket. Our own pages, except 503, are normal responses.
  if (cause === '-' || record.status === 101 || (cause === 'L' && record.status !== 503)) return undefined;
  return FAILURES[state] ?? FAILURES[`${cause}*`] ?? unavailable('H99', 'Platform error');
}

function absent(text: string): string | undefined {
  return text === '-' || text === '' ? undefined : text;
}

/** HAProxy writes quotes, `#` and unprintable characters as `#XX`. */
function hashDecode(text: string): string {
  if (!text.includes('#')) return text;
  const bytes = text.replaceAll(/#([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function percentDecode(text: string): string {
  const bytes = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** For text inside quotes: no character can end the quotes or forge a line. */
function escape(text: string): string {
  return text.replaceAll(/["\\]/g, '\\$&').replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** For text outside quotes: adds quotes if necessary. */
function bare(text: string): string {
  return /^[\w.:<>/@+=-]*$/.test(text) ? text : `"${escape(text)}"`;
}
