import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackageError } from '../package-error.ts';
import { inspectPackage, type PackageFile } from './inspect-package.ts';
import { readProgramFile } from './read-assembly.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');
const bytes = (name: string): Buffer => readFileSync(join(fixtures, name));
const files = (...names: readonly string[]): readonly PackageFile[] => names.map((name) => ({ path: name, read: () => bytes(name) }));
const text = (path: string, content: string): PackageFile => ({ path, read: () => Buffer.from(content) });

describe('R30 metadata of a DLL, read without running it', () => {
  it('name, version, framework, references, classes with interfaces of their own and inherited', () => {
    const { assembly, machine } = readProgramFile(bytes('hr.dll'));
    expect(machine).toBe('x86');
    expect(assembly).toMatchObject({
      name: 'hr',
      version: '2.1.0.4',
      targetFramework: '.NETFramework,Version=v4.7.2',
      requires32Bit: false,
      onlyManaged: true,
    });
    expect(assembly?.references.map((one) => `${one.name} ${one.version}`)).toEqual(
      expect.arrayContaining(['Microsoft.MetadirectoryServicesEx 4.1.0.0', 'Acme.Http 2.3.4.5']),
    );
    expect(assembly?.types.find((type) => type.name === 'Acme.Hr.Connector')).toMatchObject({
      base: 'Acme.Hr.ConnectorBase',
      isPublic: true,
      hasParameterlessConstructor: true,
      interfaces: ['Microsoft.MetadirectoryServices.IMAExtensible2CallImport', 'Microsoft.MetadirectoryServices.IMAExtensible2CallExport'],
    });
  });

  it('bitness, native calls and constructors', () => {
    const { assembly } = readProgramFile(bytes('windows.dll'));
    expect(assembly).toMatchObject({ requires32Bit: true, nativeLibraries: ['advapi32.dll'] });
    expect(assembly?.types.find((type) => type.name === 'Acme.Windows.Connector')?.hasParameterlessConstructor).toBe(false);
  });

  it.each(['/usr/lib/mono/4.5/mscorlib.dll', '/usr/lib/mono/4.5/System.dll'].filter(existsSync))('thousands of types of %s', (file) => {
    const { assembly } = readProgramFile(readFileSync(file));
    expect(assembly?.types.length).toBeGreaterThan(1000);
    expect(assembly?.publicKeyToken).toBe('b77a5c561934e089');
  });

  it('damaged and forged files are refused in a sentence, whatever bytes they have', () => {
    expect(() => readProgramFile(Buffer.from('MZ'))).toThrow(/not a Windows program file/);
    const whole = bytes('hr.dll');
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.boolean(), (at, put, cut) => {
        const changed = Buffer.from(cut ? whole.subarray(0, at) : whole);
        if (!cut) changed.set(put.subarray(0, Math.max(0, changed.length - at)), at);
        try {
          readProgramFile(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(PackageError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('R29 R30 grades', () => {
  it('a plain connector with all it needs runs on Mono; public or not, inherited or not, its classes are found', () => {
    const inspection = inspectPackage(files('hr.dll', 'Acme.Http.dll'));
    expect(inspection).toMatchObject({ kind: 'ecma2', grade: 'mono', missing: [], findings: [] });
    expect(inspection.connectors.map((connector) => [connector.className, connector.interfaces])).toEqual([
      ['Acme.Hr.Connector', ['IMAExtensible2CallExport', 'IMAExtensible2CallImport', 'IMAExtensible2GetCapabilities', 'IMAExtensible2GetSchema']],
      ['Acme.Hr.Passwords', ['IMAExtensible2Password']],
    ]);
  });

  it('a file of settings beside the DLL is named: nothing reads it by itself; one of a module is not our matter', () => {
    const settings = text('hr.dll.config', '<configuration/>');
    expect(inspectPackage([...files('hr.dll', 'Acme.Http.dll'), settings])).toMatchObject({
      grade: 'mono',
      findings: [{ where: 'hr.dll.config', advice: expect.stringContaining('hostConfiguration') }],
    });
    expect(inspectPackage([text('index.ts', ''), settings]).findings).toEqual([]);
  });

  it('what is missing is named, with who needs it and where it was', () => {
    const { missing } = inspectPackage(files('hr.dll'));
    expect(missing).toEqual([{ name: 'Acme.Http', version: '2.3.4.5', neededBy: ['hr.dll'], advice: expect.stringContaining('copy it from') }]);
  });

  it('Windows by name: registry, identity, native calls, 32 bits, no constructor', () => {
    const inspection = inspectPackage(files('windows.dll'));
    expect(inspection.findings.map((finding) => [finding.grade, finding.what])).toEqual([
      ['windows-32-bit', 'built for 32 bits only'],
      ['windows', 'the Windows registry'],
      ['windows', 'Windows identities (impersonation)'],
      ['windows', 'the Windows library advapi32.dll (P/Invoke)'],
      ['unusable', expect.stringContaining('no constructor without parameters')],
    ]);
    expect(inspection.grade).toBe('unusable');
  });

  it('a rules extension and an ECMA1 connector are not connectors', () => {
    expect(inspectPackage(files('rules.dll'))).toMatchObject({
      kind: 'unknown',
      grade: 'unusable',
      findings: [{ what: expect.stringContaining('no class implements') }],
    });
    expect(inspectPackage(files('ecma1.dll')).findings[0]?.what).toContain('ECMA1');
  });

  it('a module package starts where its manifest says', () => {
    expect(inspectPackage([text('package.json', '{"exports":{".":"./src/main.ts"}}'), text('src/main.ts', '')])).toMatchObject({
      kind: 'module',
      entry: 'src/main.ts',
      grade: 'mono',
    });
    expect(inspectPackage([text('index.ts', '')])).toMatchObject({ kind: 'module', entry: 'index.ts' });
    expect(() => inspectPackage([text('package.json', '{')])).toThrow(/not valid JSON/);
  });

  it('a file that only looks like a DLL is named', () => {
    expect(inspectPackage([...files('hr.dll', 'Acme.Http.dll'), text('x.dll', 'not one')]).unreadable).toEqual([
      { file: 'x.dll', reason: expect.stringContaining('not a Windows program') },
    ]);
  });
});
