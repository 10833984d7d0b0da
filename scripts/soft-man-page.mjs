// The manual page of the software DOCA's mapping file, made of the section of docs/doca-soft.md that describes it: scripts/draw-docs.mjs
// writes it, and a test fails when it is stale.
export const MAN_PAGE = 'native/doca-soft/man/doca-soft-mapping.5';
const SECTION = 'The mapping file';
const TRACE_SETTINGS = ['packets', 'octets', 'lines', 'size'].map((name) => `\\fB${name}\\fR=\\fIN\\fR`);
const OF = { both: 'a device or a representor', device: 'a device' };

/** The page in roff's man macros. */
export function mappingManPage(document) {
  return `${[
    '.TH DOCA-SOFT-MAPPING 5 "" "psp-gateway" "Software DOCA"',
    // Lines are short on terminals: words are neither spread over them nor broken.
    ...['.ad l', '.nh'],
    ...['.SH NAME', 'doca-soft-mapping \\- the DPDK ports behind the devices of the software DOCA'],
    '.SH DESCRIPTION',
    ...blocksOf(sectionOf(document)).flatMap(roffOf),
    ...['.SH ENVIRONMENT', '.TP', '\\fBDOCA_SOFT_CONFIG\\fR', 'The path of the file.'],
    ...['.TP', `\\fBDOCA_SOFT_TRACE\\fR=\\fIFILE\\fR[,${TRACE_SETTINGS.join('][,')}]`],
    'The file into which a trace of the program is written, as lines of JSON: its calls, pipes, entries, and of one of so many \\fBpackets\\fR the way. Of frames so many \\fBoctets\\fR, in a second so many \\fBlines\\fR of each kind, and a file of this \\fBsize\\fR in octets. \\fB%p\\fR in the name is the number of the process. \\fBpsp\\-gateway doca\\-trace\\fR shows it. Keys are left out.',
    ...[
      '.SH SEE ALSO',
      '\\fBpkg-config\\fR(1), for the modules doca-common, doca-flow, doca-dpdk-bridge and doca-argp',
    ],
  ].join('\n')}\n`;
}

/** Keys that the document's table has, as they stand in the file. */
export function mappingKeys(document) {
  const [keys] = blocksOf(sectionOf(document)).filter(isTable);
  return rowsOf(keys).flatMap(([names]) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
}

function sectionOf(document) {
  const [, section] = document.split(`\n## ${SECTION}\n`);
  if (section === undefined) throw new Error(`there is no section "${SECTION}"`);
  return section.split('\n## ')[0];
}

const blocksOf = (section) => section.trim().split(/\n{2,}/);
const isTable = (block) => block.startsWith('|');

/** Rows below a table's head. */
function rowsOf(table) {
  const cells = (line) =>
    line
      .replace(/^\||\|$/g, '')
      .split('|')
      .map((cell) => cell.trim());
  return table.split('\n').slice(2).map(cells);
}

function roffOf(block) {
  if (isTable(block)) {
    return rowsOf(block).flatMap(([name, ...rest]) => {
      const meaning = rest.pop().replaceAll(' (below)', '');
      return ['.TP', `${inline(name)}${rest.map((of) => ` (${OF[of]})`).join('')}`, inline(meaning)];
    });
  }
  const fence = /^```\w+\n([\s\S]*)\n```$/.exec(block);
  if (fence !== null) return ['.PP', '.RS', '.nf', ...fence[1].split('\n').map(escaped), '.fi', '.RE'];
  return ['.PP', inline(block.replaceAll('\n', ' '))];
}

/** A line that begins with a full stop would be a command. */
const escaped = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
const inline = (text) =>
  escaped(text.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')).replace(/`([^`]+)`/g, '\\fB$1\\fR');
