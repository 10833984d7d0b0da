/** A PipeHal whose calls, results and packets go through a seam, without keys, cookies and, unless they are asked for, payloads. */
import { delegateHal } from '../hal/delegate.js';
import type {
  EntryOperation,
  EntryResult,
  PipeHal,
  RssPacket,
  SpiKeyBatch,
  TransmitPacket,
} from '../hal/hal.js';
import type { ActionValues, BasicEntry, ControlEntry, PipeProgram } from '../hal/program.js';
import { PSP_COOKIE_OCTETS } from '../psp/header.js';
import { shownFrame, shownOuterHeader } from './frames.js';
import type { ShownPacket } from './records.js';
import type { SeamOptions } from './seamed-deps.js';
import type { SecretsShown } from './stand-ins.js';
import { encoded, encodedError } from './values.js';

export function seamedHal(hal: PipeHal, { seam, standIns, withPayload, onBuild }: SeamOptions): PipeHal {
  const shownPacket = ({ frame, packetMeta = 0 }: TransmitPacket): ShownPacket => ({
    ...shownFrame(frame, withPayload, standIns),
    ...(packetMeta === 0 ? {} : { m: packetMeta }),
  });
  const asked = seam.asked.bind(seam);
  return delegateHal(hal, {
    build: (program: PipeProgram) => {
      const shown = encoded(program);
      onBuild(shown);
      return asked('hal', 'build', () => hal.build(program), [shown]);
    },
    apply: (operations) =>
      asked(
        'hal',
        'apply',
        () => hal.apply(operations),
        [operations.map((one) => shownOperation(one, standIns))],
        (results) => results.map(shownResult),
      ),
    setKeys: (slots) =>
      asked(
        'hal',
        'setKeys',
        () => hal.setKeys(slots),
        [encoded(slots.map(({ cryptoId, key }) => ({ cryptoId, key: standIns.key(key) })))],
        (results) => results.map((error) => (error === null ? null : encodedError(error))),
      ),
    clearKeys: (cryptoIds) => asked('hal', 'clearKeys', () => hal.clearKeys(cryptoIds), [[...cryptoIds]]),
    generateKeys: (keyLengthOctets, count, algorithm) =>
      asked(
        'hal',
        'generateKeys',
        () => hal.generateKeys(keyLengthOctets, count, algorithm),
        algorithm === undefined ? [keyLengthOctets, count] : [keyLengthOctets, count, algorithm],
        (batch: SpiKeyBatch) => encoded({ ...batch, keys: standIns.keys(batch.keys, batch.keyLengthOctets) }),
      ),
    rotateMasterKey: () => asked('hal', 'rotateMasterKey', () => hal.rotateMasterKey()),
    counters: (selectors) =>
      asked(
        'hal',
        'counters',
        () => hal.counters(selectors),
        [selectors.map((one) => ({ ...one }))],
        (counters) => counters.map(({ packets, octets }) => [String(packets), String(octets)]),
      ),
    statistics: () => asked('hal', 'statistics', () => hal.statistics()),
    // The front finds the answer without the device, and who asks has it put into words: nothing comes of it.
    lookup: (packet) => hal.lookup(packet),
    onReceive: (handler) =>
      hal.onReceive((packets: RssPacket[]) => {
        // What waits so is what the device hands over in one turn of the event loop.
        seam.later(
          () => ({ k: 'packets', p: packets.map(shownPacket) }),
          () => handler(packets),
        );
      }),
    transmit: (packets) =>
      seam.call('hal', 'transmit', () => hal.transmit(packets), [packets.map(shownPacket)]),
    close: () => asked('hal', 'close', () => hal.close()),
    [Symbol.asyncDispose]: () => hal.close(),
  });
}

function shownResult(result: EntryResult): unknown {
  return 'error' in result ? { error: encodedError(result.error) } : { id: result.id };
}

function shownOperation(operation: EntryOperation, standIns: SecretsShown): unknown {
  if (operation.operation === 'remove') return operation;
  if (operation.operation === 'add')
    return encoded({ ...operation, entry: withoutCookies(operation.entry, standIns) });
  return encoded({ ...operation, values: valuesWithoutCookies(operation.values, standIns) });
}

function withoutCookies(entry: BasicEntry | ControlEntry, standIns: SecretsShown): unknown {
  const shown: Record<string, unknown> = { ...entry };
  if (entry.match !== undefined && 'tun.psp.vc' in entry.match) {
    const cookie: unknown = entry.match['tun.psp.vc'];
    const replaced =
      cookie instanceof Uint8Array
        ? cookieWithout(cookie, standIns)
        : withCookieValue(cookie as { value?: unknown }, standIns);
    shown.match = { ...entry.match, 'tun.psp.vc': replaced };
  }
  if (entry.values !== undefined) shown.values = valuesWithoutCookies(entry.values, standIns);
  return shown;
}

/** Of a control pipe's entry. */
function withCookieValue(match: { value?: unknown }, standIns: SecretsShown): unknown {
  const { value } = match;
  return value instanceof Uint8Array ? { ...match, value: cookieWithout(value, standIns) } : match;
}

function cookieWithout(cookie: Uint8Array, standIns: SecretsShown): Uint8Array {
  const shown = new Uint8Array(cookie);
  if (shown.length === PSP_COOKIE_OCTETS) standIns.replaceCookie(shown, 0);
  else shown.fill(0);
  return shown;
}

function valuesWithoutCookies(values: ActionValues | undefined, standIns: SecretsShown): unknown {
  if (values?.encapHeader === undefined) return values;
  return { ...values, encapHeader: shownOuterHeader(values.encapHeader, standIns) };
}
