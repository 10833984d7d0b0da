/** The metrics cannot be served at their address. */
import { type ServiceAddress, serviceText } from '../gateway/rpc/transport.js';

export class MetricsListenError extends Error {
  override readonly name = 'MetricsListenError';
  /** No interface of this machine has the address. */
  readonly isWrongAddress: boolean;

  constructor(address: ServiceAddress, cause: NodeJS.ErrnoException) {
    super(`cannot serve metrics at ${serviceText(address)}: ${adviceOn(cause)}`, { cause });
    this.isWrongAddress = cause.code === 'EADDRNOTAVAIL';
  }
}

function adviceOn({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program listens there; give another PORT, or end that program (`ss -ltnp` names it)';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; give one of its own, or a PORT alone for loopback';
    case 'EACCES':
      return 'ports below 1024 are for root; give a higher PORT';
    default:
      return message;
  }
}
