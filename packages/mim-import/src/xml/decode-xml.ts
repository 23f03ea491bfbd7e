import { MimImportError } from '../import-error.ts';

/** Text of an XML file and the encoding it was found in. */
export interface DecodedXml {
  readonly text: string;
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';
  /** What was guessed, for the report. */
  readonly warning?: string;
}

/** Bytes of the largest file that is read. Real exports reach 2 MB. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Decodes by byte order mark, else strict UTF-8, else windows-1252 with a warning. The encoding that the file declares
 * is not believed: the tools that write these files declare none.
 *
 * @throws MimImportError `hostile` above 64 MB, `not-text` for bytes that are no text.
 */
export function decodeXml(bytes: Uint8Array): DecodedXml {
  if (bytes.byteLength > MAX_BYTES)
    throw new MimImportError('hostile', `the file has ${bytes.byteLength} bytes; a management agent has a few megabytes at most, and ${MAX_BYTES} are read`);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return checked(new TextDecoder('utf-16le').decode(bytes.subarray(2)), 'utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return checked(new TextDecoder('utf-16be').decode(bytes.subarray(2)), 'utf-16be');
  try {
    return checked(new TextDecoder('utf-8', { fatal: true }).decode(bytes), 'utf-8');
  } catch (error) {
    if (error instanceof MimImportError) throw error;
  }
  const decoded = checked(new TextDecoder('windows-1252').decode(bytes), 'windows-1252');
  return { ...decoded, warning: 'the file is not UTF-8 and was read as windows-1252: check names and values that are not plain ASCII' };
}

function checked(text: string, encoding: DecodedXml['encoding']): DecodedXml {
  if (text.includes('\0')) throw new MimImportError('not-text', 'the file is binary, not XML text; give the XML that "Export Management Agent" wrote');
  return { text: text.startsWith('\u{feff}') ? text.slice(1) : text, encoding };
}
