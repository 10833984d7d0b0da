/** What PipeHAL allows in pipes of sessions, and the gateway does without: its pipeline, changed. */
import { SYNDROME_BAD_TRAILER, SYNDROME_ICV_FAIL, SYNDROME_OK } from '../../src/hal/fields.js';
import type { BasicPipe, Forward, Pipe, PipeProgram } from '../../src/hal/program.js';

export const OWN_MAC = 'outer.eth.src_mac';

export interface Variant {
  /** Entries of the egress ACL say where packets go. */
  readonly ownForwards: boolean;
  /** Entries of the ingress ACL write a MAC into what they have decapsulated. */
  readonly ownMacs: boolean;
  /** What was decrypted, and what got an id, is copied to a pipe that looks at just that. */
  readonly copies: boolean;
}

export function varied(program: PipeProgram, { ownForwards, ownMacs, copies }: Variant): PipeProgram {
  const pipes = program.pipes.map((pipe): Pipe => {
    if (pipe.type !== 'basic') return pipe;
    if (ownForwards && pipe.name.startsWith('EGR_ACL')) return { ...pipe, forward: 'entry' };
    if (copies && (pipe.name === 'PSP_DECRYPT' || pipe.name === 'INGR_VIP_IPV6')) {
      return { ...pipe, monitor: { ...pipe.monitor, mirror: 'COPIES' } };
    }
    if (!ownMacs || !pipe.name.startsWith('INGR_ACL')) return pipe;
    const set = { [OWN_MAC]: { value: 'entry' } } as const;
    return { ...pipe, actions: pipe.actions!.map((action) => ({ ...action, set })) };
  });
  if (!copies) return { ...program, pipes };
  const targets: Forward[] = [{ to: 'pipe', pipe: COPIED.name }];
  const mirrors = [...(program.mirrors ?? []), { name: 'COPIES', targets }];
  return { ...program, pipes: [...pipes, COPIED], mirrors };
}

const COPIED: BasicPipe = {
  name: 'COPIED',
  type: 'basic',
  domain: 'secure-ingress',
  sizeEntries: 8,
  match: { 'parser_meta.psp_syndrome': { value: 'entry' }, 'meta.u32.2': { value: 'entry' } },
  forward: { to: 'rss' },
  miss: { to: 'drop' },
  missCounter: true,
  monitor: { counter: true },
  // Syndromes of what was just decrypted, and the ids of local addresses.
  entries: [
    [SYNDROME_OK, 0],
    [SYNDROME_ICV_FAIL, 0],
    [SYNDROME_BAD_TRAILER, 0],
    [SYNDROME_OK, 1],
    [SYNDROME_OK, 2],
  ].map(([syndrome, id]) => ({
    label: `${syndrome}/${id}`,
    match: { 'parser_meta.psp_syndrome': syndrome!, 'meta.u32.2': id! },
  })),
};
