/** Colours and fonts of the SVG, for light and dark. Plain rules: not every viewer knows CSS variables. */

const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';
const SANS = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';

/** Font sizes in pixels; render-svg-box.ts measures with them. */
export const FONT_PX = { title: 12.5, text: 11, detail: 10, description: 10.5 } as const;

interface Palette {
  readonly page: string;
  readonly box: string;
  readonly line: string;
  readonly text: string;
  readonly muted: string;
  readonly faint: string;
  readonly mirror: string;
  /** Per domain: fill of its groups, and of titles. */
  readonly domains: Readonly<
    Record<string, { readonly group: string; readonly title: string; readonly name: string }>
  >;
}

const LIGHT: Palette = {
  page: '#ffffff',
  box: '#ffffff',
  line: '#c3cad5',
  text: '#1f2733',
  muted: '#5b6676',
  faint: '#e9edf3',
  mirror: '#b4530b',
  domains: {
    default: { group: '#f2f4f7', title: '#dde3eb', name: '#3c4757' },
    'secure-ingress': { group: '#eaf6f0', title: '#c5e8d6', name: '#14603c' },
    egress: { group: '#ebf3fc', title: '#c9e0f8', name: '#124f8c' },
    'secure-egress': { group: '#f3eefb', title: '#dfd2f5', name: '#53318f' },
  },
};

const DARK: Palette = {
  page: '#0d1117',
  box: '#161c25',
  line: '#3a4556',
  text: '#e3e9f1',
  muted: '#98a4b5',
  faint: '#242d3a',
  mirror: '#f0a35e',
  domains: {
    default: { group: '#141a22', title: '#2c3644', name: '#c4cfdd' },
    'secure-ingress': { group: '#0f1f19', title: '#1b4a34', name: '#86d9b0' },
    egress: { group: '#0f1b2a', title: '#1c3f66', name: '#8fc4fb' },
    'secure-egress': { group: '#1a1528', title: '#41306b', name: '#c7b0fa' },
  },
};

function colours({ page, box, line, text, muted, faint, mirror, domains }: Palette): string {
  const rules = [
    `.page{fill:${page}}`,
    `text{fill:${text}}`,
    `.heading,.legend,.description,.detail,.ends,.size{fill:${muted}}`,
    `.box{fill:${box};stroke:${line}}`,
    `.rule{stroke:${faint}}`,
    `.place{fill:${text}}`,
    `.place-name{fill:${page}}`,
    `.forward{stroke:${text}}`,
    `.miss{stroke:${muted}}`,
    `.mirror{stroke:${mirror}}`,
    `.forward-head{fill:${text}}`,
    `.miss-head{fill:${muted}}`,
    `.mirror-head{fill:${mirror}}`,
  ];
  for (const [domain, { group, title, name }] of Object.entries(domains)) {
    rules.push(
      `.${domain} .group{fill:${group};stroke:${title}}`,
      `.${domain} .title{fill:${title}}`,
      `.${domain} .name,.${domain} .domain,.${domain} .action,.${domain} .counter{fill:${name}}`,
    );
  }
  return rules.join('\n');
}

export const STYLE = `
text{font:${FONT_PX.text}px ${MONO};white-space:pre}
.heading{font:600 15px ${SANS}}
.legend{font:${FONT_PX.text}px ${SANS}}
.domain{font:600 12px ${SANS}}
.name{font-size:${FONT_PX.title}px;font-weight:700}
.place-name{font-size:${FONT_PX.title}px;font-weight:600;text-anchor:middle}
.description{font:italic ${FONT_PX.description}px ${SANS}}
.detail,.size{font-size:${FONT_PX.detail}px}
.label{font-weight:600}
.miss-label{font-weight:400}
.ends,.size,.counter{text-anchor:end}
.edge{fill:none;stroke-width:1.3}
.miss{stroke-dasharray:6 4}
.mirror{stroke-dasharray:1.5 3.5;stroke-width:1.8;stroke-linecap:round}
${colours(LIGHT)}
@media (prefers-color-scheme: dark){
${colours(DARK)}
}
`;
