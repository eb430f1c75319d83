/** A record of an action for operators: who did what, and when. It never contains a secret. */
export interface FleetEvent {
  /** Grows with every event. Pages of events start at it. */
  readonly seq: number;
  readonly atMs: number;
  /** Area and event: `release.created`, `node.unreachable`, `instance.oom`. */
  readonly kind: string;
  /** A user's name, `node fra-1`, or `controller`. */
  readonly actor: string;
  readonly app?: string | undefined;
  readonly node?: string | undefined;
  /** `web.1` */
  readonly instance?: string | undefined;
  /** One sentence. */
  readonly message: string;
  /** The next command. */
  readonly next?: string | undefined;
  readonly details?: EventDetails | undefined;
}

export type EventDetails = Readonly<Record<string, string | number | boolean>>;

export type NewEvent = Omit<FleetEvent, 'seq' | 'atMs'>;

export function nodeActor(name: string): string {
  return `node ${name}`;
}
