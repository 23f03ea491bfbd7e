import type { HostLog } from '@landbridge/engine';
import { type DestinationStream, pino } from 'pino';
import { logFile, logToStandardOutput } from './log-file.ts';

/** The log of a host. */
export interface ServerLog extends HostLog {
  /** Whether each request is logged. */
  readonly logsRequests: boolean;
  /** Opens the file again, after it was moved away (logrotate). */
  reopen(): void;
}

const SECRET_NAME = /pass(word|phrase)?$|secret|token|authorization|pwd|private.?key|api.?key|cookie/i;
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/**
 * JSON lines, a message each: to the file, or to standard output with `LANDBRIDGE_LOG=stdout` (containers, systemd). The level is
 * `LANDBRIDGE_LOG_LEVEL`, default info; SCIM requests are logged at debug. Secrets are removed by the names of fields at any depth,
 * and by their form in texts: bearer tokens, our own tokens, passwords in URLs.
 */
export function openLog(file: string, environment: NodeJS.ProcessEnv = process.env): ServerLog {
  const destination = environment['LANDBRIDGE_LOG'] === 'stdout' ? logToStandardOutput() : logFile(file);
  const level = LEVELS.find((one) => one === environment['LANDBRIDGE_LOG_LEVEL']) ?? 'info';
  return { ...createLog(destination, level), logsRequests: level === 'debug', reopen: () => destination.reopen() };
}

/** A log to any stream. */
export function createLog(destination: DestinationStream, level: (typeof LEVELS)[number] = 'info'): HostLog {
  const log = pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => redact(fields, 0) as Record<string, unknown> },
    },
    destination,
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}

const REDACTED = '[redacted]';

/** A copy of fields without secrets. */
function redact(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (value instanceof Error) return { message: redactText(value.message) };
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 8) return '[too deep]';
  if (Array.isArray(value)) return value.map((one) => redact(one, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, SECRET_NAME.test(name) && inner !== undefined ? REDACTED : redact(inner, depth + 1)]),
  );
}

function redactText(text: string): string {
  return text
    .replace(/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${REDACTED}`)
    .replace(/\blb_[A-Za-z0-9]+_[A-Za-z0-9_-]+/g, REDACTED)
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:)[^\s@/]+@/gi, `$1${REDACTED}@`)
    .replace(/\b(password|passwd|pwd|secret|token)(\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)/gi, `$1$2${REDACTED}`);
}
