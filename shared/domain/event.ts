/** Who or what did what, when: what an operator asks the morning after. Never holds a secret. */
export interface FleetEvent {
  /** Grows with every event; the place to page from. */
  readonly seq: number;
  readonly atMs: number;
  /** Area and what happened: `release.created`, `node.unreachable`, `instance.oom`. */
  readonly kind: string;
  /** A user's name, `node fra-1`, or `controller`. */
  readonly actor: string;
  readonly app?: string | undefined;
  readonly node?: string | undefined;
  /** `web.1` */
  readonly instance?: string | undefined;
  /** One sentence. */
  readonly message: string;
  /** The command that leads on. */
  readonly next?: string | undefined;
  readonly details?: EventDetails | undefined;
}

export type EventDetails = Readonly<Record<string, string | number | boolean>>;

export type NewEvent = Omit<FleetEvent, 'seq' | 'atMs'>;

export function nodeActor(name: string): string {
  return `node ${name}`;
}
