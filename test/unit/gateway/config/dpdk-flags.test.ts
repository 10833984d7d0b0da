/** The section of a flags file that DPDK programs of DOCA have: what it means in flags of ours, and what is said of the rest. */
import { describe, expect, test } from 'vitest';
import { parseBoundedJson } from '../../../../src/gateway/config/bounded-json.js';
import { maskOfNumber, readDpdkFlags } from '../../../../src/gateway/config/dpdk-flags.js';
import { Problems } from '../../../../src/gateway/config/problems.js';

/** The flags that a section says, as "--name=text place", and what is wrong with it. */
function read(section: string) {
  const problems = new Problems();
  const flags: string[] = [];
  const { root, at } = parseBoundedJson(section, 'f', problems)!;
  readDpdkFlags(root, at, problems, (flag, { text, where }) => flags.push(`--${flag}=${text} ${where}`));
  return { flags, problems: problems.list, remarks: problems.remarks };
}
const nothing = { flags: [], problems: [], remarks: [] };

test('all that it may say', () => {
  expect(
    read(
      '{"devices": [{"device": "pf", "id": "03:00.0"}], "core-list": "0-3", "flags": "",\n"core-mask": "0x7"}',
    ),
  ).toEqual({
    ...nothing,
    flags: ['--pci-addr=03:00.0 f:1:37', '--core-mask=0xf f:1:63', '--core-mask=0x7 f:2:14'],
  });
  expect(read('{}')).toEqual(nothing);
});

describe('the core mask', () => {
  test.each([
    ['3', '0x3'],
    ['10', '0xa'],
    ['0', '0x0'],
    ['"3"', '3'],
    ['"0xff"', '0xff'],
  ])('%s is %s', (written, text) => {
    expect(read(`{"core-mask": ${written}}`)).toEqual({ ...nothing, flags: [`--core-mask=${text} f:1:15`] });
  });

  test.each(['-1', '1.5', '1e300', 'true', 'null', '[1]'])('%s is none', (written) => {
    expect(read(`{"core-mask": ${written}}`)).toEqual({
      ...nothing,
      problems: ['f:1:15: "core-mask" is neither a whole number nor a text such as "0x3"'],
    });
  });

  test('of a number is exact, or none', () => {
    expect([0, 255, 2 ** 53 - 1, 2 ** 53, -1, 0.5].map(maskOfNumber)).toEqual([
      '0x0',
      '0xff',
      '0x1fffffffffffff',
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('a list of cores', () => {
  test.each([
    ['0', '0x1'],
    ['0-3,6', '0x4f'],
    ['3-3', '0x8'],
    ['7,1', '0x82'],
    ['1-2,2-4', '0x1e'],
    ['127', `0x8${'0'.repeat(31)}`],
    ['64-65', '0x30000000000000000'],
  ])('%s is the mask %s', (list, mask) => {
    expect(read(`{"core-list": "${list}"}`)).toEqual({ ...nothing, flags: [`--core-mask=${mask} f:1:15`] });
  });

  test.each([
    '""',
    '"128"',
    '"0-128"',
    '"0-3,128"',
    '"3-1"',
    '"x"',
    '"1,"',
    '"1-2-3"',
    '" 1"',
    '"1 "',
    '"0001"',
    '3',
  ])('%s is none', (list) => {
    expect(read(`{"core-list": ${list}}`)).toEqual({
      ...nothing,
      problems: ['f:1:15: "core-list" is not a list of cores such as "0-3,6", from 0 to 127'],
    });
  });
});

describe('devices', () => {
  const one = (device: string) => read(`{"devices": [${device}]}`);

  test('are a list', () => {
    expect(read('{"devices": "03:00.0"}')).toEqual({
      ...nothing,
      problems: ['f:1:13: "devices" is not a list'],
    });
    expect(read('{"devices": []}')).toEqual(nothing);
  });

  test.each(['vf', 'sf'])('that are a %s are given as representors', (kind) => {
    expect(one(`{"device": "${kind}", "id": "4"}`)).toEqual({
      ...nothing,
      problems: [`f:1:14: the ${kind} is given as representor, "repr"; only the pf stands here`],
    });
  });

  test.each([
    '{"device": "pf"}',
    '{"device": "pf", "id": 3}',
    '{"id": "03:00.0"}',
    '{"device": "x"}',
    '"pf"',
    '[]',
    '1',
  ])('%s is none', (device) => {
    expect(one(device)).toEqual({
      ...nothing,
      problems: ['f:1:14: a device is {"device": "pf", "id": "PCI address"}'],
    });
  });

  test('may say how DPDK is to drive them, which is not used', () => {
    expect(one('{"device": "pf", "id": "03:00.0", "sft": true, "hws": 1}')).toEqual({
      ...nothing,
      flags: ['--pci-addr=03:00.0 f:1:37'],
      remarks: ['f:1:14: not used, since the gateway says it itself: sft, hws'],
    });
  });
});

test('arguments for EAL and unknown members are told', () => {
  expect(read('{"flags": "-n 4"}').problems).toEqual([
    'f:1:11: arguments for EAL are given in the environment, PSP_GATEWAY_EAL_ARGUMENTS',
  ]);
  expect(read('{"core_mask": 3}').problems).toEqual([
    'f:1:2: there is no "core_mask" in doca_dpdk_flags; known are devices, core-mask, core-list, flags',
  ]);
});
