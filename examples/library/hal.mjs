// A pipe program as data: checked without a device, and drawn.
import { renderMermaid, UPLINK_PORT, VF_PORT, validateProgram } from 'psp-gateway/hal';

/** Counts UDP of the workload by its port, and lets everything pass. */
const program = {
  name: 'count-udp',
  pipes: [
    {
      type: 'control',
      name: 'ROOT',
      domain: 'default',
      isRoot: true,
      sizeEntries: 2,
      miss: { to: 'drop' },
      entries: [
        {
          label: 'from-workload',
          priority: 0,
          match: { 'parser_meta.port_id': { value: VF_PORT } },
          forward: { to: 'pipe', pipe: 'COUNT' },
        },
      ],
    },
    {
      type: 'basic',
      name: 'COUNT',
      domain: 'egress',
      isRoot: true,
      sizeEntries: 8,
      match: { 'outer.udp.dst_port': { value: 'entry' } },
      forward: { to: 'port', port: UPLINK_PORT },
      miss: { to: 'drop' },
      monitor: { counter: true },
      entries: [{ label: 'dns', match: { 'outer.udp.dst_port': 53 } }],
    },
  ],
};
console.log(`problems: ${validateProgram(program).length}`);
console.log(renderMermaid(program));

// A mistake is found before any device is asked, all of them at once.
const [root, count] = program.pipes;
const wrong = { ...program, pipes: [root, { ...count, forward: { to: 'pipe', pipe: 'NOWHERE' } }] };
for (const { message } of validateProgram(wrong)) console.log(message);
