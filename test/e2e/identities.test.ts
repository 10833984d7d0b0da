/**
 * Who may what, by the names in certificates, with real processes: a gateway over the simulator that is known by a SPIFFE ID, one over the
 * software DOCA that is known by a DNS name, and a peer that is known by an address, which means harm. A policy in YAML says what
 * each owns, and that the two honest ones may ask for rotations.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createThrowAwayAuthority } from '../../src/gateway/rpc/certificates.js';
import type { CertificateName } from '../../src/gateway/rpc/transport.js';
import { parseIp } from '../../src/packet/address.js';
import { askedWithin } from '../support/asked-within.js';
import { describeOnKernel } from '../support/kernel.js';
import type { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';
import { type Kind, type Side, World } from './namespaces.js';

const KINDS: readonly Kind[] = ['sim', 'doca'];
const METRICS_PORT = 9464;
/** Where the insider would serve; nobody does. */
const INSIDER = { service: '10.5.5.9', owns: '10.9.9.0/24', vip: '10.9.9.1' };
/** By these the honest ones are known, and by nothing else: their certificates name no address. */
const NAMES: readonly CertificateName[] = [
  { type: 'uri', value: 'spiffe://example.org/gateway/1' },
  { type: 'dns', value: 'gw2.example.org' },
];
const prefixOf = (index: number) => `10.9.${index + 1}`;

/** The configuration of one of the two: the other one, and the insider. */
const policyOf = ({ oob, vip4 }: Side, index: number) => `
policy: {may-rotate: false}
peers:
  - service: ${oob}
    identities: ['${NAMES[index]!.value}']
    owns: [${vip4}, ${prefixOf(index)}.0/24]
    may-rotate: true
  - service: ${INSIDER.service}
    identities: [${INSIDER.service}]
    owns: [${INSIDER.owns}]
`;

/** Certificates of one authority for the two, for the insider, and for somebody of whom no policy says anything. */
async function issueAll({ folder, sides }: World): Promise<void> {
  const authority = await createThrowAwayAuthority();
  const issue = async (file: string, names: object) => {
    const { certificatePem, keyPem } = await authority.issue({
      commonName: NAMES[1]!.value,
      ips: [],
      ...names,
    });
    writeFileSync(join(folder, `${file}.pem`), certificatePem);
    writeFileSync(join(folder, `${file}.key`), keyPem, { mode: 0o600 });
  };
  writeFileSync(join(folder, 'ca.pem'), authority.caPem);
  await issue(sides[0]!.oob, { uris: [NAMES[0]!.value] });
  await issue(sides[1]!.oob, { dnsNames: [NAMES[1]!.value] });
  await issue('insider', { ips: [parseIp(INSIDER.service)] });
  // The other one's ID as a name of another type, and an ID that is not quite it.
  await issue('stranger', { uris: [`${NAMES[0]!.value}/x`], dnsNames: [`x.${NAMES[1]!.value}`] });
}

describeOnKernel('peers that are known by names of their certificates', ['ip', 'ping'], () => {
  test('over both HALs: get what the policy grants them, and PERMISSION_DENIED for all else, which changes nothing', async () => {
    await using world = await World.open();
    await issueAll(world);
    const { folder, sides } = world;
    const socketOf = (index: number) => join(folder, `${index}.sock`);
    const gateways: Program[] = [];
    for (const [index, kind] of KINDS.entries()) {
      const policy = join(folder, `${index}.yaml`);
      writeFileSync(policy, policyOf(sides[1 - index]!, 1 - index));
      gateways.push(
        await world.startGateway(
          index,
          kind,
          [
            `--config=${policy}`,
            `--admin=${socketOf(index)}`,
            `--metrics=${sides[index]!.oob}:${METRICS_PORT}`,
            '--metrics-per-peer',
          ],
          { peerFlags: false },
        ),
      );
    }
    const ask = async (index: number, command: string) => {
      const { status, out, err } = await askedWithin(
        [command, '--socket', socketOf(index), '--json'],
        folder,
      );
      expect({ status, err }).toEqual({ status: 0, err: '' });
      return JSON.parse(out) as Record<string, never>;
    };
    /** What a refused request must not change. */
    const stateOf = async (index: number) => {
      const { rotations, spisGiven, keySlotsUsed, sessions } = await ask(index, 'status');
      const tunnels = (await ask(index, 'tunnels')).tunnels as Record<string, unknown>[];
      const keys = tunnels.map(({ localVip, remoteVip, ingressSpis, egressSpi }) => [
        localVip,
        remoteVip,
        ingressSpis,
        egressSpi,
      ]);
      return { rotations, spisGiven, keySlotsUsed, sessions, keys };
    };
    const ping = () =>
      world.run(sides[0]!.workload, ['ping', '-n', '-c', '3', '-i', '0.2', '-w', '20', sides[1]!.vip4]);
    /** Calls of both gateways, from the first one's machine: where a caller calls from proves nothing. */
    const calls = async (ofOne: (index: number) => readonly { tls: string; tunnels?: string[][] }[]) => {
      const plan = KINDS.flatMap((_, index) =>
        ofOne(index).map(({ tls, ...more }) => ({
          tls: join(folder, tls),
          ca: join(folder, 'ca.pem'),
          service: [sides[index]!.oob, 3000],
          server: [NAMES[index]],
          ...more,
        })),
      );
      const caller = join(ROOT, 'test/e2e/caller.mjs');
      const out = await world.run(sides[0]!.gateway, [process.execPath, caller, JSON.stringify(plan)]);
      const outcomes = JSON.parse(out) as string[];
      const each = outcomes.length / KINDS.length;
      return KINDS.map((_, index) => outcomes.slice(index * each, (index + 1) * each));
    };

    await ping();
    const before = [await stateOf(0), await stateOf(1)];
    const refused = await calls((index) => {
      const [own, other] = [sides[index]!, sides[1 - index]!];
      return [
        { tls: 'insider', tunnels: [[other.vip4, own.vip4]] },
        { tls: 'insider', tunnels: [[`${prefixOf(1 - index)}.77`, own.vip4]] },
        // Nothing of a request is granted of which something is not.
        {
          tls: 'insider',
          tunnels: [
            [INSIDER.vip, own.vip4],
            [other.vip4, own.vip4],
          ],
        },
        { tls: 'insider' },
        { tls: 'stranger', tunnels: [[other.vip4, own.vip4]] },
        { tls: 'stranger' },
      ];
    });
    for (const [index, outcomes] of refused.entries()) {
      const other = sides[1 - index]!;
      const notIts = (ip: string) =>
        expect.stringMatching(
          `^PERMISSION_DENIED: .*virt_src_ip ${ip} does not belong to a peer that is named ip:${INSIDER.service}$`,
        );
      expect(outcomes).toEqual([
        notIts(other.vip4),
        notIts(`${prefixOf(1 - index)}.77`),
        notIts(other.vip4),
        expect.stringMatching(
          /^PERMISSION_DENIED: .*rotations of the master key are not granted to this peer$/,
        ),
        expect.stringMatching(/^PERMISSION_DENIED: .*no configured peer is named/),
        expect.stringMatching(/^PERMISSION_DENIED: .*no configured peer is named/),
      ]);
    }
    expect([await stateOf(0), await stateOf(1)]).toEqual(before);
    await ping();

    const insider = `${INSIDER.service}:3000`;
    for (const [index, gateway] of gateways.entries()) {
      expect((await ask(index, 'peers')).peers).toMatchObject([
        {
          summary: { name: `${sides[1 - index]!.oob}:3000`, reach: 'answers' },
          identity: `certificate for ${NAMES[1 - index]!.value}`,
          mayRotate: true,
          requestsRefused: 0,
          rotationsRefused: 0,
        },
        {
          summary: { name: insider },
          identity: `certificate for ${INSIDER.service}`,
          mayRotate: false,
          requestsRefused: 4,
          rotationsRefused: 1,
        },
      ]);
      const status = await ask(index, 'status');
      expect(status).toMatchObject({ requestsRefused: 4, rotationsRefused: 1 });
      // Who asked calls from the machine of one of the honest ones, which is not named for it.
      const about = (status.problems as { cause: string; about: string }[])
        .filter(({ cause }) => /^(request|rotation)-refused$/.test(cause))
        .map(({ cause, about: whom }) => [cause, whom]);
      expect(about).toEqual([
        ['request-refused', insider],
        ['rotation-refused', insider],
      ]);
      const whose = `peer=${insider.replaceAll('.', '\\.')}`;
      const lines = [
        new RegExp(`WARNING .*refused: PERMISSION_DENIED: virt_src_ip .*${whose}`),
        new RegExp(`WARNING .*a rotation that a peer asked for is refused: PERMISSION_DENIED.*${whose}`),
        /WARNING .*connection refused: .*no configured peer is named/,
      ];
      const told = () =>
        lines.map((pattern) => gateway.out.split('\n').filter((line) => pattern.test(line)).length);
      await expect.poll(told, { timeout: 20_000, message: gateway.out }).toEqual([3, 1, 2]);
    }

    // Rights are the name's: of the insider for its own prefix, of the others for rotations.
    const granted = await calls((index) => [
      { tls: 'insider', tunnels: [[INSIDER.vip, sides[index]!.vip4]] },
      { tls: sides[1 - index]!.oob },
    ]);
    expect(granted).toEqual([
      ['OK', 'OK'],
      ['OK', 'OK'],
    ]);
    for (const index of KINDS.keys()) {
      expect(await ask(index, 'status')).toMatchObject({ rotations: 1, requestsRefused: 4 });
      const fetching = `fetch('http://${sides[index]!.oob}:${METRICS_PORT}/metrics').then((r) => r.text()).then(console.log)`;
      const metrics = await world.run(sides[index]!.gateway, [process.execPath, '-e', fetching]);
      expect(metrics).toContain('psp_gateway_rotations_refused_total{status="PERMISSION_DENIED"} 1\n');
      expect(metrics).toContain(`psp_gateway_peer_requests_refused_total{peer="${insider}"} 4\n`);
      expect(metrics).toContain('psp_gateway_refused_callers_total{reason="no-peer"} 2\n');
    }
    await ping();
  }, 240_000);
});
