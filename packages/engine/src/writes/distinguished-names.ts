import { type DistinguishedNameStyle, type EncodedAttributes, foldCase } from '@landbridge/connector-sdk';

/**
 * The names of entries: composed by a template of the configuration, such as `CN={cn},OU=People,DC=x`, and composed again
 * when a value in it changes. Pure.
 */

/** A template names an attribute that the entry does not have. */
export class MissingNamePart extends Error {
  override readonly name = 'MissingNamePart';
  readonly attribute: string;
  constructor(attribute: string) {
    super(`"${attribute}" is needed for the distinguished name.`);
    this.attribute = attribute;
  }
}

/**
 * Fills `{attribute}` in a template. Values are escaped by RFC 4514 §2.4 where names are LDAP names; a generic name is whatever
 * the application makes of it. @throws MissingNamePart.
 */
export function composeName(template: string, attributes: EncodedAttributes, style: DistinguishedNameStyle): string {
  return template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = attributes[name];
    if (value === undefined || typeof value === 'object') throw new MissingNamePart(name);
    return style === 'ldap' ? escapeValue(String(value)) : String(value);
  });
}

function escapeValue(value: string): string {
  return value
    .replace(/[\\,+"<>;=]/g, (character) => `\\${character}`)
    .replace(/^[ #]/, (character) => `\\${character}`)
    .replace(/ $/, '\\ ')
    .replaceAll('\u0000', '\\00');
}

/**
 * The new name of an entry whose values change, or `undefined` where it keeps its name. An entry that the application keeps
 * elsewhere than the template says stays there: only its first component follows.
 */
export function nameAfterChange(
  template: string,
  style: DistinguishedNameStyle,
  current: { readonly dn: string | undefined; readonly attributes: EncodedAttributes },
  after: EncodedAttributes,
): string | undefined {
  if (current.dn === undefined) return undefined;
  const next = composeName(template, after, style);
  let before: string | undefined;
  try {
    before = composeName(template, current.attributes, style);
  } catch (error) {
    if (!(error instanceof MissingNamePart)) throw error;
  }
  if (before === next || next === current.dn) return undefined;
  if (before !== undefined && isSameName(before, current.dn)) return next;
  const [own, above] = splitName(next);
  const [known, parent] = splitName(current.dn);
  if (above === undefined || parent === undefined) return next;
  return own === known ? undefined : `${own},${parent}`;
}

/** The first component of a name and the rest, which is absent for a name of one component. */
export function splitName(name: string): readonly [own: string, parent: string | undefined] {
  const own = /^(?:\\.|[^\\,])*/s.exec(name)?.[0] ?? name;
  return own.length === name.length ? [own, undefined] : [own, name.slice(own.length + 1)];
}

/** Names compare without regard to case. */
export function isSameName(left: string, right: string): boolean {
  return foldCase(left) === foldCase(right);
}
