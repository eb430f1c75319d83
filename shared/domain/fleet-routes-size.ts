import type { FleetApp, FleetCertificate, FleetRoutes, HttpsRules, MeshPeer } from './fleet-routes.ts';

// The route table of the fleet is one message of at most 8 MiB. These limits keep it below that size.

const MEBIBYTE = 1024 * 1024;

/** Most bytes of a table. A change also names removed entries, which need the rest of the message. */
export const TABLE_BYTES_MAX = 7 * MEBIBYTE;

/** Most bytes of all domains of all apps: about 90 000 names of 30 characters. The rest is for apps and nodes. */
export const DOMAINS_BYTES_MAX = 3 * MEBIBYTE;

/** Most bytes of the maintenance pages of all apps, while these apps are in maintenance. */
export const PAGES_BYTES_MAX = MEBIBYTE;

/** Most bytes of all certificates in the table: about 8 000 certificates of one name. */
export const CERTIFICATES_BYTES_MAX = MEBIBYTE;

/** A name in a list: its length, and the number of its field. */
export const NAME_BYTES = 3;
const LINE_BYTES = 16;
/** A position in a list of host names. */
const POSITION_BYTES = 2;

/** An upper bound of the bytes in the message. Pure, like all functions of this file. */
export function appLineBytes({ appId, app, hostnames, nodeIds, maintenance, https }: FleetApp): number {
  const pageBytes = maintenance === undefined ? 0 : LINE_BYTES + Buffer.byteLength(maintenance.page ?? '');
  const bytes = LINE_BYTES + appId.length + app.length + listBytes(hostnames) + listBytes(nodeIds);
  return bytes + pageBytes + (https === undefined ? 0 : httpsBytes(https));
}

function httpsBytes({ redirected, canonical = '' }: HttpsRules): number {
  return 2 * LINE_BYTES + redirected.length * POSITION_BYTES + canonical.length;
}

export function certificateBytes({ id, fingerprint, names }: FleetCertificate): number {
  return LINE_BYTES + id.length + fingerprint.length + listBytes(names);
}

/** The table without its apps. */
export type FixedParts = Omit<FleetRoutes, 'epoch' | 'version' | 'apps'>;

/** Bytes of the table without its apps. */
export function fixedTableBytes({ peers, refused, certificates, acmeThumbprint = '', fronts }: FixedParts): number {
  const peersBytes = peers.reduce((sum, peer) => sum + peerBytes(peer), 0);
  const certificatesBytes = certificates.reduce((sum, one) => sum + certificateBytes(one), 0);
  const frontsBytes = listBytes(fronts?.trusted ?? []) + listBytes(fronts?.proxyProtocol ?? []);
  return 5 * LINE_BYTES + peersBytes + listBytes(refused) + certificatesBytes + acmeThumbprint.length + frontsBytes;
}

function peerBytes({ nodeId, name, address }: MeshPeer): number {
  return 2 * LINE_BYTES + nodeId.length + name.length + address.length;
}

function listBytes(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + name.length + NAME_BYTES, 0);
}
