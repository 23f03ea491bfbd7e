/** Pieces of Markdown, for pages that are made from data. */

/** A table; cells are text, escaped here. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
    .replaceAll('<', '&lt;')
    .replace(/`[^`]*`/g, (code) => code.replaceAll('&lt;', '<'));
}

/** Code in a line. */
export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

/** A page with the remark that it is made. */
export function page(title: string, source: string, ...parts: readonly string[]): string {
  return `${[`# ${title}`, `Made by \`npm run reference\` from ${source}; a test fails when it is stale.`, ...parts].join('\n\n')}\n`;
}
