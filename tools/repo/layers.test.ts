import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The dependency rule (ARCHITECTURE.md, invariant 10): a package imports packages of a lower layer only. */
const LAYERS: Readonly<Record<string, number>> = {
  'connector-sdk': 1,
  scim: 1,
  'mim-import': 1,
  'package-store': 2,
  store: 2,
  'connector-testkit': 2,
  'worker-protocol': 2,
  'scim-testkit': 2,
  engine: 3,
  'connector-sql': 3,
  'connector-ecma2': 3,
  'connector-process': 3,
  server: 5,
  cli: 6,
};

/** What a folder must not import although a layer would allow it. */
const FORBIDDEN: readonly { readonly folder: string; readonly imports: RegExp; readonly why: string }[] = [
  { folder: 'packages/scim/', imports: /^(node:|@landbridge\/)/, why: 'scim is pure' },
  { folder: 'packages/connector-sdk/', imports: /^(node:|@landbridge\/)/, why: 'the SDK is pure' },
  { folder: 'packages/mim-import/', imports: /^(node:|@landbridge\/)/, why: 'the importer is pure' },
  {
    folder: 'packages/engine/',
    imports: /^(fastify|pg|node:sqlite|node:http|node:https|@landbridge\/connector-(sql|ecma2|process|testkit))/,
    why: 'the engine knows no framework, no driver and no connector',
  },
  {
    folder: 'connectors/',
    imports: /^@landbridge\/(?!connector-sdk$|connector-testkit|worker-protocol$)/,
    why: 'a connector imports the SDK of ours, or the worker protocol, and nothing else',
  },
  { folder: 'apps/cli/', imports: /^@landbridge\/(engine|store|scim|connector-sql|connector-ecma2)(\/|$)/, why: 'the command line talks to the admin API' },
];

const files = ['packages', 'connectors', 'apps'].flatMap((folder) => listFiles(folder));

describe('the dependency rule', () => {
  it('reads the sources at all', () => {
    expect(files.length).toBeGreaterThan(60);
  });

  it('imports go down, are declared, and keep out of what is forbidden', () => {
    const problems = files.filter((file) => !file.endsWith('.d.ts')).flatMap(check);
    expect(problems).toEqual([]);
  });
});

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function check(file: string): readonly string[] {
  const folder = file.split('/').slice(0, 2).join('/');
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly dependencies: Readonly<Record<string, string>>;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  };
  const own = LAYERS[manifest.name.replace('@landbridge/', '')] ?? 0;
  // What a folder `testing` holds is for tests alone: suites, and what they share.
  const isTest = file.endsWith('.test.ts') || file.includes('/src/testing/');
  return importsOf(file).flatMap((specifier) => {
    if (specifier.startsWith('.')) return checkStores(file, specifier, isTest);
    const problems: string[] = [];
    const rule = FORBIDDEN.find((one) => file.startsWith(one.folder) && one.imports.test(specifier));
    if (rule !== undefined && !isTest) problems.push(`${file} imports ${specifier}: ${rule.why}`);
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    if (name.startsWith('@landbridge/') && !isTest && (LAYERS[name.replace('@landbridge/', '')] ?? 99) >= own)
      problems.push(`${file} imports ${name} of the same or a higher layer`);
    if (!specifier.startsWith('node:') && !isTest && (manifest.dependencies[name] ?? manifest.optionalDependencies?.[name]) === undefined)
      problems.push(`${file} imports ${name}, which ${folder}/package.json does not declare`);
    return problems;
  });
}

/** The two stores know nothing of each other: what both need is in `rules/` and `thread/` of their package. */
function checkStores(file: string, specifier: string, isTest: boolean): readonly string[] {
  const other = /packages\/store\/src\/(?:rules|thread)\//.test(file)
    ? /\/(?:sqlite|postgres)\//
    : file.includes('store/src/postgres/')
      ? /\/sqlite\//
      : file.includes('store/src/sqlite/')
        ? /\/postgres\//
        : undefined;
  return !isTest && other?.test(specifier) === true ? [`${file} imports ${specifier}: move what both need to rules/ or thread/`] : [];
}

/** What a file imports, static and dynamic; comments do not count. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)[^'"`;]*?from\s+'([^']+)'|(?:^|\n)\s*import\s+'([^']+)'|import\('([^']+)'\)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  );
}
