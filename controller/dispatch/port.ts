import type { InstanceStatus } from '../../shared/domain/instance.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { AppName } from '../../shared/domain/names.ts';

export interface LiveNode {
  readonly nodeId: NodeId;
  readonly name: string;
  /** True while its session is open. */
  readonly connected: boolean;
  /** Monotonic ms of the last word from it; absent before the first in this life of the controller. */
  readonly lastSeenAtMs?: number | undefined;
  readonly builder: boolean;
  readonly stacks: readonly string[];
  readonly platform: string;
  readonly memoryBytes: number;
  readonly diskFreeBytes: number;
  readonly sandboxDriver: string;
  readonly proxyVersion: string;
  readonly httpAddress: string;
  readonly agentVersion: string;
  readonly missing: readonly string[];
  readonly load1: number;
}

export interface AppLogQuery {
  readonly appId: AppId;
  readonly app: AppName;
  readonly process?: string | undefined;
  readonly lines: number;
  readonly follow: boolean;
}

/** The live half of the fleet: who is connected and what they report. Nothing of it is in the database. */
export interface Fleet {
  nodes(): readonly LiveNode[];
  status(instanceId: InstanceId): InstanceStatus | undefined;
  /** Reads the node's desired state from the store and sends it; a no-op when it is not connected (it gets all on Hello). */
  publish(nodeId: NodeId): Promise<void>;
  /** Calls back after any report or (dis)connection, with the node. Returns the unsubscribe function. */
  onChange(listener: (nodeId: NodeId) => void): () => void;
  /** Merged log lines of every connected node, oldest first where `follow` is false. */
  logs(query: AppLogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
}
