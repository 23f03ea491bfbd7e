/**
 * Why a file is not imported. The message is a sentence for a person: what was found, where, and what to do.
 *
 * - `not-text`: the bytes are no text in any encoding the format is known in.
 * - `not-xml`: the text is not well-formed.
 * - `hostile`: a document type declaration, or more depth, size or elements than any real file has.
 * - `unknown-shape`: XML, and none of the shapes that MIM and the Entra host write.
 * - `not-ecma2`: a management agent of another kind.
 */
export class MimImportError extends Error {
  override readonly name = 'MimImportError';
  readonly code: 'not-text' | 'not-xml' | 'hostile' | 'unknown-shape' | 'not-ecma2';
  constructor(code: MimImportError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
