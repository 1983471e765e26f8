// Where datagrams come from and go to, as the socket names it.

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
  /** The address of this node that they arrive at or leave from, on a socket that has several; else the kernel chooses. */
  readonly local?: string;
}

/** Whether it is the same place of the peer. */
export const samePlace = (left: SocketAddress, right: SocketAddress): boolean =>
  left.address === right.address && left.port === right.port;

export const sameAddress = (left: SocketAddress, right: SocketAddress): boolean =>
  samePlace(left, right) && left.local === right.local;
