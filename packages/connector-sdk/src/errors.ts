/**
 * The errors a connector may raise, and what the host does with each.
 *
 * Classification is part of the contract: the class decides whether the engine retries, skips, stops or doubts, and the
 * SCIM status a client sees. One table holds it all (R19). Messages are for administrators: they name the attribute,
 * table or host, and never a secret or a stack.
 */

/**
 * What the engine does after the error.
 *
 * - `skip`: this entry fails, the others go on; the client gets the answer below.
 * - `retry`: nothing was applied and the same call may succeed later; with back-off.
 * - `stop`: the session or run ends; nothing was applied.
 * - `doubt`: it is unknown whether the change was applied; settled by looking (R13, R14).
 *
 * That nothing was applied is believed of the result of an entry, and of a session that did not open. A call that throws in the
 * middle of an export proves nothing about what went before, whatever it throws: see {@link speaksOfEntry}.
 */
export type ErrorClass = 'skip' | 'retry' | 'stop' | 'doubt';

/** One row of the table of errors. */
export interface ErrorRow {
  readonly class: ErrorClass;
  /** HTTP status of the SCIM answer. Wrong service credentials and a server that is down are 503, never 401 or 404. */
  readonly status: 400 | 403 | 404 | 409 | 413 | 429 | 500 | 501 | 503;
  readonly scimType?: 'uniqueness' | 'invalidValue' | 'mutability' | 'invalidFilter' | 'tooMany';
  /** The ECMA2 exceptions and result codes that correspond (`reference/ecma2-contract.md` 2.1, 2.11, 3.6). */
  readonly ecma2: readonly string[];
  /** What it means, in one sentence, for the generated reference. */
  readonly meaning: string;
}

/** Every error code of the contract. */
export const connectorErrors = {
  'server-down': row('retry', 503, ['ServerDownException', 'FailedConnectionException'], 'The application cannot be reached.'),
  'connection-dropped': row('doubt', 503, ['DroppedConnectionException'], 'The connection broke while a call was under way.'),
  timeout: row('doubt', 503, ['OperationTimeout'], 'The application did not answer in time.'),
  'bad-credentials': row('stop', 503, ['BadServerCredentialsException'], "The application refused the connector's own credentials."),
  throttled: row('retry', 503, ['Throttled'], 'The application asks to slow down.'),
  'permission-denied': row('skip', 403, ['AccessDeniedException', 'ExportErrorPermissionIssue'], "The connector's account may not do this to the entry."),
  'already-exists': row(
    'skip',
    409,
    ['ObjectAlreadyExistsException', 'ExportErrorDuplicateAnchor', 'ExportErrorConnectedDirectoryExistingObject'],
    'An entry with the same anchor, name or unique value exists.',
    'uniqueness',
  ),
  'not-found': row(
    'skip',
    404,
    ['ObjectNotFoundException', 'NoSuchObjectException', 'ExportErrorConnectedDirectoryMissingObject'],
    'The entry does not exist in the application.',
  ),
  'invalid-attribute-value': row(
    'skip',
    400,
    [
      'ImportErrorInvalidAttributeValue',
      'ImportErrorInvalidBooleanValue',
      'ImportErrorInvalidNumericValue',
      'ImportErrorInvalidBase64Value',
      'ExportErrorInvalidAttributeValue',
      'ExportErrorInvalidProvisioningAttributeValue',
      'ExportErrorSyntaxViolation',
      'TooManyValuesException',
      'NoSuchAttributeException',
      'NoSuchAttributeInObjectTypeException',
    ],
    'The application refuses a value, or the type of a value is wrong.',
    'invalidValue',
  ),
  'missing-attribute': row(
    'skip',
    400,
    [
      'ExportErrorMissingProvisioningAttribute',
      'ExportErrorMissingAnchorComponent',
      'ExportErrorMultiValuedAnchorComponent',
      'AttributeDoesNotExistOnObjectException',
      'AttributeNotPresentException',
    ],
    'A value that the application needs is missing.',
    'invalidValue',
  ),
  'invalid-dn': row(
    'skip',
    400,
    [
      'InvalidDNException',
      'ExportErrorInvalidDN',
      'ExportErrorDNAttributesFailure',
      'ImportErrorMissingDomainName',
      'ImportErrorDomainNameNotLdapConformant',
      'ImportErrorInvalidDomainName',
    ],
    'The distinguished name is malformed.',
    'invalidValue',
  ),
  'missing-parent': row(
    'skip',
    400,
    ['MissingParentObjectException', 'ExportErrorNonExistentParent', 'ExportActionProvisioningParent'],
    'The parent entry does not exist.',
    'invalidValue',
  ),
  'anchor-too-long': row('skip', 400, ['ExportErrorAnchorTooLong'], 'The anchor is longer than the application allows.', 'invalidValue'),
  'constraint-violation': row(
    'skip',
    400,
    ['ExportErrorConstraintViolation', 'ExportErrorSchemaViolation'],
    'A rule of the application forbids the change.',
    'invalidValue',
  ),
  'naming-attribute': row('skip', 400, ['ExportErrorChangeNamingAttribute'], 'The naming attribute changes by rename only.', 'mutability'),
  'unknown-object-type': row(
    'skip',
    400,
    ['ObjectTypeNotSupportedException', 'NoSuchObjectTypeException', 'NoSuchClassException'],
    'The connector does not have this object type.',
    'invalidValue',
  ),
  'ambiguous-update': row('skip', 409, ['ExportErrorAmbiguousUpdate'], 'The change fits several entries.'),
  'password-policy': row(
    'skip',
    400,
    ['PasswordPolicyViolationException', 'ExportErrorPasswordPolicyViolation', 'ExportErrorPasswordSetDisallowed', 'PasswordIllFormedException'],
    'The password breaks the policy of the application.',
    'invalidValue',
  ),
  'old-password': row('skip', 400, ['OldPasswordIncorrectException'], 'The old password is wrong.', 'invalidValue'),
  'retry-reference': row('retry', 503, ['ExportActionRetryReferenceAttribute'], 'The target of a reference is not there yet.'),
  'convert-to-add': row('retry', 503, ['ExportActionConvertUpdateToAdd'], 'The entry to update is missing; send it as an add.'),
  'not-supported': row('skip', 501, ['EntryPointNotImplementedException'], 'The connector cannot do this.'),
  'filter-not-supported': row('skip', 400, ['FailedSearchException'], 'The application cannot evaluate the filter.', 'invalidFilter'),
  'invalid-configuration': row(
    'stop',
    503,
    ['NoSuchParameterException', 'NoCompatiblePartitionFoundException', 'NoSuchManagementAgentException'],
    'The configuration of the connector is wrong.',
  ),
  'invalid-schema': row('stop', 503, ['ImportErrorMissingObjectClass', 'ImportErrorMissingObjectType'], 'The schema of the connector is inconsistent.'),
  'invalid-data': row(
    'stop',
    503,
    [
      'UnexpectedDataException',
      'ImportErrorMissingChangeType',
      'ImportErrorInvalidChangeType',
      'ImportErrorMultiValuedChangeType',
      'ImportErrorParseError',
      'ImportErrorReadError',
    ],
    'The application answered with something that makes no sense.',
  ),
  'watermark-lost': row('stop', 503, ['WarningNoWatermarkException'], 'The watermark is unknown to the application; a full import is needed.'),
  terminated: row('stop', 503, ['TerminateRunException', 'EndConnectionException', 'ClosePasswordConnectionException'], 'The connector ended the run.'),
  'entry-failed': row(
    'skip',
    400,
    [
      'EntryExportException',
      'ExportErrorCustomContinueRun',
      'ImportErrorCustomContinueRun',
      'ExportErrorConnectedDirectoryError',
      'PasswordExtensionException',
    ],
    'The application refused this entry; the detail says why.',
    'invalidValue',
  ),
  'run-failed': row(
    'stop',
    503,
    ['FatalEntryExportException', 'ExportErrorCustomStopRun', 'ImportErrorCustomStopRun', 'ExtensibleExtensionException'],
    'The application failed in a way that concerns every entry.',
  ),
  'version-conflict': row('skip', 409, [], 'The entry changed in the application since it was read.'),
  cancelled: row('stop', 503, ['TerminatedByUser'], 'The operator cancelled the run.'),
  /** Any other exception, and every unknown number: nobody knows what was applied. */
  unknown: row('doubt', 503, ['ExtensionException'], 'The connector failed in a way it did not explain.'),
} as const satisfies Record<string, ErrorRow>;

/** A code of {@link connectorErrors}. */
export type ConnectorErrorCode = keyof typeof connectorErrors;

function row(errorClass: ErrorClass, status: ErrorRow['status'], ecma2: readonly string[], meaning: string, scimType?: ErrorRow['scimType']): ErrorRow {
  return scimType === undefined ? { class: errorClass, status, ecma2, meaning } : { class: errorClass, status, ecma2, meaning, scimType };
}

/** Details that go with an error. */
export interface ConnectorErrorDetail {
  /** The attribute at fault. */
  readonly attribute?: string;
  /** The parameter at fault. */
  readonly parameter?: string;
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number;
  /** What only the log may see (driver message, SQL state). Never a secret. */
  readonly internal?: string;
}

/**
 * An error of a connector. `code` decides everything; `message` is shown to administrators and SCIM clients.
 *
 * Identity is by `code` and name, not by `instanceof`, because errors cross threads and processes: use
 * {@link toConnectorError} on whatever was caught.
 */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: ConnectorErrorCode;
  readonly detail: ConnectorErrorDetail;

  constructor(code: ConnectorErrorCode, message: string, detail: ConnectorErrorDetail = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.detail = detail;
  }
}

/** The plain form of an error, as it crosses threads, processes and the store. */
export interface ConnectorErrorData {
  readonly code: ConnectorErrorCode;
  readonly message: string;
  readonly detail?: ConnectorErrorDetail;
}

/** What whatever was thrown says. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Turns whatever was thrown into a {@link ConnectorError}; what is not one of ours becomes `unknown`, message kept. */
export function toConnectorError(thrown: unknown): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  if (typeof thrown === 'object' && thrown !== null) {
    const { name, code, message, detail } = thrown as Partial<ConnectorError>;
    if (name === 'ConnectorError' && isConnectorErrorCode(code)) return new ConnectorError(code, String(message), detail ?? {});
  }
  return new ConnectorError('unknown', messageOf(thrown), {}, { cause: thrown });
}

/** The plain form of an error. */
export function toErrorData(thrown: unknown): ConnectorErrorData {
  const error = toConnectorError(thrown);
  return Object.keys(error.detail).length === 0
    ? { code: error.code, message: error.message }
    : { code: error.code, message: error.message, detail: error.detail };
}

/** An error from its plain form. */
export function fromErrorData(data: ConnectorErrorData): ConnectorError {
  return new ConnectorError(data.code, data.message, data.detail ?? {});
}

/**
 * Whether an error is the application's answer about one entry, which was not changed then. Whatever else a call throws (the server
 * went down, the credentials expired) may have come after the change was applied (R13).
 */
export function speaksOfEntry(code: ConnectorErrorCode): boolean {
  return connectorErrors[code].class === 'skip' || code === 'retry-reference' || code === 'convert-to-add';
}

/** Whether a value is a code of the table. */
export function isConnectorErrorCode(code: unknown): code is ConnectorErrorCode {
  return typeof code === 'string' && Object.hasOwn(connectorErrors, code);
}
