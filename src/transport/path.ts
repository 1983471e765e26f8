// Where a peer is, as the socket names it.

export interface Path {
  readonly address: string;
  readonly port: number;
}
