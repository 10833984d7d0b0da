/** What a gateway is handed, with a seam in between. */
import type { Random } from '../base/random.js';
import type { LogFields, Logger } from '../gateway/log.js';
import type { StateStore } from '../gateway/recovery/state-keeper.js';
import type { TlsMaterial, TlsSource } from '../gateway/rpc/transport.js';
import type { GatewayDeps } from '../gateway/surroundings.js';
import type { Seam } from './seam.js';
import { seamedHal } from './seamed-hal.js';
import { seamedTransport } from './seamed-transport.js';
import type { SecretsShown } from './stand-ins.js';
import { encoded, hexOf } from './values.js';

const COOKIE_OCTETS = 8;
/** Fields of log lines: the octets of a packet (--sampled-octets), which are left out, and a key (--debug-keys). */
const OCTETS_FIELD = 'octets';
const KEY_FIELD = 'key';

export interface SeamOptions {
  readonly seam: Seam;
  readonly standIns: SecretsShown;
  readonly withPayload: boolean;
  /** Told of the program that was asked for. */
  readonly onBuild: (program: unknown) => void;
}

export function seamedDeps(deps: GatewayDeps, options: SeamOptions): GatewayDeps {
  const { seam, standIns } = options;
  const { state, tls } = deps;
  return {
    ...deps,
    hal: seamedHal(deps.hal, options),
    transport: seamedTransport(deps.transport, seam, standIns),
    clock: seam.clock,
    random: seamedRandom(deps.random, seam, standIns),
    logger: seamedLogger(deps.logger, seam, standIns),
    ...(state === undefined ? {} : { state: seamedState(state, seam) }),
    ...(tls === undefined ? {} : { tls: seamedTls(tls, seam, standIns) }),
  };
}

/** Octets are drawn for cookies, eight for each; numbers are no secrets. */
function seamedRandom(random: Random, seam: Seam, standIns: SecretsShown): Random {
  return {
    uint32: () => seam.call('random', 'uint32', () => random.uint32()),
    fill: (octets) => {
      const drawn = seam.call(
        'random',
        'fill',
        () => {
          const own = new Uint8Array(octets.length);
          random.fill(own);
          return own;
        },
        [octets.length],
        (own) => encoded(withoutCookies(own, standIns)),
      );
      octets.set(drawn);
    },
  };
}

function withoutCookies(octets: Uint8Array, standIns: SecretsShown): Uint8Array {
  const shown = new Uint8Array(octets);
  const whole = octets.length - (octets.length % COOKIE_OCTETS);
  for (let at = 0; at < whole; at += COOKIE_OCTETS) standIns.replaceCookie(shown, at);
  return shown.fill(0, whole);
}

function seamedLogger(logger: Logger, seam: Seam, standIns: SecretsShown): Logger {
  const shown = (fields: LogFields): LogFields => {
    if (fields[KEY_FIELD] === undefined && fields[OCTETS_FIELD] === undefined) return fields;
    const { [KEY_FIELD]: key, [OCTETS_FIELD]: _octets, ...rest } = fields;
    return {
      ...rest,
      ...(typeof key === 'string' ? { key: hexOf(standIns.key(Buffer.from(key, 'hex'))) } : {}),
    };
  };
  return {
    log: (level, message, fields) => {
      if (!seam.isOutside) {
        const a = fields === undefined ? [level, message] : [level, message, encoded(shown(fields))];
        seam.output({ k: 'call', on: 'log', m: 'log', a });
      }
      logger.log(level, message, fields);
    },
    enabled: (level) => seam.isEnabled(level, () => logger.enabled(level)),
  };
}

function seamedState(state: StateStore, seam: Seam): StateStore {
  return {
    load: () => seam.asked('state', 'load', () => state.load()),
    save: (text) => seam.asked('state', 'save', () => state.save(text), [text]),
    isThere: () => seam.asked('state', 'isThere', () => state.isThere()),
  };
}

function seamedTls(tls: TlsSource, seam: Seam, standIns: SecretsShown): TlsSource {
  return {
    files: tls.files,
    material: tls.material,
    stamps: () => seam.asked('tls', 'stamps', () => tls.stamps()),
    read: () =>
      seam.call(
        'tls',
        'read',
        () => tls.read(),
        [],
        (material) => shownMaterial(material, standIns),
      ),
  };
}

export function shownMaterial(material: TlsMaterial, standIns: SecretsShown): TlsMaterial {
  return { ...material, keyPem: standIns.privateKey(material.keyPem) };
}
