/** Flags that do not go together, and flags that mean something only with another. */
import type { IpFamily } from '../../packet/address.js';
import { vipFamily } from '../directory.js';
import type { PeerOptions } from '../options.js';
import type { FlagReader } from './flag-reader.js';
import { FLAGS, flagNamed } from './flags.js';

/** Flags that mean nothing without another. */
interface Dependents {
  readonly names: readonly string[];
  /** Whether the other is given. One that is wrong counts as given: that is told already. */
  isMet(flags: FlagReader): boolean;
  readonly otherwise: string;
}

const isTransport = (flags: FlagReader): boolean => flags.choice('mode') === 'transport';

const DEPENDENTS: readonly Dependents[] = [
  {
    names: ['maintain-order', 'sample-before-encryption', 'sampled-octets', 'sampled-lines-per-second'],
    isMet: (flags) => flags.optionalNumber('sample-rate') !== 0,
    otherwise: 'is for sampling; give --sample-rate as well',
  },
  {
    names: ['allow-router'],
    isMet: isTransport,
    otherwise: 'is for --mode=transport; in tunnel mode no router reaches the workload',
  },
  {
    names: ['neighbors-per-source', 'neighbors-per-second'],
    isMet: isTransport,
    otherwise: 'is for --mode=transport; in tunnel mode no ARP or neighbor discovery passes',
  },
  {
    names: ['metrics-per-peer'],
    isMet: (flags) => flags.given('metrics'),
    otherwise: 'is for --metrics; give it as well',
  },
  {
    names: ['record-payload', 'record-size'],
    isMet: (flags) => flags.given('record'),
    otherwise: 'is for --record; give it as well',
  },
  {
    names: ['ping-count'],
    isMet: (flags) => flags.given('ping'),
    otherwise: 'is for --ping; give it as well',
  },
];

/** A key lives through one rotation: the grace of the old SPIs, then that of those which took their place. */
const GRACES_PER_ROTATION = 2;

/** A boolean that is false is as if it were not given. */
const isUsed = (flags: FlagReader, name: string): boolean =>
  flags.given(name) && (flagNamed(name)!.kind !== 'boolean' || flags.boolean(name));

const isOfSimulator = (name: string): boolean => flagNamed(name)!.group === 'Simulator';

/** Whether a flag means anything beside the others, so that its default could be given as well. */
export function hasMeaning(flags: FlagReader, name: string): boolean {
  if (isOfSimulator(name) && flags.choice('hal') !== 'sim') return false;
  return DEPENDENTS.every(({ names, isMet }) => !names.includes(name) || isMet(flags));
}

/** Notes flags that do not go together, and flags without the one that they need. */
export function checkTogether(flags: FlagReader, hal: 'sim' | 'doca'): void {
  for (const name of ['decap-dmac', 'local-virt-ip']) {
    if (flags.given('vf-name') && flags.given(name))
      flags.problem(name, 'does not go together with --vf-name');
  }
  if (hal === 'sim' && flags.given('vf-name')) {
    flags.problem('vf-name', 'is for --hal=doca; with --hal=sim the workload is given with --sim-vf');
  }
  if (flags.boolean('confirm-underlay') && isTransport(flags)) {
    flags.problem(
      'confirm-underlay',
      'is for --mode=tunnel; in transport mode packets go where the workload sends them',
    );
  }
  for (const { names, isMet, otherwise } of DEPENDENTS) {
    for (const name of names.filter((one) => hal === 'sim' || !isOfSimulator(one))) {
      if (isUsed(flags, name) && !isMet(flags)) flags.problem(name, otherwise);
    }
  }
  if (flags.number('backoff-min') > flags.number('backoff-max')) {
    flags.problem('backoff-min', 'is greater than --backoff-max');
  }
  const periodMs = flags.number('rotation-period');
  const shortestMs = GRACES_PER_ROTATION * flags.number('rekey-grace');
  if (periodMs > 0 && periodMs < shortestMs) {
    flags.problem(
      'rotation-period',
      `${periodMs} is less than twice --rekey-grace, for which a rotation waits; give ${shortestMs} or more, or 0 for none`,
    );
  }
  for (const [less, more] of [
    ['request-octets', 'octets-per-peer'],
    ['octets-per-peer', 'octets-in-flight'],
  ] as const) {
    if (flags.number(less) > flags.number(more)) flags.problem(more, `is less than --${less}`);
  }
  for (const { name } of hal === 'sim' ? [] : FLAGS) {
    if (isOfSimulator(name) && flags.given(name)) flags.problem(name, 'is for --hal=sim');
  }
}

/** Tunnels that carry no family of any peer's virtual addresses carry nothing, until a peer names others. */
export function checkInner(
  flags: FlagReader,
  peers: readonly PeerOptions[],
  inner: readonly IpFamily[],
): void {
  const families = peers.flatMap(({ virtualIps, virtualPrefixes = [] }) =>
    [...virtualIps, ...virtualPrefixes].map(vipFamily),
  );
  const [other] = families;
  if (other === undefined || families.some((family) => inner.includes(family))) return;
  flags.problems.remark(
    flags.whereOf('inner'),
    `tunnels carry IPv${inner[0]}, and all virtual addresses of peers are IPv${other}; say --inner ipv${other}, or both`,
  );
}
