/** What this link needs of UDP: so little that a simulator can stand in for it. */
export interface DatagramSender {
  /** @param failed called when datagrams cannot be sent: no route, no interface */
  open(failed: (reason: string) => void): Promise<void>;
  /** Gives one datagram to the medium. Lost ones are nobody's fault. */
  send(datagram: Uint8Array): void;
  close(): Promise<void>;
}

export interface DatagramSource {
  /** @param take is handed each datagram, in memory that it must not keep */
  open(take: (datagram: Uint8Array) => void): Promise<void>;
  close(): Promise<void>;
}
