/**
 * SCIM names for attributes of an application, and back (R27). SCIM allows `ALPHA *( "$" / "-" / "_" / DIGIT / ALPHA )`
 * (RFC 7643 §2.1); anything else is written as `$` and four hexadecimal digits, and so is a `$` itself, so that the
 * mapping is reversible. Names that differ only by case, which SCIM cannot tell apart, get a suffix in {@link nameAttributes}.
 */

const PLAIN = /^[A-Za-z][A-Za-z0-9_-]*$/;
const HOST_PLAIN = /^[-_][A-Za-z0-9_-]+$/;

/** Formats one name of an application as a SCIM attribute name. */
function formatAttributeName(name: string): string {
  if (PLAIN.test(name)) return name;
  let text = '';
  for (let index = 0; index < name.length; index += 1) {
    const character = name[index] ?? '';
    const plain = index === 0 ? /[A-Za-z]/.test(character) : /[A-Za-z0-9_-]/.test(character);
    text += plain ? character : `$${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
  return /^[A-Za-z]/.test(text) ? text : `x${text}`;
}

/**
 * SCIM names for all attributes of a type: reversible, and distinct without regard to case, from `reserved` ones (lower case) too. In
 * order of the names given.
 */
export function nameAttributes(
  names: readonly string[],
  options: { readonly asTheHost?: boolean; readonly reserved?: readonly string[] } = {},
): ReadonlyMap<string, string> {
  const taken = new Set<string>(options.reserved);
  const result = new Map<string, string>();
  for (const name of names) {
    // The Entra host shows names such as `_distinguishedName` as they are, and mappings hold them.
    const base = options.asTheHost === true && HOST_PLAIN.test(name) ? name : formatAttributeName(name);
    let candidate = base;
    for (let suffix = 2; taken.has(candidate.toLowerCase()); suffix += 1) candidate = `${base}$${suffix}`;
    taken.add(candidate.toLowerCase());
    result.set(name, candidate);
  }
  return result;
}
