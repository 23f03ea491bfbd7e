import { createHash } from 'node:crypto';
import { PackageError } from '../package-error.ts';
import { type CodedIndex, type Column, codedIndexes, table, tableColumns, tagBits } from './metadata-tables.ts';

/** A native or .NET program file, read and never run. */
export interface ProgramFile {
  /** `x86`, `x64`, `arm64`, or the number. For .NET `x86` says little: see {@link AssemblyFacts.requires32Bit}. */
  readonly machine: string;
  /** Absent: native code. */
  readonly assembly: AssemblyFacts | undefined;
}

/** What the metadata of a .NET assembly says (ECMA-335, partition II). */
export interface AssemblyFacts {
  readonly name: string;
  readonly version: string;
  /** `''` for the neutral one; else a satellite. */
  readonly culture: string;
  /** Hexadecimal; `''` where it is not strong-named. */
  readonly publicKeyToken: string;
  /** Runtime that the metadata names: `v4.0.30319`. */
  readonly runtime: string;
  /** As `TargetFrameworkAttribute` says: `.NETFramework,Version=v4.7.2`; `''` where it says nothing. */
  readonly targetFramework: string;
  readonly requires32Bit: boolean;
  /** No native code inside (C++/CLI has some). */
  readonly onlyManaged: boolean;
  readonly references: readonly AssemblyReference[];
  readonly types: readonly TypeFacts[];
  /** Full names of types of other assemblies that it uses, with the assembly. */
  readonly usedTypes: readonly { readonly name: string; readonly assembly: string }[];
  /** Native libraries that it calls (P/Invoke). */
  readonly nativeLibraries: readonly string[];
}

export interface AssemblyReference {
  readonly name: string;
  readonly version: string;
  readonly culture: string;
  readonly publicKeyToken: string;
}

export interface TypeFacts {
  readonly name: string;
  readonly abstract: boolean;
  readonly isInterface: boolean;
  readonly isPublic: boolean;
  /** Full name of the base class; `''` for none. */
  readonly base: string;
  /** Full names of the interfaces it declares itself. */
  readonly interfaces: readonly string[];
  readonly hasParameterlessConstructor: boolean;
  /** Declared as COM import. */
  readonly comImport: boolean;
}

const MACHINES: Readonly<Record<number, string>> = { 332: 'x86', 34404: 'x64', 43620: 'arm64', 452: 'arm', 512: 'ia64' };
/** Largest file that is read. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Rows of a table that are read: no connector comes near, a forged header must not make us allocate. */
const MAX_ROWS = 2_000_000;

/**
 * Reads a DLL or EXE.
 *
 * @throws PackageError `unreadable` for anything that is not a well-formed program file.
 */
export function readProgramFile(bytes: Uint8Array): ProgramFile {
  if (bytes.byteLength > MAX_BYTES) throw new PackageError('unreadable', `the file has ${bytes.byteLength} bytes; at most ${MAX_BYTES} are read`);
  try {
    return readPortableExecutable(bytes);
  } catch (error) {
    if (error instanceof PackageError) throw error;
    // Whatever lies outside the file: a header that points nowhere.
    if (error instanceof RangeError) throw new PackageError('unreadable', 'the file is cut short or damaged', { cause: error });
    throw error;
  }
}

interface Image {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** File offset of a relative virtual address. */
  offsetOf(address: number): number;
}

function readPortableExecutable(bytes: Uint8Array): ProgramFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 64 || view.getUint16(0, true) !== 0x5a4d) throw new PackageError('unreadable', 'this is not a Windows program file (DLL)');
  const header = view.getUint32(0x3c, true);
  if (view.getUint32(header, true) !== 0x0000_4550) throw new PackageError('unreadable', 'this is an MS-DOS program, not a DLL');
  const machine = view.getUint16(header + 4, true);
  const sections = view.getUint16(header + 6, true);
  const optionalSize = view.getUint16(header + 20, true);
  const optional = header + 24;
  const wide = view.getUint16(optional, true) === 0x20b;
  const directories = optional + (wide ? 112 : 96);
  const count = view.getUint32(directories - 4, true);
  const table = optional + optionalSize;
  const ranges = Array.from({ length: Math.min(sections, 96) }, (_, index) => {
    const at = table + index * 40;
    return {
      address: view.getUint32(at + 12, true),
      size: Math.max(view.getUint32(at + 8, true), view.getUint32(at + 16, true)),
      offset: view.getUint32(at + 20, true),
    };
  });
  const image: Image = {
    view,
    bytes,
    offsetOf(address) {
      const range = ranges.find((one) => address >= one.address && address < one.address + one.size);
      if (range === undefined) throw new RangeError('an address outside all sections');
      return address - range.address + range.offset;
    },
  };
  const cli = count > 14 ? view.getUint32(directories + 14 * 8, true) : 0;
  return { machine: MACHINES[machine] ?? `0x${machine.toString(16)}`, assembly: cli === 0 ? undefined : readCli(image, image.offsetOf(cli), machine) };
}

function readCli(image: Image, at: number, machine: number): AssemblyFacts {
  const { view } = image;
  const metadata = image.offsetOf(view.getUint32(at + 8, true));
  const flags = view.getUint32(at + 16, true);
  if (view.getUint32(metadata, true) !== 0x424a_5342) throw new PackageError('unreadable', 'its .NET metadata is damaged');
  const versionLength = view.getUint32(metadata + 12, true);
  const runtime = textAt(image.bytes, metadata + 16, metadata + 16 + Math.min(versionLength, 256));
  const streams = readStreams(image, metadata, metadata + 16 + versionLength);
  const tables = openTables(image, streams);
  return {
    ...readFacts(tables),
    runtime,
    // IL only, 32-bit required and not merely preferred (II.25.3.3.1, CorHdr.h).
    requires32Bit: machine === 0x14c && (flags & 0x2) !== 0 && (flags & 0x2_0000) === 0,
    onlyManaged: (flags & 0x1) !== 0,
  };
}

interface Streams {
  readonly tables: number;
  readonly strings: { readonly start: number; readonly end: number };
  readonly blobs: { readonly start: number; readonly end: number };
}

function readStreams(image: Image, metadata: number, after: number): Streams {
  const { view, bytes } = image;
  const found = new Map<string, { start: number; end: number }>();
  let at = after + 4;
  for (let left = view.getUint16(after + 2, true); left > 0 && left < 64; left -= 1) {
    const start = metadata + view.getUint32(at, true);
    const size = view.getUint32(at + 4, true);
    const name = textAt(bytes, at + 8, at + 40);
    found.set(name, { start, end: start + size });
    at += 8 + (Math.floor(name.length / 4) + 1) * 4;
  }
  const tables = found.get('#~') ?? found.get('#-');
  if (tables === undefined) throw new PackageError('unreadable', 'its .NET metadata has no tables');
  const empty = { start: 0, end: 0 };
  return { tables: tables.start, strings: found.get('#Strings') ?? empty, blobs: found.get('#Blob') ?? empty };
}

interface Tables {
  count(number: number): number;
  /** The columns of a row, counted from 1. */
  row(number: number, index: number): readonly number[];
  text(index: number): string;
  blob(index: number): Uint8Array;
}

/** Opens the tables stream (II.24.2.6): sizes follow from the numbers of rows. */
function openTables(image: Image, streams: Streams): Tables {
  const { view, bytes } = image;
  const start = streams.tables;
  const heapSizes = view.getUint8(start + 6);
  const present = view.getBigUint64(start + 8, true);
  const rows = new Array<number>(64).fill(0);
  let at = start + 24;
  for (let number = 0; number < 64; number += 1) {
    if (((present >> BigInt(number)) & 1n) === 0n) continue;
    if (tableColumns[number] === undefined) throw new PackageError('unreadable', 'its .NET metadata has tables that are not known');
    rows[number] = view.getUint32(at, true);
    if ((rows[number] ?? 0) > MAX_ROWS) throw new PackageError('unreadable', 'its .NET metadata claims more rows than any connector has');
    at += 4;
  }
  if ((heapSizes & 0x40) !== 0) at += 4;
  const rowsOf = (number: number): number => rows[number] ?? 0;
  const size = (column: Column): number => {
    if (column === 2 || column === 4) return column;
    if (column === 'S') return (heapSizes & 1) === 0 ? 2 : 4;
    if (column === 'G') return (heapSizes & 2) === 0 ? 2 : 4;
    if (column === 'B') return (heapSizes & 4) === 0 ? 2 : 4;
    if (typeof column === 'object') return rowsOf(column[0]) < 0x1_0000 ? 2 : 4;
    const largest = Math.max(...codedIndexes[column].map((number) => (number < 0 ? 0 : rowsOf(number))));
    return largest < 2 ** (16 - tagBits(column)) ? 2 : 4;
  };
  const layouts = tableColumns.map((columns) => columns.map(size));
  const starts: number[] = [];
  for (let number = 0; number < tableColumns.length; number += 1) {
    starts.push(at);
    at += rowsOf(number) * (layouts[number] ?? []).reduce((sum, width) => sum + width, 0);
  }
  return {
    count: rowsOf,
    row(number, index) {
      const widths = layouts[number] ?? [];
      if (index < 1 || index > rowsOf(number)) throw new RangeError(`a row that is not there: ${number}, ${index}`);
      let offset = (starts[number] ?? 0) + (index - 1) * widths.reduce((sum, width) => sum + width, 0);
      return widths.map((width) => {
        const value = width === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
        offset += width;
        return value;
      });
    },
    text: (index) => (index === 0 ? '' : textAt(bytes, streams.strings.start + index, streams.strings.end)),
    blob(index) {
      const position = streams.blobs.start + index;
      const [length, head] = compressed(view, position);
      const from = position + head;
      if (from + length > Math.min(streams.blobs.end, bytes.byteLength)) throw new RangeError('a blob outside its heap');
      return bytes.subarray(from, from + length);
    },
  };
}

/** A compressed unsigned integer (II.23.2) and its width. */
function compressed(view: DataView, at: number): readonly [number, number] {
  const first = view.getUint8(at);
  if ((first & 0x80) === 0) return [first, 1];
  if ((first & 0x40) === 0) return [((first & 0x3f) << 8) | view.getUint8(at + 1), 2];
  return [((first & 0x1f) << 24) | (view.getUint8(at + 1) << 16) | view.getUint16(at + 2, false), 4];
}

/** Zero-terminated UTF-8. */
function textAt(bytes: Uint8Array, start: number, limit: number): string {
  const end = Math.min(limit, bytes.byteLength, start + 4096);
  if (start >= end) return '';
  const zero = bytes.subarray(start, end).indexOf(0);
  return new TextDecoder().decode(bytes.subarray(start, zero === -1 ? end : start + zero));
}

type Facts = Omit<AssemblyFacts, 'runtime' | 'requires32Bit' | 'onlyManaged'>;

function readFacts(tables: Tables): Facts {
  const cells = (number: number, index: number): readonly number[] => tables.row(number, index);
  const rowNumbers = (number: number): readonly number[] => Array.from({ length: tables.count(number) }, (_, index) => index + 1);
  const decode = (index: CodedIndex, value: number): readonly [number, number] => {
    const bits = tagBits(index);
    return [codedIndexes[index][value & ((1 << bits) - 1)] ?? -1, value >>> bits];
  };
  const full = (namespace: number | undefined, name: number | undefined): string => {
    const space = tables.text(namespace ?? 0);
    return `${space === '' ? '' : `${space}.`}${tables.text(name ?? 0)}`;
  };
  const references = rowNumbers(table.assemblyRef).map((index): AssemblyReference => {
    const [major, minor, build, revision, flags = 0, key = 0, name = 0, culture = 0] = cells(table.assemblyRef, index);
    return {
      name: tables.text(name),
      version: [major, minor, build, revision].join('.'),
      culture: tables.text(culture),
      // A reference holds a token or, by its flag, the whole key.
      publicKeyToken: key === 0 ? '' : (flags & 1) === 0 ? hex(tables.blob(key)) : tokenOf(tables.blob(key)),
    };
  });
  const usedTypes = rowNumbers(table.typeRef).map((index) => {
    const [scope = 0, name, namespace] = cells(table.typeRef, index);
    const [scopeTable, scopeRow] = decode('ResolutionScope', scope);
    return { name: full(namespace, name), assembly: scopeTable === table.assemblyRef ? (references[scopeRow - 1]?.name ?? '') : '' };
  });
  const typeNames = rowNumbers(table.typeDef).map((index) => {
    const row = cells(table.typeDef, index);
    return full(row[2], row[1]);
  });
  const nameOf = (value: number): string => {
    const [number, row] = decode('TypeDefOrRef', value);
    if (number === table.typeDef) return typeNames[row - 1] ?? '';
    if (number === table.typeRef) return usedTypes[row - 1]?.name ?? '';
    return '';
  };
  const interfaces = new Map<number, string[]>();
  for (const index of rowNumbers(table.interfaceImpl)) {
    const [owner = 0, implemented = 0] = cells(table.interfaceImpl, index);
    const name = nameOf(implemented);
    if (name !== '') interfaces.set(owner, [...(interfaces.get(owner) ?? []), name]);
  }
  const types = rowNumbers(table.typeDef).map((index): TypeFacts => {
    const [flags = 0, , , base = 0, , methods = 0] = cells(table.typeDef, index);
    const next = index < tables.count(table.typeDef) ? (cells(table.typeDef, index + 1)[5] ?? 0) : tables.count(table.methodDef) + 1;
    return {
      name: typeNames[index - 1] ?? '',
      abstract: (flags & 0x80) !== 0,
      isInterface: (flags & 0x20) !== 0,
      isPublic: (flags & 0x7) === 1 || (flags & 0x7) === 2,
      base: base === 0 ? '' : nameOf(base),
      interfaces: interfaces.get(index) ?? [],
      hasParameterlessConstructor: hasParameterlessConstructor(tables, methods, next),
      comImport: (flags & 0x1000) !== 0,
    };
  });
  const [assembly] = rowNumbers(table.assembly);
  const row = assembly === undefined ? [] : cells(table.assembly, assembly);
  return {
    name: tables.text(row[7] ?? 0),
    version: assembly === undefined ? '' : row.slice(1, 5).join('.'),
    culture: tables.text(row[8] ?? 0),
    publicKeyToken: (row[6] ?? 0) === 0 ? '' : tokenOf(tables.blob(row[6] ?? 0)),
    targetFramework: readTargetFramework(tables, decode, usedTypes),
    references,
    types,
    usedTypes,
    nativeLibraries: [
      ...new Set(rowNumbers(table.implMap).map((index) => tables.text(cells(table.moduleRef, cells(table.implMap, index)[3] ?? 0)[0] ?? 0))),
    ].filter((name) => name !== ''),
  };
}

function hasParameterlessConstructor(tables: Tables, from: number, to: number): boolean {
  for (let index = from; index < Math.min(to, tables.count(table.methodDef) + 1); index += 1) {
    const [, , , name = 0, signature = 0] = tables.row(table.methodDef, index);
    // MethodDefSig (II.23.2.1): calling convention, then the number of parameters.
    if (tables.text(name) === '.ctor' && tables.blob(signature)[1] === 0) return true;
  }
  return false;
}

/** `TargetFrameworkAttribute` on the assembly: a string argument (II.23.3). */
function readTargetFramework(tables: Tables, decode: (index: CodedIndex, value: number) => readonly [number, number], usedTypes: Facts['usedTypes']): string {
  for (let index = 1; index <= tables.count(table.customAttribute); index += 1) {
    const [parent = 0, type = 0, value = 0] = tables.row(table.customAttribute, index);
    if (decode('HasCustomAttribute', parent)[0] !== table.assembly) continue;
    const [number, row] = decode('CustomAttributeType', type);
    if (number !== table.memberRef) continue;
    const [owner = 0] = tables.row(table.memberRef, row);
    const [ownerTable, ownerRow] = decode('MemberRefParent', owner);
    if (ownerTable !== table.typeRef || usedTypes[ownerRow - 1]?.name !== 'System.Runtime.Versioning.TargetFrameworkAttribute') continue;
    const blob = tables.blob(value);
    const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    if (blob.byteLength < 4 || view.getUint16(0, true) !== 1) continue;
    const [length, head] = compressed(view, 2);
    return new TextDecoder().decode(blob.subarray(2 + head, 2 + head + length));
  }
  return '';
}

/** The token of a public key: the last eight bytes of its SHA-1, backwards (II.6.2.1.3). */
function tokenOf(key: Uint8Array): string {
  return key.length === 0 ? '' : hex(createHash('sha1').update(key).digest().subarray(-8).reverse());
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
