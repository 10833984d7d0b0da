/**
 * The JSON schema of the YAML file of --config, for editors (schema/config.schema.json; `npm run docs` writes it). The reader,
 * config-file.ts, has the same keys, and says more of what is wrong.
 */
import { PEER_DIALECTS } from './configured-peers.js';
import { FLAGS, type Flag, isInConfigFile, namesOf } from './flags.js';
import { IDENTITIES_MAX, UNDERLAY_PREFIXES_MAX } from './limits.js';

type Schema = Readonly<Record<string, unknown>>;

/** JSON schema of a flag's value in a file. */
export function flagSchema(flag: Flag): Schema {
  const { meaning: description } = flag;
  const fallback = flag.default === undefined ? {} : { default: flag.default };
  if (flag.kind === 'boolean') return { type: 'boolean', description, default: false };
  if (flag.kind === 'number') {
    const [minimum, maximum] = flag.range!;
    return {
      type: 'integer',
      description,
      minimum,
      maximum,
      ...(flag.default === undefined ? {} : { default: Number(flag.default) }),
    };
  }
  if (flag.choices !== undefined) {
    const numbers = flag.choices.filter((choice) => /^\d+$/.test(choice)).map(Number);
    return { enum: [...flag.choices, ...numbers], description, ...fallback };
  }
  if (flag.valueIfAbsent !== undefined) return { type: ['boolean', 'string', 'number'], description };
  const one: Schema = { type: ['string', 'number'] };
  if (flag.kind === 'text') return { ...one, description, ...fallback };
  return {
    description,
    oneOf: [
      { title: 'a text', ...one },
      { title: 'a list of texts', type: 'array', items: one },
    ],
  };
}

const text = (description: string): Schema => ({ type: 'string', description });
const list = (description: string, items: Schema): Schema => ({ type: 'array', description, items });
const map = (
  description: string,
  properties: Readonly<Record<string, Schema>>,
  required?: string,
): Schema => ({
  type: 'object',
  description,
  ...(required === undefined ? {} : { required: [required] }),
  properties,
  additionalProperties: false,
});

const VIP = text('an address, or a prefix such as 192.0.2.0/24; of prefixes the longest decides');

const PAIR = map(
  'a pair of addresses that talk',
  {
    local: text('an address of ours; any of them when absent'),
    remote: {
      description: "the peer's end",
      oneOf: [VIP, { ...list('several', VIP), title: 'a list' }],
    },
  },
  'remote',
);

const PEER = map(
  'a gateway that tunnels are made with',
  {
    service: text(
      'where it serves: IP or IP:PORT, IPv6 in brackets where a port follows; port 3000 when absent',
    ),
    owns: list('the virtual addresses and prefixes behind it', VIP),
    pairs: list('the pairs that talk, which it owns the remote ends of; any with any when absent', PAIR),
    dialect: { description: 'messages that it understands; learnt when absent', enum: PEER_DIALECTS },
    identities: {
      ...list(
        'names of which its certificate must have one, for it to be this peer: addresses, DNS names, SPIFFE IDs; its service address when absent',
        { type: 'string' },
      ),
      minItems: 1,
      maxItems: IDENTITIES_MAX,
    },
    'may-rotate': {
      type: 'boolean',
      description:
        'whether it may ask for rotations of our master key; when absent, as the policy says, or not where any peer has this or identities',
    },
    underlay: {
      ...list('where it may have our packets sent: addresses and prefixes of the underlay', {
        type: 'string',
      }),
      minItems: 1,
      maxItems: UNDERLAY_PREFIXES_MAX,
    },
  },
  'service',
);

function flagProperties(): Record<string, Schema> {
  return Object.fromEntries(
    FLAGS.filter(isInConfigFile).flatMap((flag) => namesOf(flag).map((key) => [key, flagSchema(flag)])),
  );
}

export const CONFIG_SCHEMA: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Configuration of a gateway of psp-gateway',
  ...map('flags, and peers with what they own', {
    flags: map('flags, as on the command line without --', flagProperties()),
    policy: map('what peers may of which their own entries say nothing', {
      'may-rotate': {
        type: 'boolean',
        description: 'whether they may ask for rotations of our master key; absent: they may not',
      },
    }),
    peers: list('all peers', PEER),
  }),
};
