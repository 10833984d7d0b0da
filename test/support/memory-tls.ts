/**
 * What TLS would do between gateways whose control plane is in memory: their certificates are real ones, and are looked at by the
 * virtual clock at each call, as each would be a connection of its own.
 */
import { X509Certificate } from 'node:crypto';
import type { VirtualClock } from '../../src/base/virtual-clock.js';
import type { GatewayObserver } from '../../src/gateway/events.js';
import type { TlsFiles } from '../../src/gateway/options.js';
import { validityOf } from '../../src/gateway/rpc/certificate-reading.js';
import { callerProblem, peerProblem } from '../../src/gateway/rpc/connection-problems.js';
import {
  type ControlTransport,
  RpcError,
  type ServiceAddress,
  serviceText,
  type TlsMaterial,
} from '../../src/gateway/rpc/transport.js';

/** Until either end knows that a handshake has failed. */
const HANDSHAKE_MS = 1;

interface End {
  readonly material: TlsMaterial;
  readonly files: TlsFiles;
  /** Of its gateway, as soon as it listens. */
  observe: GatewayObserver;
}

/** OpenSSL's code for what is wrong with a certificate, and that of the alert that its owner gets. */
type Verdict = readonly [code: string, alert: string];

export class MemoryTls {
  readonly #ends = new Map<string, End>();

  constructor(private readonly clock: VirtualClock) {}

  /** The transport of the gateway that serves at `service`, with TLS. */
  wrap(
    service: ServiceAddress,
    material: TlsMaterial,
    files: TlsFiles,
  ): (transport: ControlTransport) => ControlTransport {
    const { clock } = this;
    const own: End = { material, files, observe: () => {} };
    return (transport) => ({
      ...transport,
      listen: (address, handler, doorkeeper, observe = () => {}) => {
        own.observe = observe;
        this.#ends.set(serviceText(service), own);
        return transport.listen(address, handler, doorkeeper, observe);
      },
      call: async (peer, ...rest) => {
        const other = this.#ends.get(serviceText(peer));
        const ofPeer = other && this.#judge(own, other);
        const ofOurs = other && this.#judge(other, own);
        const refused = ofPeer ?? ofOurs;
        if (other === undefined || refused === undefined) return transport.call(peer, ...rest);
        await new Promise<void>((resolve) => clock.setTimer(resolve, HANDSHAKE_MS));
        const known = { secure: true, nowMs: clock.nowMs() };
        const [code, alert] = refused;
        // Who does not believe a certificate ends the connection: the server without a word, the client with an alert.
        const atServer = callerProblem({
          ...known,
          error: { code: ofPeer === undefined ? code : alert },
          files: other.files,
          ...(ofPeer === undefined ? { certificate: certificateOf(own) } : {}),
        });
        other.observe({
          type: 'caller-refused',
          from: service.host,
          why: 'handshake',
          reason: atServer.message,
          problem: atServer.kind,
        });
        const atClient = peerProblem({
          ...known,
          error: ofPeer === undefined ? undefined : { code },
          files: own.files,
          ...(ofPeer === undefined ? {} : { certificate: certificateOf(other) }),
        });
        throw new RpcError('UNAVAILABLE', `${serviceText(peer)}: ${atClient.message}`, atClient.kind);
      },
      close: () => {
        if (this.#ends.get(serviceText(service)) === own) this.#ends.delete(serviceText(service));
        return transport.close();
      },
    });
  }

  /** What `verifier` has against the certificate of `owner`. */
  #judge(verifier: End, owner: End): Verdict | undefined {
    const certificate = certificateOf(owner);
    const authority = new X509Certificate(verifier.material.caPem);
    if (!certificate.verify(authority.publicKey))
      return ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'];
    if (validityOf(certificate).notAfterMs < this.clock.nowMs())
      return ['CERT_HAS_EXPIRED', 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED'];
    return undefined;
  }
}

const certificateOf = ({ material }: End) => new X509Certificate(material.certificatePem);
