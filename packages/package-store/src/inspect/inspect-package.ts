import { PackageError } from '../package-error.ts';
import { environmentRules, frameworkAssemblies, type Grade, grades, knownAbsent, OWN_ASSEMBLIES, WINDOWS_LIBRARIES } from './framework.ts';
import { type AssemblyFacts, type ProgramFile, readProgramFile, type TypeFacts } from './read-assembly.ts';

/** A file of a package, with its path below the package. */
export interface PackageFile {
  readonly path: string;
  read(): Uint8Array;
}

/** A class that can be a connector. */
export interface FoundConnector {
  readonly file: string;
  readonly className: string;
  /** What it implements, its own and inherited: `IMAExtensible2CallImport` … */
  readonly interfaces: readonly string[];
  /** Why it could fail to be made. */
  readonly problems: readonly string[];
}

/** What decides where a package can run, or what it lacks. */
export interface Finding {
  readonly grade: Grade;
  readonly what: string;
  readonly where: string;
  readonly advice: string;
}

/** An assembly that is referred to, and that neither the folder nor the runtime has (R29). */
export interface MissingAssembly {
  readonly name: string;
  readonly version: string;
  readonly neededBy: readonly string[];
  readonly advice: string;
}

/** What is known of a package without running any of it. */
export interface Inspection {
  readonly kind: 'ecma2' | 'module' | 'unknown';
  readonly grade: Grade;
  readonly connectors: readonly FoundConnector[];
  readonly assemblies: readonly {
    readonly file: string;
    readonly name: string;
    readonly version: string;
    readonly targetFramework: string;
    readonly bitness: 'any' | '32' | '64';
    readonly native: boolean;
  }[];
  readonly missing: readonly MissingAssembly[];
  readonly findings: readonly Finding[];
  /** Files that look like programs and cannot be read. */
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
  /** Of a module package: where it starts. */
  readonly entry: string | undefined;
}

const NAMESPACE = 'Microsoft.MetadirectoryServices.';
const ECMA1 = ['IMAExtensibleFileImport', 'IMAExtensibleFileExport', 'IMAExtensibleCallExport', 'IMAExtensibleImport'];

/** Inspects the files of a package. Reads; runs nothing. */
export function inspectPackage(files: readonly PackageFile[]): Inspection {
  const unreadable: { file: string; reason: string }[] = [];
  const programs = files
    .filter((file) => /\.(dll|exe)$/i.test(file.path))
    .flatMap((file): readonly { readonly file: string; readonly program: ProgramFile }[] => {
      try {
        return [{ file: file.path, program: readProgramFile(file.read()) }];
      } catch (error) {
        if (!(error instanceof PackageError)) throw error;
        unreadable.push({ file: file.path, reason: error.message });
        return [];
      }
    });
  const assemblies = programs.flatMap(({ file, program }) =>
    program.assembly === undefined ? [] : [{ file, machine: program.machine, assembly: program.assembly }],
  );
  const connectors = findConnectors(assemblies);
  const entry = findEntry(files);
  const kind = connectors.length > 0 ? 'ecma2' : entry !== undefined ? 'module' : 'unknown';
  const missing = findMissing(assemblies);
  const findings =
    kind === 'module'
      ? []
      : [
          ...findNative(programs),
          ...assemblies.flatMap(findEnvironment),
          ...missingFindings(missing),
          ...findProblems(assemblies, connectors),
          ...findSettings(files, connectors),
        ];
  const worst = findings.reduce((index, finding) => Math.max(index, grades.indexOf(finding.grade)), 0);
  return {
    kind,
    grade: kind === 'unknown' ? 'unusable' : (grades[worst] ?? 'mono'),
    connectors,
    assemblies: programs.map(({ file, program }) => ({
      file,
      name: program.assembly?.name ?? '',
      version: program.assembly?.version ?? '',
      targetFramework: program.assembly?.targetFramework || (program.assembly?.runtime ?? ''),
      bitness: bitnessOf(program),
      native: program.assembly === undefined,
    })),
    missing,
    findings,
    unreadable,
    entry,
  };
}

interface Loaded {
  readonly file: string;
  readonly machine: string;
  readonly assembly: AssemblyFacts;
}

function bitnessOf(program: ProgramFile): 'any' | '32' | '64' {
  if (program.assembly === undefined) return program.machine === 'x86' ? '32' : '64';
  if (program.assembly.requires32Bit) return '32';
  return program.machine === 'x64' || program.machine === 'arm64' ? '64' : program.assembly.onlyManaged ? 'any' : '32';
}

/** Classes that implement an ECMA2 interface, by themselves or by a base class of any assembly of the package. */
function findConnectors(loaded: readonly Loaded[]): readonly FoundConnector[] {
  const types = new Map<string, TypeFacts>();
  for (const { assembly } of loaded) for (const type of assembly.types) if (!types.has(type.name)) types.set(type.name, type);
  const all = (type: TypeFacts, seen = new Set<string>()): ReadonlySet<string> => {
    for (const name of [...type.interfaces, type.base]) {
      if (name === '' || seen.has(name)) continue;
      seen.add(name);
      const known = types.get(name);
      if (known !== undefined && !name.startsWith(NAMESPACE)) all(known, seen);
    }
    return seen;
  };
  return loaded
    .filter(({ assembly }) => !OWN_ASSEMBLIES.has(assembly.name.toLowerCase()))
    .flatMap(({ file, assembly }) =>
      assembly.types.flatMap((type): readonly FoundConnector[] => {
        if (type.isInterface || type.abstract) return [];
        const interfaces = [...all(type)].filter((name) => name.startsWith(`${NAMESPACE}IMAExtensible2`)).map((name) => name.slice(NAMESPACE.length));
        if (interfaces.length === 0) return [];
        return [
          {
            file,
            className: type.name,
            interfaces: interfaces.sort(),
            problems: type.hasParameterlessConstructor ? [] : ['it has no constructor without parameters: a connector is made with none'],
          },
        ];
      }),
    );
}

function findEntry(files: readonly PackageFile[]): string | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const manifest = byPath.get('package.json');
  if (manifest !== undefined) {
    const main = mainOf(manifest);
    if (main !== undefined && byPath.has(main)) return main;
  }
  return ['index.ts', 'index.mts', 'index.js', 'index.mjs', 'src/index.ts', 'src/index.js', 'dist/index.js'].find((name) => byPath.has(name));
}

function mainOf(manifest: PackageFile): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(manifest.read()));
  } catch (error) {
    throw new PackageError('invalid', 'package.json is not valid JSON', { cause: error });
  }
  const { exports, main } = (json ?? {}) as { readonly exports?: unknown; readonly main?: unknown };
  const dot = typeof exports === 'object' && exports !== null ? (exports as Readonly<Record<string, unknown>>)['.'] : exports;
  const named =
    typeof dot === 'object' && dot !== null
      ? ((dot as Readonly<Record<string, unknown>>)['import'] ?? (dot as Readonly<Record<string, unknown>>)['default'])
      : dot;
  const chosen = [named, main].find((one): one is string => typeof one === 'string');
  return chosen?.replace(/^\.\//, '');
}

/** References that nothing resolves, through all assemblies of the folder. */
function findMissing(loaded: readonly Loaded[]): readonly MissingAssembly[] {
  const present = new Set(loaded.map(({ assembly }) => assembly.name.toLowerCase()));
  const missing = new Map<string, { name: string; version: string; neededBy: string[]; advice: string }>();
  for (const { file, assembly } of loaded)
    for (const reference of assembly.references) {
      const key = reference.name.toLowerCase();
      if (present.has(key) || OWN_ASSEMBLIES.has(key) || frameworkAssemblies.has(reference.name)) continue;
      const known = missing.get(key);
      if (known !== undefined) known.neededBy.push(file);
      else
        missing.set(key, {
          name: reference.name,
          version: reference.version,
          neededBy: [file],
          advice:
            knownAbsent.find((one) => one.name.test(reference.name))?.advice ??
            (reference.publicKeyToken === ''
              ? 'copy it from the folder that the old service loaded the DLL from'
              : `it was in the global assembly cache or beside the DLL: copy it from the old server (token ${reference.publicKeyToken})`),
        });
    }
  return [...missing.values()];
}

function missingFindings(missing: readonly MissingAssembly[]): readonly Finding[] {
  return missing.map((one) => ({
    grade: knownAbsent.find((known) => known.name.test(one.name))?.grade ?? 'mono',
    what: `${one.name} ${one.version} is missing`,
    where: one.neededBy.join(', '),
    advice: one.advice,
  }));
}

function findNative(programs: readonly { readonly file: string; readonly program: ProgramFile }[]): readonly Finding[] {
  return programs.flatMap(({ file, program }): readonly Finding[] => {
    if (program.assembly === undefined)
      return [
        {
          grade: program.machine === 'x86' ? 'windows-32-bit' : 'windows',
          what: `a native Windows library (${program.machine})`,
          where: file,
          advice: 'where the connector calls it, it runs by a Windows worker of the same bitness; where nothing does, delete it',
        },
      ];
    if (program.assembly.requires32Bit)
      return [
        { grade: 'windows-32-bit', what: 'built for 32 bits only', where: file, advice: 'run it by a 32-bit worker, or have it built for any processor' },
      ];
    if (!program.assembly.onlyManaged)
      return [
        {
          grade: program.machine === 'x86' ? 'windows-32-bit' : 'windows',
          what: 'mixed native and managed code (C++/CLI)',
          where: file,
          advice: 'it runs by a Windows worker of the same bitness',
        },
      ];
    return [];
  });
}

function findEnvironment({ file, assembly }: Loaded): readonly Finding[] {
  const findings = new Map<string, Finding>();
  const add = (grade: Grade, what: string, advice: string): void => {
    if (!findings.has(what)) findings.set(what, { grade, what, where: file, advice });
  };
  for (const type of assembly.usedTypes) {
    const rule = environmentRules
      .filter((one) => (one.uses.endsWith('.') ? type.name.startsWith(one.uses) : type.name === one.uses))
      .sort((left, right) => right.uses.length - left.uses.length)[0];
    if (rule !== undefined) add(rule.grade, rule.what, rule.advice);
  }
  for (const library of assembly.nativeLibraries) {
    const windows = WINDOWS_LIBRARIES.test(library);
    add(
      'windows',
      windows ? `the Windows library ${library} (P/Invoke)` : `the native library ${library} (P/Invoke)`,
      windows ? 'calls to it fail outside Windows' : 'it must be there for the system and the bitness of the worker',
    );
  }
  if (assembly.types.some((type) => type.comImport)) add('windows', 'COM', 'needs Windows with the component registered, in the bitness that it has');
  for (const reference of assembly.references)
    if (frameworkAssemblies.get(reference.name)?.mono === 'no') add('windows', `${reference.name} of .NET Framework`, 'Mono does not have it');
  return [...findings.values()];
}

/** What makes a package unusable, or needs a word before it is loaded. */
function findProblems(loaded: readonly Loaded[], connectors: readonly FoundConnector[]): readonly Finding[] {
  const findings: Finding[] = [];
  if (connectors.length > 0) {
    for (const { file, assembly } of loaded)
      if (currentDotnetOf(assembly) !== undefined)
        findings.push({
          grade: 'replacement',
          what: `built for ${currentDotnetOf(assembly)}`,
          where: file,
          advice: 'it runs by the current .NET, not on Mono: set runtime to dotnet',
        });
    const own = loaded.find(({ assembly }) => OWN_ASSEMBLIES.has(assembly.name.toLowerCase()));
    if (own !== undefined)
      findings.push({
        grade: 'mono',
        what: 'Microsoft.MetadirectoryServicesEx is in the folder',
        where: own.file,
        advice: 'Landbridge brings its own, which wins; the file can go',
      });
    findings.push(...findSeveral(loaded, connectors));
    for (const connector of connectors)
      for (const problem of connector.problems)
        findings.push({
          grade: connectors.some((one) => one.problems.length === 0) ? 'mono' : 'unusable',
          what: `${connector.className}: ${problem}`,
          where: connector.file,
          advice: 'have it built with one',
        });
    return findings;
  }
  const old = loaded.find(({ assembly }) => assembly.types.some((type) => type.interfaces.some((name) => ECMA1.includes(name.slice(NAMESPACE.length)))));
  if (old !== undefined)
    findings.push({
      grade: 'unusable',
      what: 'an ECMA1 connector (Extensible Connectivity 1)',
      where: old.file,
      advice: 'only ECMA 2 connectors can be taken over: ask its maker for one',
    });
  else if (loaded.length > 0)
    findings.push({
      grade: 'unusable',
      what: 'no class implements an ECMA2 interface (IMAExtensible2…)',
      where: loaded.map((one) => one.file).join(', '),
      advice: 'give the folder with the DLL that the management agent names; rules extensions and helper DLLs are not connectors',
    });
  else
    findings.push({
      grade: 'unusable',
      what: 'no DLL of .NET',
      where: 'the folder',
      advice: 'give the folder with the DLL that the management agent names, and everything that lay beside it',
    });
  return findings;
}

/** Settings beside the DLL, which neither the old services nor a worker read by themselves. */
function findSettings(files: readonly PackageFile[], connectors: readonly FoundConnector[]): readonly Finding[] {
  const names = files.map((file) => file.path).filter((path) => /^([^/]+\.(dll|exe)|app)\.config$/i.test(path));
  return connectors.length === 0
    ? []
    : names.map((where) => ({
        grade: 'mono',
        what: 'a file of settings, which nothing reads by itself',
        where,
        advice: 'where the connector needs its settings, name the file with the parameter hostConfiguration',
      }));
}

/** The current .NET that an assembly was built for, by its own word or by what it refers to: .NET Framework has no System.Runtime after 4. */
function currentDotnetOf(assembly: AssemblyFacts): string | undefined {
  if (assembly.targetFramework.startsWith('.NETCoreApp')) return assembly.targetFramework;
  const runtime = assembly.references.find((one) => one.name === 'System.Runtime' && Number.parseInt(one.version, 10) >= 5);
  return runtime === undefined || assembly.targetFramework !== '' ? undefined : `System.Runtime ${runtime.version}`;
}

/** Classes that could each be the connector: the worker takes a derived class before its base, what implements most, and else asks. */
function findSeveral(loaded: readonly Loaded[], connectors: readonly FoundConnector[]): readonly Finding[] {
  const bases = new Set(loaded.flatMap(({ assembly }) => assembly.types.map((type) => type.base)));
  const usable = connectors.filter((one) => one.problems.length === 0 && !bases.has(one.className));
  const files = [...new Set(usable.map((one) => one.file))];
  if (files.length > 1)
    return [{ grade: 'mono', what: 'several DLLs are connectors', where: files.join(', '), advice: 'name the one that is meant with dll, below parameters' }];
  const best = (name: string): readonly FoundConnector[] => {
    const all = usable.filter((one) => one.interfaces.includes(name));
    const most = Math.max(...all.map((one) => one.interfaces.length));
    return all.filter((one) => one.interfaces.length === most);
  };
  const shared = usable.flatMap((one) => one.interfaces).find((name) => best(name).length > 1);
  if (shared === undefined) return [];
  const classes = best(shared).map((one) => one.className);
  return [
    {
      grade: 'mono',
      what: `several classes implement ${shared}: ${classes.join(', ')}`,
      where: files.join(', '),
      advice: 'name the one that is meant with class, below parameters',
    },
  ];
}
