/** The endpoint at which every postern takes batches: `dtn://name/batch`, or service 1 of an ipn node. */

export function batchEndpoint(nodeId: string): string {
  return nodeId.startsWith('dtn:') ? `${nodeId}batch` : nodeId.replace(/\.0$/, '.1');
}
