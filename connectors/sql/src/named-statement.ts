/** A statement with named values, split at their names: `parts[0] names[0] parts[1] …`. */
export interface NamedStatement {
  readonly parts: readonly string[];
  readonly names: readonly string[];
}

/**
 * What may stand in a statement, the first that fits: texts in quotes (with PostgreSQL's dollar quotes), quoted names, comments,
 * casts and assignments (`::`, `:=`), and `:name` or `:"any name"`.
 */
const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\$([A-Za-z_]\w*|)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|::|:=|:"((?:[^"]|"")+)"|:([\p{L}_][\p{L}\p{N}_.]*)/gu;

/** Finds the named values of a statement; what stands in texts, quoted names and comments is left alone. */
export function parseNamedStatement(sql: string): NamedStatement {
  const parts: string[] = [];
  const names: string[] = [];
  let start = 0;
  for (const match of sql.matchAll(TOKEN)) {
    const name = match[2]?.replaceAll('""', '"') ?? match[3];
    if (name === undefined) continue;
    parts.push(sql.slice(start, match.index));
    names.push(name);
    start = match.index + match[0].length;
  }
  return { parts: [...parts, sql.slice(start)], names };
}

/** The text of a statement, each value bound in the order of its name. */
export function formatNamedStatement({ parts, names }: NamedStatement, bind: (name: string) => string): string {
  return parts.map((part, index) => (index < names.length ? `${part}${bind(names[index] ?? '')}` : part)).join('');
}
