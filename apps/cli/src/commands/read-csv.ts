/** Rows of a CSV text by RFC 4180: quotes, doubled quotes, line breaks in quotes; commas or semicolons, as the first line has them. */
export function readCsv(text: string): readonly (readonly string[])[] {
  const clean = text.replace(/^\u{feff}/u, '');
  const separator = (/^[^\r\n]*/.exec(clean)?.[0] ?? '').includes(';') ? ';' : ',';
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endRow = (): void => {
    row.push(cell);
    if (row.some((one) => one !== '')) rows.push(row);
    row = [];
    cell = '';
  };
  for (let index = 0; index < clean.length; index += 1) {
    const character = clean[index] ?? '';
    if (quoted) {
      if (character !== '"') cell += character;
      else if (clean[index + 1] === '"') {
        cell += '"';
        index += 1;
      } else quoted = false;
    } else if (character === '"' && cell === '') quoted = true;
    else if (character === separator) {
      row.push(cell);
      cell = '';
    } else if (character === '\n') endRow();
    else if (character !== '\r') cell += character;
  }
  endRow();
  return rows;
}
