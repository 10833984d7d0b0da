/** Whether a text is well-formed XML, as far as our drawings use XML: elements, attributes, text, the five entities. */

const NAME = '[A-Za-z_][\\w.-]*';
const ATTRIBUTE = `\\s+${NAME}="(?:[^<&"]|&(?:amp|lt|gt|quot|apos);)*"`;
const TAG = new RegExp(`^<(/?)(${NAME})((?:${ATTRIBUTE})*)\\s*(/?)>`);
const TEXT = /^(?:[^<&]|&(?:amp|lt|gt|quot|apos);)+/;
/** XML 1.0, section 2.2. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** The texts of all elements, in their order. Throws where it is not well-formed. */
export function textsOfXml(document: string): string[] {
  const forbidden = FORBIDDEN.exec(document);
  if (forbidden !== null) throw new Error(`a character that XML does not have at ${forbidden.index}`);
  const open: string[] = [];
  const texts: string[] = [];
  let roots = 0;
  for (let rest = document.trim(); rest !== ''; ) {
    const text = TEXT.exec(rest)?.[0];
    if (text !== undefined) {
      if (open.length === 0) throw new Error(`text outside of the root: ${text.slice(0, 40)}`);
      if (text.trim() !== '') texts.push(unescapeXml(text));
      rest = rest.slice(text.length);
      continue;
    }
    const [tag, closes, name, attributes, isEmpty] = TAG.exec(rest) ?? [];
    if (tag === undefined) throw new Error(`neither text nor tag: ${rest.slice(0, 40)}`);
    const names = [...attributes!.matchAll(/\s([\w.-]+)=/g)].map(([, attribute]) => attribute);
    if (new Set(names).size !== names.length) throw new Error(`an attribute twice: ${tag}`);
    if (closes === '/') {
      if (open.pop() !== name) throw new Error(`${tag} closes another element`);
    } else {
      if (open.length === 0 && roots++ > 0) throw new Error(`a second root: ${tag}`);
      if (isEmpty === '') open.push(name!);
    }
    rest = rest.slice(tag.length);
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`);
  return texts;
}

const unescapeXml = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
