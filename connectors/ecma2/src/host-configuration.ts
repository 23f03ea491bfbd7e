import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ConnectorError } from '@landbridge/connector-sdk';
import { SaxesParser } from 'saxes';

/**
 * The configuration file of the old service (R29). Nothing reads `<dll>.config`: connectors read the settings of the process that
 * loads them, `miiserver.exe.config` or `Microsoft.ECMA2Host.Service.exe.config`. So each connector that has one gets a worker of its own
 * with what concerns connectors of that file beside it.
 */

/** Sections that connectors read, or that decide how their assemblies are found; and those that the file itself declares. */
const KEPT = new Set(['configSections', 'appSettings', 'connectionStrings', 'system.serviceModel', 'system.net', 'system.data', 'system.web', 'runtime']);
/** Sections of the old service, whatever the file declares. */
const DROPPED = new Set(['startup', 'system.diagnostics', 'system.runtime.remoting']);
/** Ours wins on these: what the file says of where they are is left out. */
const OURS = /^microsoft\.metadirectoryservices(ex)?$/i;
const SETTINGS_FILE = /\.(dll|exe)\.config$|^app\.config$/i;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 64;

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (Element | string)[];
}

/**
 * What of an old service's configuration goes into the worker's own.
 *
 * @throws ConnectorError `invalid-configuration` for what is not a configuration file.
 */
export function mergeHostConfiguration(text: string): string {
  const root = parse(text);
  if (root.name !== 'configuration') throw invalid(`it begins with <${root.name.slice(0, 60)}>, not with <configuration>`);
  const sections = root.children.filter((child): child is Element => typeof child !== 'string');
  const declared = new Set(
    sections
      .filter((one) => one.name === 'configSections')
      .flatMap((one) => one.children)
      .flatMap((one) => (typeof one === 'string' ? [] : [one.attributes['name'] ?? ''])),
  );
  const kept = sections
    .filter((one) => !DROPPED.has(one.name) && (KEPT.has(one.name) || declared.has(one.name)))
    .map((one) => (one.name === 'runtime' ? withoutOurs(one) : one));
  // .NET wants the declarations first.
  kept.sort((left, right) => Number(right.name === 'configSections') - Number(left.name === 'configSections'));
  return `<?xml version="1.0" encoding="utf-8"?>\n<configuration>\n${kept.map((one) => format(one)).join('\n')}\n</configuration>\n`;
}

/**
 * Settings files beside a DLL: neither the old services nor a worker read them, unless `hostConfiguration` names one. People who
 * miss a setting look there first.
 */
export function unreadSettings(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => SETTINGS_FILE.test(name));
}

/** A worker of the connector's own, with its settings beside it. The folder is named by both, so that a change of either makes a new one. */
export function ownWorker(executable: string, hostConfiguration: string, ownFolder: string): string {
  if (!existsSync(hostConfiguration) || !statSync(hostConfiguration).isFile()) throw invalid(`there is no file ${hostConfiguration}`);
  if (statSync(hostConfiguration).size > MAX_BYTES) throw invalid(`the file has more than ${MAX_BYTES} bytes`);
  const merged = mergeHostConfiguration(readFileSync(hostConfiguration, 'utf8').replace(/^\u{feff}/u, ''));
  const hash = createHash('sha256').update(executable).update('\0').update(merged).digest('hex').slice(0, 16);
  const folder = join(ownFolder, 'workers', hash);
  const own = join(folder, basename(executable));
  if (existsSync(own)) return own;
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  const draft = mkdtempSync(join(dirname(folder), '.draft-'));
  try {
    cpSync(dirname(executable), draft, { recursive: true });
    // Connection strings hold passwords: the file is the owner's alone.
    writeFileSync(join(draft, `${basename(executable)}.config`), merged, { mode: 0o600 });
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return own;
}

function withoutOurs(runtime: Element): Element {
  const isOurs = (child: Element | string): boolean =>
    typeof child !== 'string' &&
    child.name === 'dependentAssembly' &&
    child.children.some((one) => typeof one !== 'string' && one.name === 'assemblyIdentity' && OURS.test(one.attributes['name'] ?? ''));
  const clean = (element: Element): Element => ({
    ...element,
    children: element.children.filter((child) => !isOurs(child)).map((child) => (typeof child === 'string' ? child : clean(child))),
  });
  return clean(runtime);
}

/** Refuses document types: their entities are a way to attack, and no configuration has them. */
function parse(text: string): Element {
  const parser = new SaxesParser({ xmlns: false, position: true });
  const open: Element[] = [];
  let root: Element | undefined;
  parser.on('error', (error) => {
    throw invalid(`it is not well-formed XML: ${error.message}`);
  });
  parser.on('doctype', () => {
    throw invalid('it has a document type declaration (DOCTYPE)');
  });
  parser.on('opentag', (tag) => {
    if (open.length >= MAX_DEPTH) throw invalid(`elements are nested deeper than ${MAX_DEPTH}`);
    const element: Element = { name: tag.name, attributes: { ...(tag.attributes as Readonly<Record<string, string>>) }, children: [] };
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
    open.push(element);
  });
  const characters = (part: string): void => void open.at(-1)?.children.push(part);
  parser.on('text', characters);
  parser.on('cdata', characters);
  parser.on('closetag', () => void open.pop());
  parser.write(text).close();
  if (root === undefined) throw invalid('it is empty');
  return root;
}

function format(node: Element | string): string {
  if (typeof node === 'string') return escapeText(node);
  const attributes = Object.entries(node.attributes)
    .map(([name, value]) => ` ${name}="${escapeText(value).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`)
    .join('');
  return node.children.length === 0 ? `<${node.name}${attributes} />` : `<${node.name}${attributes}>${node.children.map(format).join('')}</${node.name}>`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function invalid(why: string): ConnectorError {
  return new ConnectorError('invalid-configuration', `the configuration file of the old service cannot be used: ${why}`, { parameter: 'hostConfiguration' });
}
