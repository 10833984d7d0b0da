/** The packet that a client asks about, from its message. */
import { DIRECTIONS, type PacketQuestion, PORT_MAX, PROTOCOLS } from '../gateway/explain/packet-question.js';
import type { ExplainRequest } from '../gateway/generated/admin.js';
import { RpcError } from '../gateway/rpc/transport.js';
import { AddressError, type IpAddress, ipFamily, parseIp } from '../packet/address.js';

/** Throws INVALID_ARGUMENT with all that no packet can have. */
export function questionOf(request: ExplainRequest): PacketQuestion {
  const problems: string[] = [];
  const source = ipOf('source', request.source, problems);
  const destination = ipOf('destination', request.destination, problems);
  if (source !== undefined && destination !== undefined && ipFamily(source) !== ipFamily(destination))
    problems.push('source and destination are of two families');
  const direction = choiceOf('direction', request.direction, DIRECTIONS, problems);
  const protocol = choiceOf('protocol', request.protocol, PROTOCOLS, problems) ?? 'icmp';
  const { sourcePort, destinationPort } = request;
  for (const [name, port] of Object.entries({ sourcePort, destinationPort })) {
    if (port > PORT_MAX) problems.push(`${name}: ${port} is no port; they end with ${PORT_MAX}`);
    if (port > 0 && protocol === 'icmp') problems.push(`${name}: ICMP has no ports; say udp or tcp`);
  }
  if (problems.length > 0 || source === undefined || destination === undefined)
    throw new RpcError('INVALID_ARGUMENT', problems.join('; '));
  return { direction, source, destination, protocol, sourcePort, destinationPort };
}

function ipOf(name: string, text: string, problems: string[]): IpAddress | undefined {
  try {
    return parseIp(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    problems.push(`${name}: ${error.message}`);
    return undefined;
  }
}

/** undefined: it is left open, or, with a problem noted, wrong. */
function choiceOf<Choice extends string>(
  name: string,
  text: string,
  choices: readonly Choice[],
  problems: string[],
): Choice | undefined {
  const found = choices.find((choice) => choice === text);
  if (text !== '' && found === undefined)
    problems.push(`${name}: "${text}" is not one of ${choices.join(', ')}`);
  return found;
}
