/** Every command block of the documents: run as it stands, or marked in the document and checked for its flags and files. */
import { describe, expect, test } from 'vitest';
import { parseConfigFile } from '../../src/gateway/config/config-file.js';
import { readGatewayOptions } from '../../src/gateway/config/read-options.js';
import {
  type Block,
  blocksOf,
  documents,
  isAsShown,
  isMarked,
  isOfCommands,
  placeOf,
  readDocument,
  recipeOf,
  stepsOf,
} from '../support/document-blocks.js';
import { commandsIn, problemsOf } from '../support/documented-flags.js';
import { describeOnKernel } from '../support/kernel.js';
import { inTime } from '../support/program.js';
import { RecipeWorld } from '../support/recipe-world.js';
import { topologyOf } from '../support/topology-text.js';

/** Nothing takes so long on a machine that has anything else to do. */
const RECIPE_TIMEOUT_MS = 600_000;
const BLOCK_TIMEOUT_MS = 300_000;

/** Of each block of a recipe in turn, what it says, one after the other. A block of a `terminal` that says `STARTED` goes on. */
const STARTED = /gateway started/;
const PINGED = /4 packets transmitted, 4 received, 0% packet loss/;
const RECIPES: Readonly<Record<string, readonly (readonly RegExp[])[]>> = {
  'README.md: Try it': [
    [/ok {2}V1 to V2 IPv4/, /ok {2}V2 to V1 IPv6/, /out\/demo\/opened\.pcapng/, /1559 packets/],
    [/two-hosts: 2 gateways/, /rolling-rotation: 50 gateways/, /nothing found: 20 runs/],
  ],
  'README.md: Two gateways by hand': [[], [STARTED], [/4 sent, 4 received, 0 % lost/]],
  'HACKING.md: One case again': [[/nothing found: 1 runs/, /link-cut: 8 gateways/]],
  'docs/doca-soft.md: Your DOCA program in five minutes, without a BlueField': [
    [],
    [/encrypted 5\ndelivered 5\nrefused 0/, /10\.0\.0\.1 > 10\.0\.0\.2: ICMP echo request.* seq 5,/],
    [/encrypted 5\ndelivered 5/, /packet 1, 82 octets .*\n +pipe 6 ROOT: entry 0, then pipe 2 EGRESS_ROOT/],
    [/encrypted [1-9]\d*\ndelivered [1-9]\d*\nrefused 0/],
  ],
  'docs/doca-soft.md: Flags of programs': [
    [/Usage: argp_flags/, /name name\nremove\nforce 1\nEAL -c 0x3\ncount 5/],
  ],
  'docs/hardware.md: Without hardware': [[], [STARTED], [STARTED], [PINGED]],
  'docs/operations.md: Certificates': [[/365 days left|364 days left|days/]],
  'docs/operations.md: Configuration': [[/gateway\.yaml: right/, /svc-addr: 127\.0\.0\.71:3000/]],
  'docs/recordings.md: Recordings': [
    [STARTED],
    [/4 sent, 4 received, 0 % lost/, /no difference/, /INFO tunnel established/, /no difference/],
  ],
  'docs/running.md: A real network stack as workload': [[], [STARTED], [STARTED], [PINGED]],
  'docs/running.md: Starting and ending': [[]],
  'docs/topology.md: Real time': [
    [],
    [STARTED],
    [/ok {2}all of .* is delivered|ok {2}all of \d+ flows/, /ok {2}nothing in clear/],
  ],
  'docs/topology.md: Searching for failures': [[]],
  'docs/topology.md: On many machines': [[/kubernetes\.yaml, search\.yaml/, /link-cut\.clab\.yml/]],
  'docs/topology.md: By shards': [
    [/seeds 1 to 10: 10 runs, 0 failed/, /seeds 11 to 20: 10 runs/, /2 shards of seeds 1\.\.20: 20 runs/],
  ],
  'docs/verify.md: What does this device do?': [[/passed +sessions-sender: 12 cases/, /, 0 failed, /]],
  'docs/wireshark.md: The dissector': [[/PSP/, /SPI 0x[0-9a-f]{8}, AES-GCM-256, IPv4 \(tunnel mode\)/]],
  'docs/wireshark.md: An example': [[], [], []],
  'examples/library/README.md: The library, by example': [
    [
      /checksum/,
      /again the same packet: true/,
      /1571 frames/,
      /problems: 0/,
      /encrypted: 1 packet/,
      /tunnels is 4/,
    ],
  ],
  'examples/README.md: Examples': [[/two-hosts: 2 gateways/]],
};

const all = documents().map((document) => blocksOf(document, readDocument(document)));
const commands = all.flatMap(({ blocks }) => blocks).filter(isOfCommands);
const recipes = new Map<string, Block[]>();
for (const block of commands.filter((one) => !isMarked(one))) {
  const name = recipeOf(block);
  recipes.set(name, [...(recipes.get(name) ?? []), block]);
}

describe('blocks of documents', () => {
  test('are commands or data, and say which', () => {
    expect(all.flatMap(({ problems }) => problems)).toEqual([]);
  });

  test('of commands are run here, as they stand, unless they are marked', () => {
    const counts = [...recipes].map(([name, blocks]) => [name, blocks.length]);
    const known = Object.entries(RECIPES).map(([name, blocks]) => [name, blocks.length]);
    expect(counts.sort()).toEqual(known.sort());
  });

  test.each(commands.filter(isMarked))('$document:$line names what there is', async ({ text }) => {
    const named = commandsIn(text);
    expect(named.length).toBeGreaterThan(0);
    expect((await Promise.all(named.map(problemsOf))).flat()).toEqual([]);
  });

  test('of data are what the program reads: topologies, configurations, session files, tunnels files', () => {
    const data = all.flatMap(({ blocks }) => blocks).filter((block) => !isOfCommands(block));
    const inYaml = data.filter(({ language }) => language === 'yaml');
    const isConfiguration = ({ text }: Block) => /^(?:flags|peers):/m.test(text);
    const topologies = inYaml.filter((block) => !isConfiguration(block));
    expect(topologies.map(({ text }) => topologyOf(text).name)).toEqual([
      'two-hosts',
      'two-devices-and-a-kernel',
    ]);
    const configurations = inYaml.filter(isConfiguration);
    expect(configurations.map(recipeOf)).toEqual([
      'docs/operations.md: Who a peer is',
      'docs/running.md: Configuration file',
    ]);
    for (const { text } of configurations) {
      // Peers alone are a part of a file: the rest of it stands on the command line.
      const own = /^flags:/m.test(text)
        ? []
        : ['-s10.0.0.1', '--outer-ip-type=ipv4', '--tls-ca=ca', '--tls-cert=own', '--tls-key=key'];
      const { peers } = readGatewayOptions([...own, '--config', 'file.yaml'], () => text, {
        parseConfigFile,
      }).options;
      expect(peers.length, text).toBeGreaterThan(0);
    }
    for (const [heading, flag] of [
      ['Tunnels files', '--tunnels-file'],
      ['Session file', '--config'],
    ] as const) {
      const { text } = data.find((block) => recipeOf(block) === `docs/running.md: ${heading}`)!;
      expect(
        readGatewayOptions(['--insecure', flag, 'file'], () => text).options.peers.length,
        flag,
      ).toBeGreaterThan(0);
    }
  });

  const INLINE = /`((?:[A-Z_]+=\S+ )*(?:psp-gateway|node dist\/cli\/main\.js|npm|npx vitest) [^`|\\[\]]+)`/g;
  test.each(documents())('%s names what there is between its words', async (document) => {
    const problems: string[] = [];
    // A sentence seldom gives a command whole.
    for (const [, command] of readDocument(document)
      .replace(/```[\s\S]*?```/g, '')
      .matchAll(INLINE))
      for (const words of commandsIn(command!))
        for (const problem of await problemsOf(words))
          if (/unknown option|unknown flag|no script|knows no|there is no|no test file/.test(problem))
            problems.push(`${command}: ${problem}`);
    expect(problems).toEqual([]);
  });
});

describe('the reader of documents', () => {
  const problemsIn = (markdown: string) => blocksOf('x.md', markdown).problems;

  test('finds what would slip through', () => {
    expect(problemsIn('```sh\nls\n```\n')).toEqual([]);
    expect(problemsIn('- item\n\n      of a list\n')).toEqual([]);
    expect(problemsIn('```\nls\n```\n')).toEqual([
      expect.stringContaining('x.md:1: a block begins with its language'),
    ]);
    expect(problemsIn('```bash\nls\n```\n')).toHaveLength(1);
    expect(problemsIn('```sh magic\nls\n```\n')).toHaveLength(1);
    expect(problemsIn('words\n\n    psp-gateway demo\n')).toEqual([
      'x.md:3: a block without a fence: fence it, with its language',
    ]);
    for (const command of ['psp-gateway demo', '$ ls', 'A=1 npm test', 'ip link'])
      expect(problemsIn(`\`\`\`text\n${command}\n\`\`\`\n`), command).toHaveLength(1);
    expect(problemsIn('```sh\nls\n')).toEqual(['x.md:1: the block does not end']);
  });

  test('finds flags, values, sub-commands, scripts and files that there are not', async () => {
    const found = async (text: string) => (await Promise.all(commandsIn(text).map(problemsOf))).flat();
    expect(
      await found(
        "DOCA_SOFT_CONFIG=a ip netns exec g1 psp-gateway --hal=doca \\\n  --pci-addr=03:00.0 --insecure --repr='[0]' # x\n",
      ),
    ).toEqual([]);
    for (const wrong of [
      'psp-gateway --insecure --no-such-flag',
      'psp-gateway --insecure --max-tunnels=many',
      'ip netns exec g1 node dist/cli/main.js --insecure --hal=dpdk',
      'psp-gateway topology run x.yaml --no-such-flag',
      'psp-gateway topology walk x.yaml',
      'psp-gateway demo --snaplen 3',
      'psp-gateway pipes --hal=dpdk',
      'psp-gateway pipes --format png',
      'true && npm run no-such-script',
      'npm run sabotage -- --no-such-flag',
      'npm run test:one -- test/no-such',
      'npx vitest run test/no-such.test.ts',
      'packaging/no-such.sh',
      'packaging/debian/build-packages.sh --no-such-flag',
    ])
      expect(await found(wrong), wrong).not.toEqual([]);
  });

  test('takes what is printed for what is shown, line by line', () => {
    const printed = 'one   two\nthree 4 five\nsix\n';
    for (const shown of [
      ['one two', 'three 4 five', 'six'],
      ['one two', '...'],
      ['...', 'six'],
      ['one ...', '...', 'six'],
    ])
      expect(isAsShown(printed, shown), shown.join()).toBe(true);
    for (const shown of [
      ['one two', 'three 4 five'],
      ['one two', 'three 5 five', 'six'],
      ['six', '...'],
      ['six'],
      [],
    ])
      expect(isAsShown(printed, shown), shown.join()).toBe(false);
  });
});

describeOnKernel(
  'recipes of documents',
  ['ip', 'unshare', 'nsenter', 'ping', 'tshark', 'tcpdump', 'cc', 'make', 'pkg-config'],
  () => {
    test.each([...recipes])(
      '%s',
      async (name, blocks) => {
        const machines = new Set(blocks.flatMap((block) => placeOf(block).machine ?? []));
        await using world = await RecipeWorld.open([...machines].sort());
        for (const [i, block] of blocks.entries()) await follow(world, block, RECIPES[name]![i]!);
      },
      RECIPE_TIMEOUT_MS,
    );
  },
);

async function follow(world: RecipeWorld, block: Block, says: readonly RegExp[]): Promise<void> {
  const { machine, isBeside } = placeOf(block);
  for (const { command, prints } of stepsOf(block)) {
    const program = world.start(command, machine);
    if (isBeside && says.includes(STARTED)) {
      await program.says(STARTED, BLOCK_TIMEOUT_MS);
      continue;
    }
    const status = await inTime(program.ended, BLOCK_TIMEOUT_MS);
    // What tshark tells root, it tells nobody else.
    const printed = program.out.replace(/^Running as user "root".*\n/m, '');
    const where = `${block.document}:${block.line}: ${command}\n${program.out}`;
    if (status === undefined) throw new Error(`${where}\nhas not ended`);
    // A search ends with 1 when it finds what a document shows that it finds.
    expect([0, ...(prints?.[0]?.startsWith('FAILED') ? [1] : [])], where).toContain(status);
    if (prints !== undefined && !isAsShown(printed, prints))
      throw new Error(`${where}\nis shown as\n${prints.join('\n')}`);
    let rest = program.out;
    for (const pattern of says) {
      const found = pattern.exec(rest);
      expect(found, `${pattern} in ${where}`).not.toBeNull();
      rest = rest.slice(found!.index);
    }
  }
}
