/**
 * The part of T-SQL that the connector writes, as SQLite has it. This is no SQL Server: it shows that the statements mean what they
 * should, under the rules of comparison that its manual describes (spaces at the end, brackets in LIKE, code units).
 */

const WORDS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/\bN'/g, "'"],
  [/ \+ NCHAR\(1\)\)/g, ' || char(1))'],
  [/ WITH \(UPDLOCK, ROWLOCK\)/g, ''],
  // `=` ignores spaces at the end under every collation: SQLite has that as a collation of its own.
  [/ COLLATE Latin1_General_100_BIN2/g, ' COLLATE RTRIM'],
  [/ COLLATE Latin1_General_CI_AS/g, ' COLLATE NOCASE'],
  [/\) r \(landbridge_0(?:, landbridge_\d+)*\)/g, ') r'],
  [/INSERTED\."/g, '"'],
  // Tests keep what changed in a table of their own.
  [/CHANGETABLE\(CHANGES (?:"[^"]*"\.)?"([^"]+)", @p1\) AS ct/g, '(SELECT * FROM "tracked_$1" WHERE version > @p1) AS ct'],
];

/** A statement of the connector as SQLite runs it. */
export function rewrite(statement: string): string {
  let sql = rewriteConversions(statement);
  for (const [pattern, words] of WORDS) sql = sql.replace(pattern, words);
  sql = sql.replace(/r\.landbridge_(\d+)/g, (_, index: string) => `r.column${Number(index) + 1}`);
  const output = /^DECLARE @landbridge TABLE \(.*?\); (INSERT INTO .*?) OUTPUT (.*) INTO @landbridge \([^)]*\) (.*); SELECT [^;]* FROM @landbridge$/s.exec(sql);
  if (output !== null) return `${output[1] ?? ''} ${output[3] ?? ''} RETURNING ${output[2] ?? ''}`;
  const top = /^SELECT TOP \((\d+)\) /.exec(sql);
  return top === null ? sql : `SELECT ${sql.slice(top[0].length)} LIMIT ${top[1] ?? ''}`;
}

/** `CONVERT(type, expression, style)` becomes a function, the type a text. */
function rewriteConversions(sql: string): string {
  const start = sql.indexOf('CONVERT(');
  if (start < 0) return sql;
  const { parts, end } = splitArguments(sql, start + 'CONVERT('.length);
  const [type = '', expression = '', style = '0'] = parts;
  return `${sql.slice(0, start)}tsql_convert('${type.trim()}', ${rewriteConversions(expression.trim())}, ${style.trim()})${rewriteConversions(sql.slice(end))}`;
}

/** The arguments of a call, and where it ends; quotes and brackets inside belong to them. */
function splitArguments(sql: string, start: number): { readonly parts: readonly string[]; readonly end: number } {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let from = start;
  for (let at = start; at < sql.length; at += 1) {
    const letter = sql[at] ?? '';
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === "'" || letter === '"') quote = letter;
    else if (letter === '(') depth += 1;
    else if (letter === ')' && depth > 0) depth -= 1;
    else if ((letter === ',' && depth === 0) || letter === ')') {
      parts.push(sql.slice(from, at));
      from = at + 1;
      if (letter === ')') return { parts, end: at + 1 };
    }
  }
  throw new Error(`no end of a CONVERT in ${sql}`);
}

/** LIKE as SQL Server has it: `[a-c]` is a set of characters, and whatever stands after the escaped is itself. */
export function matchesLike(text: string, pattern: string, escaped: string): boolean {
  let expression = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const letter = pattern[at] ?? '';
    if (letter === escaped) {
      at += 1;
      expression += literal(pattern[at] ?? '');
    } else if (letter === '%') expression += '[^]*';
    else if (letter === '_') expression += '[^]';
    else if (letter === '[' && pattern.indexOf(']', at) > at) {
      const end = pattern.indexOf(']', at);
      expression += `[${pattern.slice(at + 1, end).replace(/\\/g, '\\\\')}]`;
      at = end;
    } else expression += literal(letter);
  }
  return new RegExp(`^${expression}$`).test(text);
}

function literal(letter: string): string {
  return letter.replace(/[.*+?^${}()|[\]\\/-]/, '\\$&');
}
