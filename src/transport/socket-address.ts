// Where datagrams come from and go to, as the socket names it.

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export const sameAddress = (left: SocketAddress, right: SocketAddress): boolean =>
  left.address === right.address && left.port === right.port;
