import { scimErrors } from './errors.ts';

/** Spaces other than U+0020 (general category Zs). */
const OTHER_SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;

/** What the PRECIS FreeformClass has no place for: controls, surrogates, unassigned and private code points, separators of lines. */
const DISALLOWED = /[\p{Cc}\p{Cs}\p{Cn}\p{Co}\u2028\u2029]/u;

/**
 * Prepares a password as RFC 8265 §4.2 asks (OpaqueString): other spaces become U+0020, the rest is kept as it is, in NFC. So a
 * password is the same whatever keyboard typed it (S-057).
 *
 * @throws ScimError 400 `invalidValue`; the text is not in the message.
 */
export function preparePassword(text: string): string {
  const prepared = text.replace(OTHER_SPACES, ' ').normalize('NFC');
  if (prepared === '') throw scimErrors.invalidValue('"password" must not be empty.');
  if (DISALLOWED.test(prepared)) throw scimErrors.invalidValue('"password" has a character that a password cannot have, such as a control character.');
  return prepared;
}
