/** The name that the certificate of a node carries when it answers other nodes; `.internal` is nobody's on the internet. */
export function meshNameOf(nodeId: string): string {
  return `${nodeId}.mesh.slipway.internal`;
}
