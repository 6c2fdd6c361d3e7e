/** The endpoint at which every postern takes batches: `dtn://name/batch`, or service 1 of an ipn node. */

export function batchEndpoint(nodeId: string): string {
  return nodeId.startsWith('dtn:') ? `${nodeId}batch` : nodeId.replace(/\.0$/, '.1');
}

/** N of `ipn:N.0`; undefined for other node ids. */
export function ipnNumber(nodeId: string | undefined): number | undefined {
  const [, node] = /^ipn:(\d+)\.0$/.exec(nodeId ?? '') ?? [];
  return node === undefined ? undefined : Number(node);
}
