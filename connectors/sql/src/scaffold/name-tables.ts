/** What columns are usually called, by what they mean in SCIM. Names are compared without case and without anything but letters and digits. */

/** Columns that say whether an account may be used, and those that may say so among other things. */
export const activeNames: readonly string[] = ['active', 'isactive', 'enabled', 'isenabled'];
export const stateNames: readonly string[] = ['status', 'state', 'accountstatus', 'employmentstatus', 'empstatus', 'userstatus'];

/** Values for an account that may be used, each with its opposite; of those that are there the first is taken. */
export const activeWords: readonly (readonly [on: string, off: string])[] = [
  ['active', 'inactive'],
  ['enabled', 'disabled'],
  ['employed', 'terminated'],
  ['current', 'former'],
  ['aktiv', 'inaktiv'],
  ['actif', 'inactif'],
  ['activo', 'inactivo'],
  ['a', 'd'],
  ['y', 'n'],
  ['yes', 'no'],
  ['j', 'n'],
  ['ja', 'nein'],
  ['true', 'false'],
  ['t', 'f'],
  ['1', '0'],
  ['on', 'off'],
];
/** Values for one that may not, beside those opposites: first what can be taken back. */
export const inactiveWords: readonly string[] = ['suspended', 'locked', 'blocked', 'deactivated', 'i', 'archived', 'left', 'retired', 'terminated', 'deleted'];

/** Columns of people; the first that is there is taken. */
export const personPaths: readonly (readonly [path: string, names: readonly string[]])[] = [
  [
    'userName',
    ['username', 'login', 'loginname', 'logonname', 'logon', 'account', 'accountname', 'samaccountname', 'upn', 'userprincipalname', 'uid', 'benutzername'],
  ],
  ['name.givenName', ['firstname', 'givenname', 'fname', 'forename', 'vorname', 'prenom']],
  ['name.familyName', ['lastname', 'surname', 'familyname', 'lname', 'sn', 'nachname', 'nomdefamille']],
  ['name.middleName', ['middlename', 'middleinitial']],
  ['displayName', ['displayname', 'fullname', 'name', 'cn', 'commonname']],
  ['nickName', ['nickname']],
  ['emails[type eq "work"].value', ['email', 'mail', 'emailaddress', 'mailaddress', 'workemail', 'businessemail']],
  ['emails[type eq "home"].value', ['privateemail', 'homeemail', 'personalemail']],
  ['phoneNumbers[type eq "work"].value', ['phone', 'telephone', 'phonenumber', 'workphone', 'tel', 'telefon', 'officephone']],
  ['phoneNumbers[type eq "mobile"].value', ['mobile', 'mobilephone', 'cell', 'cellphone', 'mobil']],
  ['title', ['title', 'jobtitle', 'position', 'function']],
  ['userType', ['usertype', 'employeetype', 'persontype']],
  ['preferredLanguage', ['preferredlanguage', 'language', 'lang']],
  ['locale', ['locale']],
  ['profileUrl', ['profileurl', 'url', 'website', 'homepage']],
  ['timezone', ['timezone', 'tz']],
  ['active', activeNames],
  [
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber',
    ['employeenumber', 'employeeno', 'employeeid', 'empno', 'empid', 'personnelnumber', 'staffno', 'pernr'],
  ],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', ['department', 'departmentname', 'dept', 'abteilung']],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division', ['division']],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter', ['costcenter', 'costcentre', 'kostenstelle']],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization', ['organization', 'organisation', 'company']],
];

/** References of people to people. */
export const managerNames: readonly string[] = ['manager', 'boss', 'supervisor', 'reportsto', 'lead', 'superior', 'vorgesetzter'];

/** Tables of people and of groups, by their names. */
export const personTables = /employee|user|person|people|account|staff|member|customer|student|teacher|contact|mitarbeiter/i;
export const groupTables = /dep(t|artment)|group|role|team|unit|organi[sz]ation|division|project|class|course|permission|abteilung|gruppe|rolle/i;

/** Tables between a group and its managers, not its members. */
export const managerTables = /manager|leader|head|owner|admin/i;

/** Columns that say from when and until when a row counts. */
export const fromColumns = /^(from|start|begin|valid_?from|since|effective|hired|created|assigned)/i;
export const untilColumns = /^(to|end|until|till|valid_?(to|until)|expir|thru|through)/i;

/** Columns that rise with every change of a row, and that mark a row as deleted. */
export const watermarkNames: readonly string[] = [
  'updatedat',
  'modifiedat',
  'lastupdate',
  'lastupdated',
  'lastmodified',
  'modified',
  'changed',
  'changedat',
  'updated',
  'updatetime',
  'mtime',
];
export const deletedNames: readonly string[] = ['deletedat', 'deleted', 'isdeleted', 'deletedon'];
export const versionNames: readonly string[] = ['rowversion', 'lockversion', 'optlock'];
/** May be the version of the row, or of what it describes. */
export const maybeVersionNames: readonly string[] = ['version', 'versionno', 'versionnumber', 'revision'];

/** Columns that say which of several phones or addresses of mail a row is. */
export const contactKinds = /^(.*_)?(type|kind|label|typ|art)$/i;
/** Rows of a table that are phones or addresses of mail, by its name or that of the column with the value; and the kinds that there are mostly. */
export const contacts = [
  { path: 'phoneNumbers', value: /phone|mobile|telefon|^tel(_|$)|^(phone_?)?(number|no|nummer)$/i, table: /phone|telefon/i, kinds: ['work', 'home', 'mobile'] },
  { path: 'emails', value: /mail|^address$|^adresse$/i, table: /mail/i, kinds: ['work', 'home'] },
] as const;

/** Columns that hold what nobody may read: passwords in any form, keys, tokens. By the whole name, without case and anything but letters and digits. */
export const secretColumns =
  /pass(word|wd|phrase|code)|pass$|passwort|kennwort|pwd|secret|salt$|credential|(activation|private|api|recovery|reset|session|auth)key|token|^otp|otp$/;
/** Tables of such columns. */
export const secretTables = /credential|password|secret|session|token/i;

/** The words of a name: `wp_users`, `UserAccounts`. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

/** What a column may be called: its name, and what is left without the name of its table, as in `user_email` of `wp_users`. */
export function columnNames(table: string, column: string): readonly string[] {
  const plain = plainName(column);
  const [first = '', ...more] = wordsOf(column);
  const own = wordsOf(table).map((word) => plainName(singular(word)));
  return more.length > 0 && own.includes(plainName(first)) ? [plain, plainName(more.join(''))] : [plain];
}

/** A name without case and without anything but letters and digits. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

const IRREGULAR: Readonly<Record<string, string>> = {
  people: 'person',
  persons: 'person',
  staff: 'staff',
  men: 'man',
  women: 'woman',
  children: 'child',
  addresses: 'address',
};

/** The singular of the name of a table: `employees` → `employee`, `companies` → `company`. */
export function singular(name: string): string {
  const known = IRREGULAR[name.toLowerCase()];
  if (known !== undefined) return known;
  if (/ies$/i.test(name) && name.length > 4) return name.replace(/ies$/i, 'y');
  if (/(ss|sh|ch|x|z)es$/i.test(name)) return name.slice(0, -2);
  return /[^s]s$/i.test(name) && !/(us|is)$/i.test(name) ? name.slice(0, -1) : name;
}
