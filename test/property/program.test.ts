import { describe, expect, test } from 'vitest';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import type { Domain, Pipe, PipeProgram } from '../../src/hal/program.js';
import { validateProgram } from '../../src/hal/validate.js';
import { allPipelineOptions, pipelineOptions } from '../support/pipelines.js';

describe('the gateway pipeline', () => {
  test('is valid for every combination of options', () => {
    for (const options of allPipelineOptions()) {
      expect(
        validateProgram(buildPipeline(options)).map((problem) => problem.message),
        JSON.stringify(options),
      ).toEqual([]);
    }
  });
});

/** One defect at a time, put into every pipe where it makes sense. */
const DEFECTS: readonly { name: string; pattern: RegExp; damage: (pipe: Pipe) => Pipe | undefined }[] = [
  { name: 'a size of zero', pattern: /sizeEntries/, damage: (pipe) => ({ ...pipe, sizeEntries: 0 }) },
  {
    name: 'a miss to a pipe that is not there',
    pattern: /no pipe NOWHERE/,
    damage: (pipe) => ({ ...pipe, miss: { to: 'pipe', pipe: 'NOWHERE' } }),
  },
  {
    name: 'a miss to the kernel inside the pipeline',
    pattern: /only the ingress root/,
    damage: (pipe) =>
      pipe.isRoot === true && pipe.domain === 'default' ? undefined : { ...pipe, miss: { to: 'kernel' } },
  },
  {
    name: 'a miss back to itself',
    pattern: /cycle|is a root/,
    damage: (pipe) => ({ ...pipe, miss: { to: 'pipe', pipe: pipe.name } }),
  },
  {
    name: 'actions in a domain that does not allow them',
    pattern: /belongs in domain/,
    damage: (pipe) => {
      if (pipe.type !== 'basic') return undefined;
      const bound = pipe.actions?.some((a) => a.decrypt || a.encap || a.encrypt || a.decap) ?? false;
      const egress: Domain = pipe.domain.includes('ingress') ? 'egress' : 'default';
      return bound ? { ...pipe, domain: egress } : undefined;
    },
  },
  {
    name: 'a mirror that is not there',
    pattern: /no mirror GONE/,
    damage: (pipe) => (pipe.type === 'basic' ? { ...pipe, monitor: { mirror: 'GONE' } } : undefined),
  },
  {
    name: 'fields of both families in one match',
    pattern: /cannot match together/,
    damage: (pipe) =>
      pipe.type === 'basic'
        ? {
            ...pipe,
            entries: [],
            match: { 'outer.ip4.src_ip': { value: 'entry' }, 'outer.ip6.payload_len': { value: 7 } },
          }
        : undefined,
  },
  {
    name: 'a value outside of its mask',
    pattern: /outside of the mask/,
    damage: (pipe) =>
      pipe.type === 'basic'
        ? { ...pipe, match: { ...pipe.match, 'meta.u32.4': { value: 6, mask: 4 } } }
        : undefined,
  },
  {
    name: 'a priority that does not exist',
    pattern: /priority/,
    damage: (pipe) =>
      pipe.type === 'control'
        ? { ...pipe, entries: pipe.entries!.map((e) => ({ ...e, priority: 8 })) }
        : undefined,
  },
  {
    name: 'a match wider than hardware',
    pattern: /at most 288/,
    damage: (pipe) =>
      pipe.type === 'basic'
        ? {
            ...pipe,
            entries: [],
            match: {
              'tun.psp.spi': { value: 'entry' },
              'inner.ip6.src_ip': { value: 'entry' },
              'inner.ip6.dst_ip': { value: 'entry' },
              'parser_meta.psp_syndrome': { value: 0 },
            },
          }
        : undefined,
  },
];

describe('a defect in any pipe is reported with the name of that pipe', () => {
  const program = buildPipeline(pipelineOptions({ sampleRateLog2: 3, maintainOrder: true }));
  for (const { name, pattern, damage } of DEFECTS) {
    test(name, () => {
      let damaged = 0;
      program.pipes.forEach((pipe, i) => {
        const bad = damage(pipe);
        if (bad === undefined) return;
        damaged++;
        const pipes = program.pipes.with(i, bad);
        const problems = validateProgram({ ...program, pipes });
        expect(
          problems.some((p) => p.place.pipe === pipe.name && pattern.test(p.message)),
          `${pipe.name}: ${problems.map((p) => p.message).join('; ')}`,
        ).toBe(true);
      });
      expect(damaged).toBeGreaterThan(0);
    });
  }

  test('a pipe that is missing is reported by every pipe that forwards to it', () => {
    for (const pipe of program.pipes) {
      const rest: PipeProgram = { ...program, pipes: program.pipes.filter((p) => p !== pipe) };
      expect(validateProgram(rest).length, pipe.name).toBeGreaterThan(0);
    }
  });

  test('a pipe that is there twice', () => {
    for (const pipe of program.pipes) {
      const problems = validateProgram({ ...program, pipes: [...program.pipes, pipe] });
      expect(problems.some((p) => p.place.pipe === pipe.name && /taken/.test(p.message))).toBe(true);
    }
  });
});
