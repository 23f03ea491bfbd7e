/** The scimType values of RFC 7644 Table 9 and RFC 9865 §2.1 (S-203). */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive'
  | 'invalidCursor'
  | 'expiredCursor'
  | 'invalidCount';

/** The URN of an error message (RFC 7644 §3.12). */
export const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';

/**
 * A SCIM error. `detail` is shown to administrators by identity providers (S-205): it names the attribute and the rule, and
 * holds no stack, no SQL, no secret.
 */
export class ScimError extends Error {
  override readonly name = 'ScimError';
  readonly status: number;
  readonly scimType: ScimType | undefined;
  /** Seconds, for 429 and 503. */
  readonly retryAfter: number | undefined;

  constructor(status: number, detail: string, more: { readonly scimType?: ScimType; readonly retryAfter?: number } = {}) {
    super(detail);
    this.status = status;
    this.scimType = more.scimType;
    this.retryAfter = more.retryAfter;
  }
}

const badRequest =
  (scimType: ScimType) =>
  (detail: string): ScimError =>
    new ScimError(400, detail, { scimType });

/** The errors of the protocol, by name. */
export const scimErrors = {
  invalidFilter: badRequest('invalidFilter'),
  tooMany: badRequest('tooMany'),
  mutability: badRequest('mutability'),
  invalidSyntax: badRequest('invalidSyntax'),
  invalidPath: badRequest('invalidPath'),
  noTarget: badRequest('noTarget'),
  invalidValue: badRequest('invalidValue'),
  invalidVersion: badRequest('invalidVers'),
  invalidCursor: badRequest('invalidCursor'),
  expiredCursor: badRequest('expiredCursor'),
  invalidCount: badRequest('invalidCount'),
  tooLarge: (detail: string): ScimError => new ScimError(413, detail),
  uniqueness: (detail: string): ScimError => new ScimError(409, detail, { scimType: 'uniqueness' }),
  notFound: (detail = 'There is no such resource.'): ScimError => new ScimError(404, detail),
  preconditionFailed: (detail = 'The resource changed since the version in If-Match.'): ScimError => new ScimError(412, detail),
  notImplemented: (detail: string): ScimError => new ScimError(501, detail),
  forbidden: (detail: string): ScimError => new ScimError(403, detail),
} as const;

/** The body of an error: `status` is a string (S-202). */
export function toErrorBody(error: Pick<ScimError, 'status' | 'message' | 'scimType'>): Readonly<Record<string, unknown>> {
  return {
    schemas: [ERROR_SCHEMA],
    status: String(error.status),
    ...(error.scimType === undefined ? {} : { scimType: error.scimType }),
    detail: error.message,
  };
}
