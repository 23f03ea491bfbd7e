import type { ConnectionConfiguration } from 'tedious';

/** How an account proves who it is: by its password, or by Microsoft Entra (Azure SQL, SQL Server 2022). */
export const signIns = ['password', 'entra-secret', 'entra-managed-identity', 'entra-default'] as const;

/** One of {@link signIns}. */
export type SignIn = (typeof signIns)[number];

/** Who signs in. */
export interface Account {
  readonly user: string;
  readonly password: string;
  /** The directory of an application; its identifier. */
  readonly tenant: string;
}

type Authentication = NonNullable<ConnectionConfiguration['authentication']>;

const WAYS: Readonly<Record<SignIn, (account: Account) => Authentication>> = {
  password({ user, password }) {
    const [domain, userName] = /^([^\\]+)\\(.+)$/.exec(user)?.slice(1) ?? [];
    if (domain === undefined || userName === undefined) return { type: 'default', options: { userName: user, password } };
    return { type: 'ntlm', options: { domain, userName, password } };
  },
  // `user` is the application's client identifier, `password` its secret.
  'entra-secret': ({ user, password, tenant }) => ({
    type: 'azure-active-directory-service-principal-secret',
    options: { clientId: user, clientSecret: password, tenantId: tenant },
  }),
  // `user` names one of several identities of the machine.
  'entra-managed-identity': ({ user }) => ({ type: 'azure-active-directory-msi-vm', options: user === '' ? {} : { clientId: user } }),
  // Whatever the environment offers: workload identity, variables, the command-line tool's session.
  'entra-default': ({ user }) => ({ type: 'azure-active-directory-default', options: user === '' ? {} : { clientId: user } }),
};

/** The driver's way for an account. */
export function authenticationOf(signIn: SignIn, account: Account): Authentication {
  return WAYS[signIn](account);
}
