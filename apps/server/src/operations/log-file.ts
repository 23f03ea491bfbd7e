import { appendFileSync, closeSync, openSync } from 'node:fs';

/** Where the lines of a log go. */
export interface LogDestination {
  write(line: string): void;
  /** Opens the file again, after it was moved away (logrotate). */
  reopen(): void;
}

/**
 * Appends lines to a file, each at once. Lines that the disk does not take (full, quota, gone) are dropped and counted, and the next one that it takes says how many:
 * a log must neither stop its host nor collect its lines in memory.
 */
export function logFile(path: string): LogDestination {
  let descriptor = openSync(path, 'a', 0o640);
  let lost = 0;
  const notice = (): string =>
    `\n${JSON.stringify({ level: 'warn', time: new Date().toISOString(), lost, msg: 'lines of this log were lost: they could not be written' })}\n`;
  return {
    write(line) {
      try {
        appendFileSync(descriptor, lost === 0 ? line : `${notice()}${line}`);
        lost = 0;
      } catch {
        lost += 1;
      }
    },
    reopen() {
      let next: number;
      try {
        next = openSync(path, 'a', 0o640);
      } catch {
        // The folder is gone or full: the old file goes on taking lines, and a later signal tries again.
        return;
      }
      closeSync(descriptor);
      descriptor = next;
    },
  };
}

/** Standard output; nobody reads it any more when it fails, and that is no reason to stop. */
export function logToStandardOutput(): LogDestination {
  process.stdout.on('error', () => undefined);
  return { write: (line) => void process.stdout.write(line), reopen: () => undefined };
}
