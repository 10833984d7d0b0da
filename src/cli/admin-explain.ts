/** `psp-gateway explain`: what a running gateway would do with a packet, and why. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { AdminClient } from '../admin/admin-client.js';
import { DIRECTIONS, PORT_MAX, PROTOCOLS } from '../gateway/explain/packet-question.js';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';

interface Flags extends AdminFlags {
  readonly direction?: string;
  readonly in?: true;
  readonly out?: true;
  readonly proto: string;
  readonly sport: number;
  readonly dport: number;
}

const EXAMPLES = `From the gateway's books: nothing is sent, and no peer is asked. Without --direction the packet goes out, unless only DST is an address of the
workload. One that comes in is taken for authentic, under the SPI that the peer was given last.

  psp-gateway explain 192.168.1.33 192.168.1.55
  psp-gateway explain 192.168.1.33 10.2.0.9 --proto tcp --dport 443
  psp-gateway explain 192.168.1.55 192.168.1.33 --in`;

export function explainCommand(): Command {
  const command = withAdminFlags(
    new Command('explain')
      .description('tell what a running gateway would do with a packet, pipe by pipe, and why')
      .argument('<src>', "the packet's source address")
      .argument('<dst>', "the packet's destination address")
      .addOption(new Option('--direction <way>', 'which way it goes').choices(DIRECTIONS))
      .addOption(new Option('--in', 'it comes in: --direction in').conflicts(['out', 'direction']))
      .addOption(new Option('--out', 'it goes out: --direction out').conflicts(['direction']))
      .addOption(new Option('--proto <name>', 'what it carries').choices(PROTOCOLS).default('icmp'))
      .addOption(new Option('--sport <n>', 'source port of UDP or TCP').default(0).argParser(portOf))
      .addOption(new Option('--dport <n>', 'destination port of UDP or TCP').default(0).argParser(portOf)),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((source: string, destination: string, flags: Flags) => {
    const ask = async (client: AdminClient) => {
      const { in: comesIn, out: goesOut } = flags;
      const said = comesIn ? 'in' : goesOut ? 'out' : '';
      const { direction = said, proto: protocol, sport: sourcePort, dport: destinationPort } = flags;
      const answer = await client.call('Explain', {
        source,
        destination,
        direction,
        protocol,
        sourcePort,
        destinationPort,
      });
      const { explainBlocks } = await import('../admin/tables.js');
      printAnswer(flags, answer, () => explainBlocks(answer));
    };
    return withGateway(command, flags, ask, portProblems(flags));
  });
}

/** Of ports that the protocol does not have. */
function portProblems({ proto, sport, dport }: Flags): string[] {
  if (proto !== 'icmp') return [];
  return Object.entries({ sport, dport }).flatMap(([flag, port]) =>
    port > 0 ? [`--${flag}: ICMP has no ports; say --proto udp or --proto tcp`] : [],
  );
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= PORT_MAX) return Number(text);
  throw new InvalidArgumentError(`a port from 0 to ${PORT_MAX}`);
}
