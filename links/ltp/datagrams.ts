/** What LTP stands on: datagrams to and from one peer, which may be lost, doubled, reordered and late. UDP is one way; a simulated network is another. */
export interface Datagrams {
  /** @param receive gets whatever comes from the peer, and nothing from anybody else. @throws LINK_LISTEN */
  open(receive: (datagram: Uint8Array) => void): Promise<void>;
  /** One datagram of these parts, which are not changed afterwards. What cannot be sent is lost. */
  send(parts: readonly Uint8Array[]): void;
  close(): Promise<void>;
}
