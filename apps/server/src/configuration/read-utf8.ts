import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';

const SAVE = 'save it as UTF-8';

/** The text of a file. @throws Error naming the file and the line of what is no UTF-8: read as if it were, names and values would be others. */
export function readUtf8(file: string): string {
  const bytes = readFileSync(file);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) throw new Error(`${file} is written in UTF-16; ${SAVE}`);
  if (bytes.subarray(0, 64).includes(0)) throw new Error(`${file} is no text, or not written in UTF-8; ${SAVE}`);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let line = 0;
  for (let from = 0; from < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, from);
    if (!isUtf8(bytes.subarray(from, end < 0 ? bytes.length : end))) break;
    from = end + 1;
  }
  throw new Error(`${file}:${line + 1} is not written in UTF-8 (perhaps in Latin-1 or Windows-1252); ${SAVE}`);
}
