import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monoPrograms } from '../../../tools/backends.ts';
import { buildConnector } from './build-worker.ts';
import { mergeHostConfiguration } from './host-configuration.ts';
import { connector } from './index.ts';
import { createTestBench, type TestBench } from './testing/harness.ts';

const SERVICE = `<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <startup><supportedRuntime version="v4.0" /></startup>
  <configSections><section name="acme" type="System.Configuration.NameValueSectionHandler" /></configSections>
  <system.diagnostics><trace autoflush="true" /></system.diagnostics>
  <resourceManagementClient resourceManagementServiceBaseAddress="http://localhost" />
  <acme><add key="tier" value="gold" /></acme>
  <appSettings><add key="Acme.Attribute" value="costCentre &amp; more" /></appSettings>
  <connectionStrings><add name="hr" connectionString="Server=x;Password=secret" /></connectionStrings>
  <runtime>
    <assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1">
      <dependentAssembly><assemblyIdentity name="Microsoft.MetadirectoryServicesEx" publicKeyToken="31bf3856ad364e35" /><bindingRedirect oldVersion="3.3.0.0-4.1.3.0" newVersion="4.1.4.0" /></dependentAssembly>
      <dependentAssembly><assemblyIdentity name="Newtonsoft.Json" /><bindingRedirect oldVersion="0.0.0.0-13.0.0.0" newVersion="13.0.0.0" /></dependentAssembly>
    </assemblyBinding>
  </runtime>
</configuration>`;

describe('R29 the configuration file of the old service', () => {
  it('keeps what connectors read, and leaves out what is the old service and where the contract assembly is', () => {
    const merged = mergeHostConfiguration(SERVICE);
    for (const kept of ['costCentre &amp; more', 'Server=x;Password=secret', 'Newtonsoft.Json', 'key="tier"', 'urn:schemas-microsoft-com:asm.v1'])
      expect(merged).toContain(kept);
    for (const dropped of ['startup', 'system.diagnostics', 'resourceManagementClient', 'MetadirectoryServicesEx']) expect(merged).not.toContain(dropped);
    expect(merged.indexOf('configSections')).toBeLessThan(merged.indexOf('appSettings'));
    expect(mergeHostConfiguration(merged)).toBe(merged);
  });

  it.each([
    ['<settings/>', /begins with <settings>/],
    ['<!DOCTYPE a [<!ENTITY b "c">]><configuration/>', /DOCTYPE/],
    ['<configuration>', /not well-formed/],
    [`<configuration>${'<a>'.repeat(80)}${'</a>'.repeat(80)}</configuration>`, /nested deeper/],
  ])('refuses %s', (text, why) => {
    expect(() => mergeHostConfiguration(text)).toThrow(why);
  });
});

describe.skipIf(monoPrograms() === undefined)('R29 a DLL that reads its settings from the service', { timeout: 120_000 }, () => {
  let bench: TestBench;
  beforeAll(() => {
    bench = createTestBench();
  });
  afterAll(() => bench.remove());

  it('finds them, and without the file it does not', async () => {
    const source = join(bench.folder, 'settings.cs');
    writeFileSync(
      source,
      `using System.Collections.ObjectModel; using System.Configuration; using Microsoft.MetadirectoryServices;
public class SettingsConnector : IMAExtensible2GetSchema {
  public Schema GetSchema(KeyedCollection<string, ConfigParameter> p) {
    Schema schema = Schema.Create();
    SchemaType type = SchemaType.Create("person", false);
    type.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String));
    type.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute(ConfigurationManager.AppSettings["Acme.Attribute"] ?? "none", AttributeType.String));
    schema.Types.Add(type);
    return schema;
  }
}`,
    );
    const dll = await buildConnector('Acme.Settings', [source], ['/usr/lib/mono/4.5/System.Configuration.dll']);
    const directory = join(bench.folder, 'package');
    mkdirSync(directory);
    cpSync(dll, join(directory, basename(dll)));
    const hostConfiguration = join(bench.folder, 'miiserver.exe.config');
    writeFileSync(hostConfiguration, SERVICE);
    const names = async (own: Readonly<Record<string, string>>): Promise<readonly string[]> =>
      (await connector.schema(bench.context({ directory, ...own }), { signal: new AbortController().signal })).objectTypes[0]?.attributes.map(
        (one) => one.name,
      ) ?? [];
    expect(await names({ hostConfiguration })).toEqual(['id', 'costCentre & more']);
    expect(await names({})).toEqual(['id', 'none']);
    expect(bench.lines.filter((line) => line.message.includes('is not read'))).toEqual([]);
    // Beside the DLL it is not read by itself, which is said; named, it is.
    const beside = join(directory, 'Acme.Settings.dll.config');
    writeFileSync(beside, SERVICE);
    expect(await names({})).toEqual(['id', 'none']);
    expect((await bench.logged(/^Acme\.Settings\.dll\.config .* hostConfiguration/)).level).toBe('info');
    expect(await names({ hostConfiguration: beside })).toEqual(['id', 'costCentre & more']);
  });
});
