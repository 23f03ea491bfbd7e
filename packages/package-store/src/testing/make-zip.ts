import { crc32, deflateRawSync } from 'node:zlib';

/** An entry as a test wants it, hostile or not. */
export interface ZipEntry {
  readonly name: string;
  readonly content: Uint8Array | string;
  /** Unix mode with file type, such as 0o120777 for a link. */
  readonly mode?: number;
  readonly encrypted?: boolean;
  /** What the archive claims instead of the true size. */
  readonly claimedSize?: number;
}

/** Writes a ZIP byte by byte, so that tests can make ones that no tool would make. */
export function makeZip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content);
    const data = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE((entry.encrypted === true ? 1 : 0) | 0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(entry.claimedSize ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from([0x50, 0x4b, 3, 4]), common, name, data);
    const central = Buffer.alloc(16);
    central.writeUInt32LE(((entry.mode ?? 0o100644) * 0x1_0000) >>> 0, 6);
    central.writeUInt32LE(offset, 10);
    directory.push(Buffer.from([0x50, 0x4b, 1, 2, 20, 3]), common, central.subarray(0, 14), name);
    offset += 4 + common.length + name.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
