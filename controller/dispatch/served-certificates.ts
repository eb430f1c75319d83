import type { RoutesUpdate } from '../../shared/domain/fleet-routes.ts';
import type { CertificateId, NodeId } from '../../shared/domain/ids.ts';
import type { CertificatesServed, UnservedCertificate } from '../../shared/rpc/messages.ts';

interface Report {
  readonly version: number;
  readonly unserved: ReadonlyMap<CertificateId, UnservedCertificate>;
}

/** What a node says about one certificate of the route table. */
type ServingState =
  | { readonly kind: 'served' }
  /** The node has not reported on this version of the certificate. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'unserved'; readonly certificate: UnservedCertificate };

/** Which node serves which certificate of the route table, from the last report of each node. */
export class ServedCertificates {
  readonly #reports = new Map<NodeId, Report>();
  /** The version of the route table in which a certificate changed last. */
  readonly #changedAt = new Map<CertificateId, number>();
  /** Nodes that answer no HTTPS. They report that nothing is missing. */
  readonly #plainOnly = new Set<NodeId>();
  /** The version in which such a node began to answer HTTPS. Its earlier reports say nothing. */
  readonly #edgeSince = new Map<NodeId, number>();

  tableChanged({ version, peers, certificates, removedCertificateIds }: RoutesUpdate): void {
    for (const { nodeId, plainOnly } of peers) {
      if (plainOnly === true) this.#plainOnly.add(nodeId);
      else if (this.#plainOnly.delete(nodeId)) this.#edgeSince.set(nodeId, version);
    }
    for (const { id } of certificates) this.#changedAt.set(id, version);
    for (const id of removedCertificateIds) this.#changedAt.delete(id);
  }

  /** The agent may have started again, and reports what it serves now. */
  sessionStarted(nodeId: NodeId): void {
    this.#reports.delete(nodeId);
  }

  reported(nodeId: NodeId, { version, unserved }: CertificatesServed): void {
    this.#reports.set(nodeId, { version, unserved: new Map(unserved.map((one) => [one.id, one])) });
  }

  /** What the node said in its last report. */
  unservedOn(nodeId: NodeId): readonly UnservedCertificate[] {
    const unserved = [...(this.#reports.get(nodeId)?.unserved.values() ?? [])];
    return unserved.filter(({ id }) => this.#changedAt.has(id));
  }

  /** Undefined: the route table does not have the certificate. */
  on(nodeId: NodeId, id: CertificateId): ServingState | undefined {
    const changedAt = this.#changedAt.get(id);
    if (changedAt === undefined) return undefined;
    const report = this.#reports.get(nodeId);
    const neededVersion = Math.max(changedAt, this.#edgeSince.get(nodeId) ?? 0);
    if (report === undefined || report.version < neededVersion) return { kind: 'waiting' };
    const certificate = report.unserved.get(id);
    return certificate === undefined ? { kind: 'served' } : { kind: 'unserved', certificate };
  }
}
