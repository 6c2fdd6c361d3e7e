/** How the room of a stick is shared between peers: who needs little gets all of it, and the others get the same. */

export function roomShares(roomBytes: number, needs: readonly number[]): number[] {
  const shares = needs.map(() => 0);
  const order = needs.map((_, index) => index).sort((a, b) => needs[a]! - needs[b]!);
  let leftBytes = roomBytes;
  for (const [position, index] of order.entries()) {
    const share = Math.min(needs[index]!, Math.floor(leftBytes / (order.length - position)));
    shares[index] = share;
    leftBytes -= share;
  }
  // What nobody needs by the rough count goes to whoever needs most: the count may be short.
  const last = order.at(-1);
  if (last !== undefined) shares[last]! += leftBytes;
  return shares;
}
