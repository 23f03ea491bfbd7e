/** Where the state of the host is, as written: secrets are references still. */
export interface StoreDocument {
  readonly postgres: string | PostgresDocument;
  /** How long a connector stays with a host that says nothing any more (R34), as a duration. Default is 30 seconds. */
  readonly lease?: string | number;
}

interface PostgresDocument {
  readonly host: string;
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly sslmode?: string;
  readonly sslrootcert?: string;
  readonly schema?: string;
}

/** A reference to a secret. */
export const REFERENCE = /\$\{(?:env|file):[^}\r\n]{1,500}\}/g;

/** Whether a password stands in the document itself. */
export function hasLiteralPassword({ postgres }: StoreDocument): boolean {
  if (typeof postgres !== 'string') return postgres.password !== undefined && !postgres.password.includes('${');
  const password = /^[a-z]+:\/\/[^:/@]*:([^/]*)@/i.exec(postgres)?.[1] ?? '';
  return password.replace(REFERENCE, '') !== '' || /[?&]password=(?!\$\{)/i.test(postgres);
}
