import type { ImportedAttribute, ImportedObjectType } from '../model.ts';

/** Common names of attributes for each SCIM path, folded to lower-case letters and digits; the first that exists wins. */
const USER: readonly (readonly [string, readonly string[], ImportedAttribute['type']])[] = [
  ['userName', ['username', 'userprincipalname', 'samaccountname', 'accountname', 'loginname', 'login', 'uid', 'userid', 'account', 'logon'], 'string'],
  ['externalId', ['externalid'], 'string'],
  ['displayName', ['displayname', 'fullname', 'cn', 'commonname', 'name'], 'string'],
  ['name.givenName', ['givenname', 'firstname', 'fname', 'forename', 'userfirstname', 'first', 'given'], 'string'],
  ['name.familyName', ['sn', 'surname', 'lastname', 'familyname', 'lname', 'userlastname', 'last', 'family'], 'string'],
  ['name.middleName', ['middlename', 'initials'], 'string'],
  ['emails[type eq "work"].value', ['mail', 'email', 'emailaddress', 'workemail', 'primaryemail'], 'string'],
  ['emails.value', ['mails', 'emails', 'emailaddresses', 'mailaddresses', 'mail', 'email'], 'string'],
  ['phoneNumbers[type eq "work"].value', ['telephonenumber', 'phone', 'officephone', 'workphone', 'phonenumber'], 'string'],
  ['phoneNumbers[type eq "mobile"].value', ['mobile', 'mobilephone', 'cellphone', 'cell'], 'string'],
  ['title', ['title', 'jobtitle'], 'string'],
  ['userType', ['employeetype', 'usertype'], 'string'],
  ['preferredLanguage', ['preferredlanguage', 'language'], 'string'],
  ['active', ['active', 'isactive', 'enabled', 'isenabled', 'accountenabled'], 'boolean'],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber', ['employeenumber', 'employeeid', 'personnelnumber', 'staffid'], 'string'],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', ['department', 'dept'], 'string'],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division', ['division'], 'string'],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter', ['costcenter', 'costcentre'], 'string'],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization', ['company', 'organization', 'organisation'], 'string'],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager', ['manager', 'managerid', 'supervisor', 'boss', 'reportsto'], 'reference'],
];

const GROUP: typeof USER = [
  ['displayName', ['displayname', 'groupname', 'name', 'cn', 'samaccountname', 'title'], 'string'],
  ['members', ['member', 'members', 'uniquemember', 'groupmembers'], 'reference'],
];

/** A proposed mapping, and whether its naming attribute was a guess of last resort. */
export interface ProposedMapping {
  readonly resourceType: string;
  readonly mapping: Readonly<Record<string, string>>;
  readonly guessed: string | undefined;
}

/** Proposes the SCIM resource of an object type; `taken` are resource types that other object types have already. */
export function proposeMapping(type: ImportedObjectType, taken: ReadonlySet<string>): ProposedMapping {
  const wanted = resourceTypeOf(type);
  const resourceType = taken.has(wanted) ? uniqueName(pascal(type.name), taken) : wanted;
  const table = resourceType === 'User' ? USER : resourceType === 'Group' ? GROUP : [];
  const usable = type.attributes.filter((attribute) => attribute.selected && !attribute.secret);
  const mapping: Record<string, string> = {};
  const used = new Set<string>();
  for (const [path, names, kind] of table) {
    const single = path !== 'members' && path !== 'emails.value';
    // One address of its own place, or a list of them.
    if (path === 'emails.value' && mapping['emails[type eq "work"].value'] !== undefined) continue;
    const found = names
      .map((name) =>
        usable.find((attribute) => fold(attribute.name) === name && attribute.type === kind && attribute.multiValued !== single && !used.has(attribute.name)),
      )
      .find((attribute) => attribute !== undefined);
    if (found === undefined) continue;
    mapping[path] = found.name;
    used.add(found.name);
  }
  const naming = resourceType === 'User' ? 'userName' : resourceType === 'Group' ? 'displayName' : undefined;
  if (naming === undefined || mapping[naming] !== undefined) return { resourceType, mapping, guessed: undefined };
  const fallback =
    usable.find((attribute) => type.anchor.includes(attribute.name) && attribute.type === 'string') ??
    usable.find((attribute) => attribute.type === 'string' && !attribute.multiValued && !used.has(attribute.name));
  if (fallback === undefined) return { resourceType, mapping, guessed: undefined };
  return { resourceType, mapping: { [naming]: fallback.name, ...mapping }, guessed: fallback.name };
}

function resourceTypeOf(type: ImportedObjectType): string {
  const given = type.resourceType ?? '';
  if (/^[A-Za-z][A-Za-z0-9]*$/.test(given)) return given;
  const name = fold(type.name);
  if (/^(user|person|people|inetorgperson|employee|account|contact|worker|staff|member|identity)s?$|user$|person$/.test(name)) return 'User';
  if (/group|team|distributionlist/.test(name)) return 'Group';
  return pascal(type.name);
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function pascal(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word) => `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`).join('');
  return /^[A-Za-z]/.test(joined) ? joined : `Object${joined}`;
}

function uniqueName(base: string, taken: ReadonlySet<string>): string {
  let candidate = taken.has(base) ? `${base}Object` : base;
  for (let suffix = 2; taken.has(candidate); suffix += 1) candidate = `${base}${suffix}`;
  return candidate;
}
