import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { convertMim, MimImportError, readMim } from './index.ts';
import { parseXml, type XmlElement } from './xml/parse-xml.ts';

const fixtures = join(import.meta.dirname, '../fixtures');
const names = ['exported-agent.xml', 'MV.XML', 'bare-agent.xml', 'packaged-agent.xml', 'host-configuration.xml'];
const texts = names.map((name) => readFileSync(join(fixtures, name), 'utf8'));
const location = { directory: './packages/hr' };

/** Converts, and lets nothing out but the importer's own refusal. */
function convert(bytes: Uint8Array): ReturnType<typeof convertMim> | undefined {
  try {
    const conversion = convertMim(readMim(bytes), location);
    // Whatever the file holds, the result is YAML that reads back.
    if (conversion.yaml !== undefined) expect(parse(conversion.yaml)).toMatchObject({ version: 1 });
    return conversion;
  } catch (error) {
    if (error instanceof MimImportError) return undefined;
    throw error;
  }
}

const words = fc.constantFrom(
  'export-ma',
  'saved-ma-configuration',
  'ma-data',
  'mv-data',
  'schema',
  'join',
  'name',
  'category',
  'id',
  'parameter',
  'parameter-values',
  'partition',
  'step',
  'MAConfig',
  'private-configuration',
  'import-attribute-flow',
  'Configuration',
  'Connectors',
  'Connector',
  'ConnectorConfig',
  'Parameters',
  'Parameter',
  'Value',
  'x',
  'attribute',
);
const attributeNames = fc.constantFrom('name', 'type', 'use', 'encrypted', 'src-ma', 'format', 'id');
const content = fc.oneof(
  fc.constantFrom('Extensible2', '1', '0', '', '{}', '${env:X}', '$${file:a}', '# x', '- a: b', '\u2028', '\u0085x'),
  fc.string({ maxLength: 30, unit: 'grapheme' }),
);
const escapeXml = (text: string): string =>
  text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc
    .tuple(
      words,
      fc.dictionary(attributeNames, content, { maxKeys: 3 }),
      fc.oneof(
        content.map(escapeXml),
        fc.array(tie('tree'), { maxLength: 5 }).map((parts) => parts.join('')),
      ),
    )
    .map(
      ([name, attributes, inner]) =>
        `<${name}${Object.entries(attributes)
          .map(([key, value]) => ` ${key}="${escapeXml(value)}"`)
          .join('')}>${inner}</${name}>`,
    ),
}));

/** All elements with the texts that come before them, by walking the source: where something can be put in. */
function insertions(text: string): readonly number[] {
  return [...text.matchAll(/<\/[\w:.-]*\w>/g)].map((match) => match.index);
}

describe('any input', () => {
  it('random XML in the words of the format is converted or refused, never a crash', () => {
    fc.assert(
      fc.property(tree, (text) => void convert(Buffer.from(text))),
      { numRuns: 1000 },
    );
  });

  it('random bytes and text are refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(convert(bytes)).toBeUndefined();
        },
      ),
      { numRuns: 500 },
    );
  });

  it('a fixture with bytes changed, cut out or repeated is converted or refused', () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 200 }), fc.string({ maxLength: 5 }), (text, at, length, put) => {
        const start = at % text.length;
        convert(Buffer.from(text.slice(0, start) + put + text.slice(start + length)));
      }),
      { numRuns: 400 },
    );
  });

  it('a fixture with any element put in anywhere still converts', () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), tree, (text, which, extra) => {
        const places = insertions(text);
        const at = places[which % places.length] ?? 0;
        convert(Buffer.from(text.slice(0, at) + extra + text.slice(at)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('every element is mapped or reported', () => {
  /** Paths put aside with everything below them. */
  const covered = (asides: readonly { readonly path: string; readonly line: number }[], path: string): boolean =>
    asides.some((aside) => path === aside.path || path.startsWith(`${aside.path}/`));

  it('an unknown element, attribute or text at any place is named in the report, unless its surroundings were put aside', () => {
    for (const text of texts) {
      const places = insertions(text);
      // Every tenth place of every file, and each file from another start: all kinds of elements, in reasonable time.
      for (let index = texts.indexOf(text); index < places.length; index += 10) {
        const at = places[index] ?? 0;
        const changed = `${text.slice(0, at)}<never-seen-before/>${text.slice(at)}`;
        const path = pathOf(parseXml(changed), 'never-seen-before') ?? '';
        const reading = readMim(Buffer.from(changed));
        const named = reading.leftOver.some((one) => one.path === path);
        expect(named || covered(reading.asides, path), path).toBe(true);
      }
    }
  });

  it('an unknown attribute of any element is named in the report, unless the element was put aside', () => {
    for (const text of texts) {
      const tags = [...text.matchAll(/<[a-zA-Z][^>]*?(?=\/?>)/g)];
      for (let index = texts.indexOf(text); index < tags.length; index += 10) {
        const tag = tags[index];
        if (tag === undefined) continue;
        const end = tag.index + tag[0].length;
        const changed = `${text.slice(0, end)} never-seen-before="1"${text.slice(end)}`;
        const reading = readMim(Buffer.from(changed));
        const path = pathOfAttribute(parseXml(changed), 'never-seen-before') ?? '';
        const named = reading.leftOver.some((one) => one.path === `${path}/@never-seen-before`);
        expect(named || covered(reading.asides, path), path).toBe(true);
      }
    }
  });

  it('the second of what should be there once is named', () => {
    const text = texts[0] ?? '';
    const changed = text.replace('<category>Extensible2</category>', '<category>Extensible2</category><category>AD</category>');
    expect(readMim(Buffer.from(changed)).leftOver.map((one) => one.path)).toEqual(['export-ma/ma-data/category']);
  });
});

function pathOf(element: XmlElement, name: string, path = element.name): string | undefined {
  if (element.name === name) return path;
  for (const child of element.children) {
    const found = pathOf(child, name, `${path}/${child.name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function pathOfAttribute(element: XmlElement, name: string, path = element.name): string | undefined {
  if (element.attributes.some((attribute) => attribute.name === name)) return path;
  for (const child of element.children) {
    const found = pathOfAttribute(child, name, `${path}/${child.name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
