/** Why something cannot be done with a package. The message is a sentence for a person. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
  readonly code: 'unreadable' | 'hostile' | 'unknown' | 'in-use' | 'exists' | 'signature' | 'invalid';
  constructor(code: PackageError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
