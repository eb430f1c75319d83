import type { Duplex } from 'node:stream';
import type { Fleet, LiveNode, ServedCertificate } from '../../controller/dispatch/port.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import type { InstanceId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** A fleet with the answers that a test gives it. */
export class FakeFleet implements Fleet {
  live: LiveNode[] = [];
  statuses = new Map<InstanceId, InstanceStatus>();
  lines: LogLine[] = [];
  /** With `follow`, more lines come until the test ends it. */
  following: ((signal: AbortSignal) => AsyncIterable<LogLine>) | undefined;

  nodes(): readonly LiveNode[] {
    return this.live;
  }

  startFailed(nodeId: LiveNode['nodeId'], failure: Reason): void {
    this.live = this.live.map((node) => (node.nodeId === nodeId ? { ...node, failure } : node));
  }

  node(id: LiveNode['nodeId']): LiveNode | undefined {
    return this.live.find((node) => node.nodeId === id);
  }

  status(id: InstanceId): InstanceStatus | undefined {
    return this.statuses.get(id);
  }

  statusesOn(): readonly InstanceStatus[] {
    return [...this.statuses.values()];
  }

  publish(): Promise<void> {
    return Promise.resolve();
  }

  readonly changed: NodeRow[] = [];

  nodeChanged(row: NodeRow): void {
    this.changed.push(row);
  }

  onChange(): () => void {
    return () => undefined;
  }

  async routesApplied(): Promise<void> {}

  leftOutOfRoutes(): undefined {}

  certificateChanges = 0;

  async certificatesChanged(): Promise<void> {
    this.certificateChanges += 1;
  }

  async setAcmeThumbprint(): Promise<void> {}

  proxySettingsChanges = 0;

  async proxySettingsChanged(): Promise<void> {
    this.proxySettingsChanges += 1;
  }

  served = new Map<string, ServedCertificate>();

  servedBy(id: string): ServedCertificate | undefined {
    return this.served.get(id);
  }

  egressChanges = 0;

  async egressChanged(): Promise<void> {
    this.egressChanges += 1;
  }

  /** The stream to a process. Absent: every node is away. */
  attaching: Fleet['attach'] | undefined;

  async attach(...[node, sandbox, signal]: Parameters<Fleet['attach']>): Promise<Duplex> {
    if (this.attaching === undefined)
      throw new SlipwayError({ code: 'SLIP_ATTACH_NODE_AWAY', message: 'The node is away.' });
    return await this.attaching(node, sandbox, signal);
  }

  async *logs(query: { lines: number; follow: boolean }, signal: AbortSignal): AsyncIterable<LogLine> {
    yield* query.lines === 0 ? [] : this.lines.slice(-query.lines);
    if (query.follow && this.following !== undefined) yield* this.following(signal);
  }
}
