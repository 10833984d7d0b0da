/**
 * What test/native/keys-in-memory.test.ts looks into: two gateways in a process that lives on when they have stopped, the first
 * one over the device that is asked for, the other one over the simulator. Steps and arguments are those of key-life.mjs.
 */

import { systemClock } from '../../dist/base/clock.js';
import { systemRandom } from '../../dist/base/random.js';
import { nativeGuard, ProcessGuard } from '../../dist/cli/process-guard.js';
import { readGatewayOptions } from '../../dist/gateway/config/read-options.js';
import { Gateway } from '../../dist/gateway/gateway.js';
import { createThrowAwayAuthority } from '../../dist/gateway/rpc/certificates.js';
import { createGrpcTransport } from '../../dist/gateway/rpc/grpc-transport.js';
import { giveKeys, KEYS, openDoca, openSim, step } from './key-steps.mjs';

const [, , kind, folder, ...mapping] = process.argv;
/** A key for either direction of each. */
const SESSIONS = KEYS / 2;
const ADDRESSES = ['127.0.0.42', '127.0.0.43'];
const vips = (side) => Array.from({ length: side === 0 ? 1 : SESSIONS }, (_, i) => `10.${side}.0.${i + 1}`);

const guard = new ProcessGuard({ native: nativeGuard(kind), allowCoreDumps: false, onProblem: () => {} });
const authority = await createThrowAwayAuthority();

async function startGateway(side) {
  const hal = await (side === 0 && kind === 'doca' ? openDoca(folder, mapping) : openSim(2 + side));
  const other = 1 - side;
  const flags = [
    ...['--outer-ip-type=ipv4', '--svc-addr', `${ADDRESSES[side]}:3000`],
    ...['--tunnel', `${ADDRESSES[other]}:3000:${vips(other).join(',')}`],
    ...['--local-virt-ip', vips(side).join(','), '--decap-dmac=02:00:00:00:00:11'],
    ...['--rotation-period=0', '--rekey-grace=100', '--tls-ca=a', '--tls-cert=b', '--tls-key=c'],
  ];
  const { options } = readGatewayOptions(flags, () => '');
  const gateway = new Gateway({
    hal: new Proxy(hal, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target);
        if (name === 'generateKeys') {
          return async (...args) => {
            const batch = await target.generateKeys(...args);
            giveKeys(batch);
            return batch;
          };
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
    transport: createGrpcTransport({
      tls: {
        caPem: authority.caPem,
        ...(await authority.issue({ commonName: ADDRESSES[side], ips: [ADDRESSES[side]] })),
      },
      messageOctetsMax: options.limits.requestOctetsMax,
      clock: systemClock,
    }),
    clock: systemClock,
    random: systemRandom(),
    logger: { log: () => {}, enabled: () => false },
    options,
  });
  await gateway.start();
  return gateway;
}

const gateways = [await startGateway(0), await startGateway(1)];
await gateways[0].connect(vips(1).map((remoteVip) => ({ localVip: vips(0)[0], remoteVip })));
await step('set');
for (const gateway of gateways) await gateway.stop();
guard.forget();
await step('closed');
process.exit(0);
