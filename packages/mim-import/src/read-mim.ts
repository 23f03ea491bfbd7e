import { MimImportError } from './import-error.ts';
import type { ImportedConnector, MimShape } from './model.ts';
import { collectNotes, type Note, type Notes } from './read/notes.ts';
import { readAgent } from './read/read-agent.ts';
import { readHostConfiguration } from './read/read-host-configuration.ts';
import { PASSWORD_LIKE, REMOVED } from './read/read-rules.ts';
import { decodeXml } from './xml/decode-xml.ts';
import { parseXml, type XmlElement } from './xml/parse-xml.ts';
import { type Account, type Aside, type LeftOver, openAccount, type TrackedElement, toXmlJson, type XmlJson } from './xml/tracked-element.ts';

/** What a file holds. */
export interface MimReading {
  readonly shape: MimShape;
  /** Name of the server that exported it, and when; `''` where the file does not say. */
  readonly server: string;
  readonly exportedAt: string;
  readonly connectors: readonly ImportedConnector[];
  readonly notes: readonly Note[];
  readonly asides: readonly Aside[];
  /** What nobody understood. */
  readonly leftOver: readonly LeftOver[];
  /** The metaverse part of a server export, as it is: a provisioning service may need it. */
  readonly metaverse: XmlJson | undefined;
}

/**
 * Reads an exported management agent of MIM in any of its shapes, or the configuration of the Entra ECMA Connector Host.
 *
 * @param metaverse The `MV.XML` of a server export, for its import flows.
 * @throws MimImportError for what is not text, not XML, hostile, of no known shape, or not ECMA 2.
 */
export function readMim(bytes: Uint8Array, metaverse?: Uint8Array): MimReading {
  const decoded = decodeXml(bytes);
  const root = parseXml(decoded.text);
  const shape = detectShape(root);
  const notes = collectNotes();
  if (decoded.warning !== undefined) notes.add('warning', 'encoding', decoded.warning);
  const account = openAccount(root);
  const other = metaverse === undefined ? undefined : readMetaverseFile(metaverse);
  const server = account.root.attribute('server') ?? '';
  const exportedAt = account.root.attribute('export-date') ?? '';
  const connectors = readConnectors(shape, account, other, notes);
  const flows = account.root.child('mv-data') ?? other;
  return {
    shape,
    server,
    exportedAt,
    connectors,
    notes: notes.list(),
    asides: account.asides(),
    leftOver: account.leftOver(),
    metaverse: flows === undefined || (shape !== 'metaverse' && other === undefined) ? undefined : toXmlJson(withoutPasswords(flows.element)),
  };
}

/** One reading of the files of a server export. */
export function mergeReadings(readings: readonly MimReading[]): MimReading {
  const [first] = readings;
  if (first === undefined || readings.length === 1) return first as MimReading;
  return {
    ...first,
    connectors: readings.flatMap((reading) => reading.connectors),
    notes: readings.flatMap((reading) => reading.notes),
    asides: readings.flatMap((reading) => reading.asides),
    leftOver: readings.flatMap((reading) => reading.leftOver),
    metaverse: readings.find((reading) => reading.metaverse !== undefined)?.metaverse,
  };
}

/** Which file it is. @throws MimImportError */
export function detectShapeOf(bytes: Uint8Array): MimShape {
  return detectShape(parseXml(decodeXml(bytes).text));
}

function readConnectors(shape: MimShape, account: Account, other: TrackedElement | undefined, notes: Notes): readonly ImportedConnector[] {
  const { root } = account;
  if (shape === 'host-configuration') return readHostConfiguration(root, notes);
  if (shape === 'metaverse') {
    root.child('mv-data')?.setAside('reported', 'the metaverse: kept in the rules, as it is');
    notes.add('no-counterpart', 'metaverse', 'this file holds no connector but the metaverse; give the MA-{…}.XML files of the same export');
    return [];
  }
  const data = shape === 'bare-agent' ? root : root.child('ma-data');
  if (data === undefined) throw new MimImportError('unknown-shape', `the file <${root.name}> has no <ma-data>: it holds no management agent`);
  const own = root.child('mv-data');
  const connector = readAgent(data, own ?? other, notes);
  if (own !== undefined)
    for (const extra of own.element.children.filter((child) => child.name !== 'import-attribute-flow'))
      own.child(extra.name)?.setAside('reported', `"${extra.name}" of the metaverse, which has no counterpart`);
  if (data.element.attributes.some((attribute) => attribute.name === 'format' && attribute.value === 'Packaged'))
    notes.add('decide', 'template', 'the file is the template of a package: it has no parameter values, partitions or run profiles');
  return [connector];
}

/** Which file it is. @throws MimImportError `unknown-shape` naming what is known. */
function detectShape(root: XmlElement): MimShape {
  const data = root.name === 'ma-data' ? root : root.children.find((child) => child.name === 'ma-data');
  const packaged = data?.attributes.some((attribute) => attribute.name === 'format' && attribute.value.toLowerCase() === 'packaged') === true;
  switch (root.namespace === '' ? root.name : '') {
    case 'export-ma':
      return packaged ? 'packaged-agent' : 'exported-agent';
    case 'saved-ma-configuration':
      return packaged ? 'packaged-agent' : 'server-export-agent';
    case 'saved-mv-configuration':
      return 'metaverse';
    case 'ma-data':
      return packaged ? 'packaged-agent' : 'bare-agent';
    case 'Configuration':
      if (
        root.children.some((child) => child.name === 'Connectors' && child.children.some((one) => one.children.some((part) => part.name === 'ConnectorConfig')))
      )
        return 'host-configuration';
      break;
    default:
  }
  throw new MimImportError(
    'unknown-shape',
    `<${root.name.slice(0, 60)}> is none of the files that can be imported: a management agent exported from MIM (<export-ma>, <saved-ma-configuration>, <ma-data>), a server export (<saved-mv-configuration>), or the Configuration.xml of the Entra ECMA Connector Host`,
  );
}

/** Constants that flow to attributes named like passwords are removed (mim-xml §8). */
function withoutPasswords(element: XmlElement, inside = false): XmlElement {
  const secret = inside || element.attributes.some((attribute) => attribute.name === 'mv-attribute' && PASSWORD_LIKE.test(attribute.value));
  const isValue = element.name === 'constant-value' || element.name === 'sync-rule-value' || element.name === 'arg';
  return {
    ...element,
    text: secret && isValue && element.text !== '' ? REMOVED : element.text,
    children: element.children.map((child) => withoutPasswords(child, secret)),
  };
}

function readMetaverseFile(bytes: Uint8Array): TrackedElement {
  const root = parseXml(decodeXml(bytes).text);
  if (detectShape(root) !== 'metaverse')
    throw new MimImportError('unknown-shape', `the metaverse file is <${root.name}>; expected is MV.XML with <saved-mv-configuration>`);
  const data = openAccount(root).root.child('mv-data');
  if (data === undefined) throw new MimImportError('unknown-shape', 'the metaverse file has no <mv-data>');
  return data;
}
