import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How much a requirement binds: the words of RFC 2119, or why we hold ourselves to it. */
export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'MAY' | 'QUIRK' | 'HOST-MUST' | 'DECISION' | 'CONTROL';

/** One line of `requirements.tsv`: id, level, what it asks for, and why it is declined where it is. */
export interface Requirement {
  readonly id: string;
  readonly level: Level;
  readonly text: string;
  readonly declined: string | undefined;
}

/** A test that carries ids in its title. */
export interface TitledTest {
  readonly file: string;
  readonly title: string;
  readonly ids: readonly string[];
}

/** The state of a requirement. A test that carries an id passes, or `npm test` fails: then nothing is landed. */
export type State = 'tested' | 'declined' | 'open';

/** A requirement with its tests. */
export interface Judged extends Requirement {
  readonly tests: readonly TitledTest[];
  readonly state: State;
}

/** The levels that leave no choice: none of them may be open. */
export const BINDING: ReadonlySet<Level> = new Set(['MUST', 'MUST NOT', 'QUIRK', 'HOST-MUST']);

const root = join(import.meta.dirname, '../..');
const ID = /\b(?:S-\d{3}|SEC-\d{2})\b/g;

/** Where the page is, from the root of the repository. */
export const PAGE = 'docs/reference/scim-conformance.md';

/** Reads the requirements. @throws Error for a line that is none. */
export function readRequirements(): readonly Requirement[] {
  const lines = readFileSync(join(import.meta.dirname, 'requirements.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => {
    const [id = '', level = '', text = '', declined] = line.split('\t');
    if (!/^(?:S-\d{3}|SEC-\d{2})$/.test(id) || text === '') throw new Error(`requirements.tsv has a line that is none: ${line}`);
    return { id, level: level as Level, text, declined: declined === undefined || declined === '' ? undefined : declined };
  });
}

/** Titles of tests and checks, with the ids in them and in the titles of the groups around them. */
export function readTests(): readonly TitledTest[] {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.test.ts', '*-checks.ts'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(root, file)))
    .sort();
  return files.flatMap((file) => titlesOf(file, readFileSync(join(root, file), 'utf8')));
}

/**
 * Titles of tests, of the rows of `it.each` tables, and of checks. A group is ended by the next one at the same or a smaller
 * indentation: the formatter sees to it that this is so.
 */
function titlesOf(file: string, source: string): readonly TitledTest[] {
  const pattern = /^( *)(?:(describe|it|test)(?:\.\w+)*(?:\([^'"`\n]*\))?\(\s*|(title): |\[\s*(?=['"`](?:S-\d{3}|SEC-\d{2})\b))(['"`])((?:\\.|(?!\4).)*)\4/gm;
  const groups: { readonly indent: number; readonly ids: readonly string[] }[] = [];
  const tests: TitledTest[] = [];
  for (const [, space = '', kind, , , text = ''] of source.matchAll(pattern)) {
    const indent = space.length;
    while ((groups.at(-1)?.indent ?? -1) >= indent) groups.pop();
    const own = text.match(ID) ?? [];
    if (kind === 'describe') groups.push({ indent, ids: own });
    else tests.push({ file, title: text.replaceAll("\\'", "'"), ids: [...new Set([...groups.flatMap((group) => group.ids), ...own])] });
  }
  return tests.filter((test) => test.ids.length > 0);
}

/** Puts requirements and tests together. */
export function judge(requirements: readonly Requirement[], tests: readonly TitledTest[]): readonly Judged[] {
  return requirements.map((requirement) => {
    const mine = tests.filter((test) => test.ids.includes(requirement.id));
    return { ...requirement, tests: mine, state: mine.length > 0 ? 'tested' : requirement.declined === undefined ? 'open' : 'declined' };
  });
}

/** What is wrong with the inventory itself: ids that nobody knows, and binding requirements that are declined. */
export function findFaults(requirements: readonly Requirement[], tests: readonly TitledTest[]): readonly string[] {
  const known = new Set(requirements.map((one) => one.id));
  return [
    ...tests.flatMap((test) => test.ids.filter((id) => !known.has(id)).map((id) => `${test.file}: "${test.title}" names ${id}, which is no requirement`)),
    ...requirements.filter((one) => one.declined !== undefined && BINDING.has(one.level)).map((one) => `${one.id} is ${one.level} and cannot be declined`),
  ];
}

/** The page: counts, then a table. */
export function formatPage(judged: readonly Judged[]): string {
  const count = (state: State, levels: (level: Level) => boolean): number => judged.filter((one) => one.state === state && levels(one.level)).length;
  const row = (name: string, levels: (level: Level) => boolean): string =>
    `| ${name} | ${count('tested', levels)} | ${count('declined', levels)} | ${count('open', levels)} |`;
  return `# SCIM conformance

Generated from the titles of the tests by \`npm run conformance:page\`; the requirements are in \`tools/conformance/requirements.tsv\`. \`npm test\` holds
the page to what its run says: of a requirement that is passed here at least one test with its id passed and none failed, or the run fails. \`S-\` are requirements of SCIM 2.0 and of its clients, \`SEC-\` controls against attacks.
MUST, SHOULD and MAY are the RFCs' own; QUIRK is what a client needs beside them; HOST-MUST is what an incident taught; DECISION is where we chose.

| level | passed | declined | open |
|---|---|---|---|
${row('MUST, MUST NOT', (level) => level === 'MUST' || level === 'MUST NOT')}
${row('QUIRK', (level) => level === 'QUIRK')}
${row('HOST-MUST', (level) => level === 'HOST-MUST')}
${row('SHOULD', (level) => level === 'SHOULD')}
${row('MAY, DECISION', (level) => level === 'MAY' || level === 'DECISION')}
${row('security controls', (level) => level === 'CONTROL')}

| id | level | requirement | result | test |
|---|---|---|---|---|
${judged.map(formatRow).join('\n')}
`;
}

function formatRow(one: Judged): string {
  const result = one.state === 'declined' ? `declined: ${one.declined}` : one.state === 'tested' ? 'passed' : one.state;
  const [first] = one.tests;
  const more = one.tests.length > 1 ? ` (and ${one.tests.length - 1} more)` : '';
  const test = first === undefined ? '' : `${first.title.replaceAll('|', '\\|')} — \`${first.file}\`${more}`;
  return `| ${one.id} | ${one.level === 'CONTROL' ? '' : one.level} | ${one.text} | ${result} | ${test} |`;
}
