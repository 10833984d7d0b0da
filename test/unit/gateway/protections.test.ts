/** What a gateway says at its start of each protection that its operator has switched off. */
import { expect, test } from 'vitest';
import { protectionsOff } from '../../../src/gateway/protections.js';

const ON = {
  insecure: false,
  ingressAcl: true,
  debugKeys: false,
  sampledOctets: false,
  mode: 'tunnel',
  aead: 'openssl',
  pspVersion: 1,
  allowCoreDumps: false,
} as const;

test('with all protections on nothing', () => {
  expect(protectionsOff(ON)).toEqual([]);
});

test.each([
  [{ insecure: true }, '--insecure', /plaintext: who can read the OOB network can read all keys/],
  [{ pspVersion: 2 as const }, '--psp-version=2', /AES-GMAC-128 .* does not encrypt: .* can read all/],
  [{ ingressAcl: false }, '--disable-ingress-acl', /every packet that decrypts is let in/],
  [{ debugKeys: true }, '--debug-keys', /keys are printed to the log/],
  [{ sampledOctets: true }, '--sampled-octets', /packets that are sampled on the way in are printed/],
  [{ allowCoreDumps: true }, '--allow-core-dumps', /core dumps may be written/],
  [{ aead: 'noble' as const }, '--aead=noble', /leaves what it has made of keys in the memory/],
  [{ mode: 'transport' as const }, '--mode=transport', /IP headers of the workload, .* stay readable/],
])('of %j its flag, and what follows', (change, flag, consequence) => {
  expect(protectionsOff({ ...ON, ...change })).toEqual([
    { flag, consequence: expect.stringMatching(consequence) },
  ]);
});

test('of all of them in the order of how much depends on them', () => {
  const off = protectionsOff({
    insecure: true,
    ingressAcl: false,
    debugKeys: true,
    sampledOctets: true,
    allowCoreDumps: true,
    aead: 'noble',
    mode: 'transport',
    pspVersion: 3,
  });
  expect(off.map(({ flag }) => flag)).toEqual([
    '--insecure',
    '--psp-version=3',
    '--disable-ingress-acl',
    '--debug-keys',
    '--sampled-octets',
    '--allow-core-dumps',
    '--aead=noble',
    '--mode=transport',
  ]);
});
