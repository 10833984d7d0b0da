/** A gateway's `aead` names the engine that seals and opens its packets; which one it is cannot be seen on the wire. */
import { createHash } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { nobleEngine } from '../../../src/psp/aead-noble.js';
import { opensslEngine } from '../../../src/psp/aead-openssl.js';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { topologyOf } from '../../support/topology-text.js';

afterEach(() => vi.restoreAllMocks());

const PINGS = 5;

/** Runs pings from h1 to h2; gives a digest of all captures, and how many packets each engine has sealed. */
async function run(flags: string) {
  const seals = [vi.spyOn(opensslEngine, 'seal'), vi.spyOn(nobleEngine, 'seal')];
  const digest = createHash('sha256');
  const sink = { write: (file: string, piece: Uint8Array) => void digest.update(file).update(piece) };
  const topology = topologyOf(`name: t
topology:
  defaults: {flags: {${flags}}}
  leaf-spine: {leaves: 1, spines: 1, hosts: 2}
scenario:
  traffic:
    A: {type: ping, from: h1-v1, to: h2-v1, count: ${PINGS}, interval: 10ms}
  expect:
    - {flow: A, lost: 0}
`);
  const { report } = await runVirtually(topology, { sink, captures: true });
  expect(report.ok).toBe(true);
  const [byOpenssl, byNoble] = seals.map(({ mock }) => mock.calls.length);
  vi.restoreAllMocks();
  return { digest: digest.digest('hex'), byOpenssl, byNoble };
}

test('noble gives the octets that OpenSSL gives', async () => {
  const packets = 2 * PINGS;
  const openssl = await run('');
  expect(openssl).toMatchObject({ byOpenssl: packets, byNoble: 0 });
  expect(await run('aead: noble')).toEqual({ digest: openssl.digest, byOpenssl: 0, byNoble: packets });
});
