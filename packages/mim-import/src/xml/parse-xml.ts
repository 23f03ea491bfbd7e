import { SaxesParser, type SaxesTagNS } from 'saxes';
import { MimImportError } from '../import-error.ts';

/** An element of a parsed file. Comments and processing instructions are not kept. */
export interface XmlElement {
  /** Local name. */
  readonly name: string;
  /** Namespace URI; empty for the format's own elements. */
  readonly namespace: string;
  readonly line: number;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** Character data of this element itself, as written; `''` where it is only white space. */
  readonly text: string;
}

export interface XmlAttribute {
  readonly name: string;
  readonly namespace: string;
  readonly value: string;
}

/** What no real file comes near; above it a file is refused as hostile. */
export interface XmlLimits {
  readonly depth: number;
  readonly elements: number;
  readonly attributes: number;
}

/** The largest real export known has depth 14 and 20,000 elements. */
const xmlLimits: XmlLimits = { depth: 64, elements: 2_000_000, attributes: 256 };

const XMLNS = 'http://www.w3.org/2000/xmlns/';

/**
 * Parses XML without document type declarations and without entities but the five of XML and character references.
 *
 * @throws MimImportError `not-xml` with line and column, `hostile` for a DOCTYPE or anything above the limits.
 */
export function parseXml(text: string, limits: XmlLimits = xmlLimits): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: { element: { -readonly [Key in keyof XmlElement]: XmlElement[Key] } & { children: XmlElement[] }; parts: string[] }[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  const at = (): string => `line ${parser.line}, column ${parser.column + 1}`;
  const hostile = (message: string): MimImportError => new MimImportError('hostile', `${at()}: ${message}`);
  parser.on('error', (error) => {
    throw new MimImportError('not-xml', `the file is not well-formed XML: ${error.message.replace(/^\d+:\d+: /, '')} (${at()})`, { cause: error });
  });
  parser.on('doctype', () => {
    throw hostile('the file has a document type declaration (DOCTYPE); no export has one, and it is refused because entities can be used to attack');
  });
  parser.on('opentag', (tag: SaxesTagNS) => {
    elements += 1;
    if (elements > limits.elements) throw hostile(`more than ${limits.elements} elements`);
    if (open.length >= limits.depth) throw hostile(`elements are nested deeper than ${limits.depth}`);
    const attributes = Object.values(tag.attributes);
    if (attributes.length > limits.attributes) throw hostile(`<${tag.local.slice(0, 60)}> has more than ${limits.attributes} attributes`);
    open.push({
      element: {
        name: tag.local,
        namespace: tag.uri,
        line: parser.line,
        attributes: attributes
          .filter((attribute) => attribute.uri !== XMLNS)
          .map((attribute) => ({ name: attribute.local, namespace: attribute.uri, value: attribute.value })),
        children: [],
        text: '',
      },
      parts: [],
    });
  });
  const characters = (part: string): void => void open.at(-1)?.parts.push(part);
  parser.on('text', characters);
  parser.on('cdata', characters);
  parser.on('closetag', () => {
    const closed = open.pop();
    if (closed === undefined) return;
    // Files that were indented again have white space where there was nothing; elsewhere white space is data (mim-xml §1).
    const own = closed.parts.join('');
    closed.element.text = own.trim() === '' ? '' : own;
    const parent = open.at(-1);
    if (parent === undefined) root = closed.element;
    else parent.element.children.push(closed.element);
  });
  parser.write(text).close();
  if (root === undefined) throw new MimImportError('not-xml', 'the file has no XML element');
  return root;
}
