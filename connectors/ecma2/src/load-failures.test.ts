import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { toConnectorError } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monoPrograms } from '../../../tools/backends.ts';
import { buildConnector, buildWorker } from './build-worker.ts';
import { connector } from './index.ts';
import { createTestBench, type TestBench } from './testing/harness.ts';

const { signal } = new AbortController();
const HEAD = 'using System; using System.Collections.Generic; using System.Collections.ObjectModel; using Microsoft.MetadirectoryServices;\n';
const SCHEMA =
  '{ Schema s = Schema.Create(); SchemaType t = SchemaType.Create("person", false); t.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String)); s.Types.Add(t); return s; }';
const GET_SCHEMA = `public Schema GetSchema(KeyedCollection<string, ConfigParameter> p) ${SCHEMA}`;

describe.skipIf(monoPrograms() === undefined)('a package that cannot be loaded says why, and what to do', { timeout: 120_000 }, () => {
  let bench: TestBench;
  beforeAll(() => {
    bench = createTestBench();
  });
  afterAll(() => bench.remove());

  async function compile(name: string, text: string, more: readonly string[] = []): Promise<string> {
    const source = join(bench.folder, `${name}.cs`);
    writeFileSync(source, HEAD + text);
    return buildConnector(name, [source], more);
  }

  /** A package folder with these files. */
  function makePackage(name: string, files: readonly string[]): string {
    const folder = join(bench.folder, `package-${name}`);
    mkdirSync(folder, { recursive: true });
    for (const file of files) cpSync(file, join(folder, basename(file)));
    return folder;
  }

  async function failureOf(directory: string, own: Readonly<Record<string, string>> = {}): Promise<string> {
    try {
      await connector.schema(bench.context({ directory, ...own }), { signal });
    } catch (error) {
      const { code, message } = toConnectorError(error);
      expect(code).toBe('invalid-configuration');
      // Names of a person's files, never a stack.
      expect(message).not.toMatch(/^ {2}at /m);
      return message;
    }
    throw new Error('it loaded');
  }

  it('missing dependency: named with its version and where to find it', async () => {
    const helper = await compile('Acme.Helper', 'namespace Acme { public class Helper { public static string Text = "x"; } public class Base { } }');
    const dll = await compile('Acme.NeedsHelper', `public class C : Acme.Base, IMAExtensible2GetSchema { ${GET_SCHEMA} }`, [helper]);
    expect(await failureOf(makePackage('missing', [dll]))).toMatch(/needs the assembly Acme\.Helper, Version=.*Copy Acme\.Helper\.dll into the folder.*GAC/);
    expect((await connector.schema(bench.context({ directory: makePackage('complete', [dll, helper]) }), { signal })).objectTypes).toHaveLength(1);
  });

  it('missing dependency that is needed late: warned of at the start, named when it happens', async () => {
    const helper = await compile('Acme.Late', 'namespace Acme { public class Late { public static string Text() { return "x"; } } }');
    const dll = await compile(
      'Acme.NeedsLate',
      `public class C : IMAExtensible2GetSchema { public Schema GetSchema(KeyedCollection<string, ConfigParameter> p) { Use(); ${SCHEMA} } static void Use() { Acme.Late.Text(); } }`,
      [helper],
    );
    expect(await failureOf(makePackage('late', [dll]))).toMatch(/Copy Acme\.Late\.dll/);
    await bench.logged(/Acme\.NeedsLate\.dll: .*Copy Acme\.Late\.dll/);
  });

  it('wrong framework: a DLL for the current .NET says so', async () => {
    const source = join(bench.folder, 'System.Runtime.cs');
    writeFileSync(source, '[assembly: System.Reflection.AssemblyVersion("8.0.0.0")] namespace System.Net { public class Modern { } }');
    const runtime = await buildConnector('System.Runtime', [source]);
    const dll = await compile('Acme.Modern', `public class C : System.Net.Modern, IMAExtensible2GetSchema { ${GET_SCHEMA} }`, [runtime]);
    expect(await failureOf(makePackage('modern', [dll]))).toMatch(/System\.Runtime, Version=8.*belongs to the current \.NET: set runtime to dotnet/);
  });

  it('native DLL, mixed mode and 32 bits: told from the headers', async () => {
    const folder = makePackage('native', []);
    writeFileSync(join(folder, 'legacy.dll'), nativeImage());
    expect(await failureOf(folder, { dll: 'legacy.dll' })).toMatch(/legacy\.dll is not a \.NET assembly \(it is a native library for x86 \(32 bits\)\)/);
    writeFileSync(join(folder, 'text.dll'), 'not a program');
    expect(await failureOf(folder, { dll: 'text.dll' })).toMatch(/it is no executable file/);
    const dll = await compile(
      'Acme.CallsNative',
      `public class C : IMAExtensible2GetSchema { [System.Runtime.InteropServices.DllImport("legacy32")] static extern int Go(); public Schema GetSchema(KeyedCollection<string, ConfigParameter> p) { Go(); ${SCHEMA} } }`,
    );
    expect(await failureOf(makePackage('pinvoke', [dll]))).toMatch(/native library that is not here: legacy32.*Windows worker of its bitness/);
  });

  it('no interface: says what the DLL is instead', async () => {
    const plain = await compile('Acme.Plain', 'public class C { public MACapabilities X; }');
    expect(await failureOf(makePackage('plain', [plain]))).toMatch(/no class that implements an interface of ECMA 2.*Name the connector's own DLL/);
    const rules = await compile(
      'Acme.Rules',
      'public class C : IMVSynchronization { public void Initialize() {} public void Terminate() {} public void Provision(MVEntry e) {} public bool ShouldDeleteFromMV(CSEntry c, MVEntry m) { return false; } }',
    );
    expect(await failureOf(makePackage('rules', [rules]))).toMatch(/it is a rules extension, not a connector/);
    const foreign = await compile('Acme.Foreign', 'public class C { }');
    expect(await failureOf(makePackage('foreign', [foreign]))).toMatch(/no DLL in .* refers to Microsoft\.MetadirectoryServicesEx.*Acme\.Foreign\.dll/);
  });

  it('throwing constructor, and none without parameters', async () => {
    const throws = await compile(
      'Acme.Throws',
      `public class C : IMAExtensible2GetSchema { public C() { throw new InvalidOperationException("no registry key"); } ${GET_SCHEMA} }`,
    );
    expect(await failureOf(makePackage('throws', [throws]))).toMatch(
      /constructor of C failed: InvalidOperationException: no registry key.*before any parameter is known/,
    );
    const lacks = await compile('Acme.Lacks', `public class C : IMAExtensible2GetSchema { public C(int x) { } ${GET_SCHEMA} }`);
    expect(await failureOf(makePackage('lacks', [lacks]))).toMatch(/the class C has no constructor without parameters/);
  });

  it('duplicate classes and DLLs: lists them, and takes the one that is named', async () => {
    const two = await compile(
      'Acme.Two',
      `public class First : IMAExtensible2GetSchema { ${GET_SCHEMA} } public class Second : IMAExtensible2GetSchema { ${GET_SCHEMA} }`,
    );
    const folder = makePackage('two', [two]);
    expect(await failureOf(folder)).toMatch(/several classes implement IMAExtensible2GetSchema: First, Second\. Name one with class/);
    expect((await connector.schema(bench.context({ directory: folder, class: 'Second' }), { signal })).objectTypes).toHaveLength(1);
    const other = await compile('Acme.Other', `public class Only : IMAExtensible2GetSchema { ${GET_SCHEMA} }`);
    const both = makePackage('both', [two, other]);
    expect(await failureOf(both)).toMatch(/several DLLs .* are ECMA2 connectors: Acme\.Other\.dll, Acme\.Two\.dll\. Name one with dll/);
    expect((await connector.schema(bench.context({ directory: both, dll: 'Acme.Other.dll' }), { signal })).objectTypes).toHaveLength(1);
  });

  it('a folder or a DLL that is not there', async () => {
    expect(await failureOf(join(bench.folder, 'nowhere'))).toMatch(/there is no folder .*nowhere: set directory/);
    expect(await failureOf(makePackage('empty', []), { dll: 'X.dll' })).toMatch(/there is no X\.dll in .*; there are: no DLLs/);
  });

  it("Microsoft's assembly beside the connector is left alone: ours is used, whatever version was compiled against", async () => {
    const source = join(bench.folder, 'Microsoft.cs');
    writeFileSync(
      source,
      '[assembly: System.Reflection.AssemblyVersion("4.1.4.0")] namespace Microsoft.MetadirectoryServices { public interface IMAExtensible2GetSchema { } }',
    );
    const theirs = await buildConnector('Microsoft.MetadirectoryServicesEx', [source]);
    const dll = await compile('Acme.Beside', `public class C : IMAExtensible2GetSchema { ${GET_SCHEMA} }`);
    expect((await connector.schema(bench.context({ directory: makePackage('beside', [dll, theirs]) }), { signal })).objectTypes).toHaveLength(1);
  });

  it('two versions of one dependency: each reference gets its own from a sub-folder, or what lies beside', async () => {
    const { contract } = await buildWorker('mono');
    expect(contract).toMatch(/Microsoft\.MetadirectoryServicesEx\.dll$/);
    const build = async (version: string): Promise<string> => {
      const source = join(bench.folder, `versioned-${version}.cs`);
      writeFileSync(
        source,
        `[assembly: System.Reflection.AssemblyVersion("${version}.0.0.0")] namespace Acme { public class Versioned { public static string Text() { return "${version}"; } } }`,
      );
      return buildConnector('Acme.Versioned', [source]);
    };
    const [one, two] = [await build('1'), await build('2')];
    const dll = await compile(
      'Acme.WantsOne',
      `public class C : IMAExtensible2GetSchema { public Schema GetSchema(KeyedCollection<string, ConfigParameter> p) { Schema s = Schema.Create(); SchemaType t = SchemaType.Create("v" + Acme.Versioned.Text(), false); t.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String)); s.Types.Add(t); return s; } }`,
      [one],
    );
    const folder = makePackage('versions', [dll]);
    mkdirSync(join(folder, 'v1'));
    mkdirSync(join(folder, 'v2'));
    cpSync(one, join(folder, 'v1', basename(one)));
    cpSync(two, join(folder, 'v2', basename(two)));
    expect((await connector.schema(bench.context({ directory: folder }), { signal })).objectTypes[0]?.name).toBe('v1');
    expect((await connector.schema(bench.context({ directory: makePackage('newer', [dll, two]) }), { signal })).objectTypes[0]?.name).toBe('v2');
  });

  it('satellite assemblies: the one of the culture is found in its folder, and where there is none the neutral text is', async () => {
    const satellite = await compile(
      'Acme.Localised.resources',
      `[assembly: System.Reflection.AssemblyCulture("de")] public class Texts { public static string Name { get { return "deutsch"; } } }`,
    );
    const dll = await compile(
      'Acme.Localised',
      `public class C : IMAExtensible2GetSchema { public Schema GetSchema(KeyedCollection<string, ConfigParameter> p) {
        string name = "neutral";
        try { name = (string)typeof(C).Assembly.GetSatelliteAssembly(System.Globalization.CultureInfo.CurrentCulture).GetType("Texts").GetProperty("Name").GetValue(null, null); }
        catch (System.IO.FileNotFoundException) { }
        Schema s = Schema.Create(); SchemaType t = SchemaType.Create(name, false); t.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String)); s.Types.Add(t); return s; } }`,
    );
    const folder = makePackage('localised', [dll]);
    mkdirSync(join(folder, 'de'));
    cpSync(satellite, join(folder, 'de', basename(satellite)));
    const name = async (culture: string): Promise<string | undefined> =>
      (await connector.schema(bench.context({ directory: folder, culture }), { signal })).objectTypes[0]?.name;
    expect(await name('de')).toBe('deutsch');
    expect(await name('fr')).toBe('neutral');
  });
});

/** The headers of a 32-bit native library: enough for a loader to know what it has. */
function nativeImage(): Buffer {
  const image = Buffer.alloc(512);
  image.write('MZ', 0, 'latin1');
  image.writeUInt32LE(64, 0x3c);
  image.write('PE\0\0', 64, 'latin1');
  image.writeUInt16LE(0x14c, 68);
  image.writeUInt16LE(0, 70);
  image.writeUInt16LE(224, 84);
  image.writeUInt16LE(0x10b, 88);
  return image;
}
