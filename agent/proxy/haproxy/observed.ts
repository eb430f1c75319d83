/** The state of a running process, parsed from the replies of its runtime API. */

export interface ObservedServer {
  readonly pool: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Takes new requests. */
  readonly ready: boolean;
  /** Time since its check failed, in whole seconds; `undefined` if it is up or has no check. */
  readonly downForMs: number | undefined;
}

export interface Observed {
  readonly workerPid: number;
  /** Without the prefix; empty for a foreign process. */
  readonly layoutHash: string;
  /** In the order of the map. A key may occur twice. */
  readonly hosts: readonly (readonly [key: string, value: string])[];
  readonly instances: readonly (readonly [key: string, value: string])[];
  readonly members: readonly (readonly [key: string, value: string])[];
  readonly refused: readonly (readonly [key: string, value: string])[];
  readonly https: readonly (readonly [key: string, value: string])[];
  readonly acme: readonly (readonly [key: string, value: string])[];
  readonly fronts: readonly (readonly [key: string, value: string])[];
  readonly servers: ReadonlyMap<string, ObservedServer>;
}

/** Administrative states without new requests: forced, inherited, resolution or agent maintenance, and drain. */
const NOT_READY = 0x01 | 0x02 | 0x08 | 0x10 | 0x20 | 0x40;

export function parseInfo(reply: string): { workerPid: number; layoutHash: string } {
  const fields = new Map(reply.split('\n').map((line) => splitOnce(line, ': ')));
  const [, mark] = splitOnce(fields.get('description') ?? '', 'slipway-');
  return { workerPid: Number(fields.get('Pid') ?? 0), layoutHash: mark };
}

/** From `show info`. */
export function parseDroppedLogs(reply: string): number {
  return Number(/^DroppedLogs: (\d+)$/m.exec(reply)?.[1] ?? 0);
}

export function parseMap(reply: string): [key: string, value: string][] {
  const entries: [string, string][] = [];
  for (const line of reply.split('\n')) {
    const [, key, value] = line.split(' ');
    if (key !== undefined && value !== undefined && line.startsWith('0x')) entries.push([key, value]);
  }
  return entries;
}

export function parseServersState(reply: string): Map<string, ObservedServer> {
  const servers = new Map<string, ObservedServer>();
  for (const row of parseTable(reply)) {
    const name = row.get('srv_name');
    const pool = row.get('be_name');
    if (name === undefined || pool === undefined) continue;
    servers.set(name, {
      pool,
      name,
      address: row.get('srv_addr') ?? '',
      port: Number(row.get('srv_port')),
      ready: (Number(row.get('srv_admin_state')) & NOT_READY) === 0,
      downForMs: row.get('srv_op_state') === '0' ? Number(row.get('srv_time_since_last_change')) * 1000 : undefined,
    });
  }
  return servers;
}

/** Server name → connections in use by requests or tunnels; idle pooled connections do not count. */
export function parseConnections(reply: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of parseTable(reply)) {
    const name = row.get('bkname/svname')?.split('/')[1];
    if (name !== undefined) counts.set(name, Number(row.get('used_cur') ?? 0));
  }
  return counts;
}

export interface Workers {
  readonly current: number | undefined;
  /** Replaced workers that still serve open connections. */
  readonly old: readonly number[];
}

/** Parses the master's `show proc`. */
export function parseWorkers(reply: string): Workers {
  const current: number[] = [];
  const old: number[] = [];
  let list: number[] | undefined;
  for (const line of reply.split('\n')) {
    if (line.startsWith('# workers')) list = current;
    else if (line.startsWith('# old workers')) list = old;
    else if (line.startsWith('# ')) list = undefined;
    const pid = /^(\d+)\s+worker\s/.exec(line)?.[1];
    if (pid !== undefined) list?.push(Number(pid));
  }
  return { current: current.at(-1), old };
}

/** Rows under a `# name name …` header line, by column name. */
function parseTable(reply: string): Map<string, string>[] {
  const lines = reply.split('\n');
  const at = lines.findIndex((line) => line.startsWith('# '));
  if (at < 0) return [];
  const names = lines[at]?.slice(2).split(' ') ?? [];
  return lines
    .slice(at + 1)
    .filter((line) => line !== '')
    .map((line) => new Map(line.split(' ').map((value, index) => [names[index] ?? '', value])));
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
