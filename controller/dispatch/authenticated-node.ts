import type { NodeRow } from '../domain/nodes.ts';

/** The node that a client certificate belongs to. */
export interface AuthenticatedNode {
  readonly row: NodeRow;
  readonly serial: string;
}
