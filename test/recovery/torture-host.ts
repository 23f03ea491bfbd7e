import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationDefaults, type HostConnector, openConnector, type RequestContext } from '@landbridge/engine';
import { type ConnectorStore, type Intent, type IntentOutcome, postgresInstallation, type WriteResult } from '@landbridge/store';
import { deriveScimId } from '../../packages/store/src/rules/scim-id.ts';
import { personConfiguration } from '../fixtures/person-configuration.ts';

/**
 * The process that the torture suite kills: one connector, driven over IPC by the suite. It reports at start which of the
 * resources that were answered before the crash it cannot read, before anything had time to settle.
 */
const [folder = '', fault] = process.argv.slice(2);
const context: RequestContext = { credential: 'torture', client: 'torture', profile: 'lenient', baseUrl: 'https://host/scim/app', correlation: 'torture' };
const quiet = (): void => {};

export interface Request {
  readonly id: number;
  readonly operation: 'create' | 'patch' | 'password' | 'delete' | 'filter' | 'import' | 'status' | 'list';
  readonly values: readonly string[];
}

const stateUrl = process.env['TORTURE_STORE'] ? new URL(process.env['TORTURE_STORE']) : undefined;

function openState(url: URL): ReturnType<ReturnType<typeof postgresInstallation>['openConnector']> {
  const schema = url.searchParams.get('schema') ?? 'landbridge';
  url.searchParams.delete('schema');
  return postgresInstallation(join(folder, 'data'), { url: url.href, schema }).openConnector('app');
}

mkdirSync(join(folder, 'data'), { recursive: true });
const connector: HostConnector = await openConnector(
  {
    folder: join(folder, 'data'),
    ...(stateUrl === undefined ? {} : { openStore: () => openState(stateUrl) }),
    sealingKey: new Uint8Array(32),
    log: { debug: quiet, info: quiet, warn: quiet, error: (fields, message) => console.error(message, fields) },
    configuration: personConfiguration('sql', {
      deletionThreshold: { percent: 100, minimum: 0 },
      // The suite deletes as much as it likes.
      massChange: { percent: 100, minimum: 1_000_000, memberPercent: 100 },
      parameters: {
        dialect: 'sqlite',
        file: join(folder, 'app.sqlite'),
        objectTypes: {
          person: {
            table: 'people',
            anchor: ['id'],
            anchorAssigned: true,
            attributes: {
              id: { column: 'id' },
              login: { column: 'login', unique: true, caseExact: false },
              title: { column: 'title' },
              nick: { column: 'nick' },
            },
            write: { setPassword: [{ statement: 'UPDATE people SET password = :password WHERE id = :id' }] },
            multiValued: { mails: { table: 'mails', key: ['person'], value: 'mail' } },
          },
        },
      },
      objectTypes: [
        {
          objectType: 'person',
          resourceType: 'User',
          endpoint: 'Users',
          excluded: [],
          queryable: [],
          mapping: [
            { scim: 'userName', attribute: 'login' },
            { scim: 'title', attribute: 'title' },
            { scim: 'nickName', attribute: 'nick' },
            { scim: 'emails.value', attribute: 'mails' },
          ],
        },
      ],
      // Results count at the close where sessions do not stay open: the point after it is reached only then.
      ...(process.env['LANDBRIDGE_CRASH_POINT']?.startsWith('close-after') ? { session: { ...configurationDefaults.session, keepOpen: false } } : {}),
    }),
  },
  fault === undefined ? {} : { wrapStore: (store) => plantFault(store, fault) },
);

const answered = existsSync(join(folder, 'answered.json')) ? (JSON.parse(readFileSync(join(folder, 'answered.json'), 'utf8')) as readonly string[]) : [];
const missing: string[] = [];
for (const id of answered) {
  try {
    await connector.clean.read(context, 'Users', id, {});
  } catch (error) {
    if ((error as { readonly status?: number }).status === 404) missing.push(id);
  }
}
process.send?.({ ready: true, missing });
process.on('message', (request: Request) => void answer(request));
process.on('disconnect', () => process.exit(0));

async function answer({ id, operation, values }: Request): Promise<void> {
  try {
    process.send?.({ id, result: await perform(operation, values) });
  } catch (error) {
    process.send?.({ id, status: (error as { readonly status?: number }).status ?? 500, message: String(error) });
  }
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

async function perform(operation: Request['operation'], [first = '', second = '', third = '']: readonly string[]): Promise<unknown> {
  const { clean } = connector;
  switch (operation) {
    case 'create': {
      const body = {
        schemas: [USER],
        userName: first,
        title: second,
        nickName: second,
        emails: [{ value: `${first}@a` }, { value: `${first}@b` }],
        password: third,
      };
      return (JSON.parse((await clean.create(context, 'Users', body, {})).body ?? '{}') as { readonly id: string }).id;
    }
    case 'patch':
      // Two attributes in one write: half of it must never be seen.
      return (await clean.patch(context, 'Users', first, { schemas: [PATCH], Operations: [{ op: 'replace', value: { title: second, nickName: second } }] }, {}))
        .status;
    case 'password':
      return (await clean.patch(context, 'Users', first, { schemas: [PATCH], Operations: [{ op: 'replace', value: { password: second } }] }, {})).status;
    case 'delete':
      return (await clean.delete(context, 'Users', first)).status;
    case 'filter': {
      const list = JSON.parse((await clean.list(context, 'Users', { filter: `userName eq "${first}"` })).body ?? '{}') as {
        readonly Resources: readonly { readonly id: string }[];
      };
      return list.Resources[0]?.id;
    }
    case 'list': {
      const all: Record<string, readonly [string, string, string | undefined]> = {};
      for (let start = 1; ; ) {
        const page = JSON.parse((await clean.list(context, 'Users', { startIndex: String(start), count: '500' })).body ?? '{}') as {
          readonly Resources: readonly { readonly id: string; readonly userName: string; readonly title?: string; readonly nickName?: string }[];
        };
        for (const one of page.Resources) all[one.userName] = [one.id, one.title ?? '', one.nickName];
        if (page.Resources.length < 500) return all;
        start += 500;
      }
    }
    case 'import':
      return (await (await connector.run('full', 'torture')).ended).result;
    case 'status':
      return (await connector.status()).inDoubt;
  }
}

/** The faults that the suite must find: two break the order of the life of a write (R12), one forgets passwords at a crash (R21). */
function plantFault(store: ConnectorStore, name: string): ConnectorStore {
  if (name === 'journal-after-call') return journalAfterCall(store);
  if (name === 'answer-before-commit') return answerBeforeCommit(store);
  if (name === 'forget-passwords') return { ...store, commitIntents: (intents) => store.commitIntents(intents.map(({ sealed: _, ...intent }) => intent)) };
  throw new Error(`there is no fault "${name}"`);
}

function journalAfterCall(store: ConnectorStore): ConnectorStore {
  const kept = new Map<number, Intent>();
  let next = 1_000_000;
  return {
    ...store,
    async commitIntents(intents) {
      return intents.map((intent): IntentOutcome => {
        next += 1;
        kept.set(next, intent);
        return { status: 'intended', journalId: next, entryId: intent.entryId ?? next };
      });
    },
    async commitResults(results) {
      const fresh = results.filter((result) => kept.has(result.journalId));
      const outcomes = await store.commitIntents(fresh.flatMap((result) => kept.get(result.journalId) ?? []));
      const real = fresh.flatMap((result, index): readonly WriteResult[] => {
        const outcome = outcomes[index];
        return outcome?.status === 'intended' ? [{ ...result, journalId: outcome.journalId }] : [];
      });
      return store.commitResults([...real, ...results.filter((result) => !kept.has(result.journalId))]);
    },
  };
}

function answerBeforeCommit(store: ConnectorStore): ConnectorStore {
  const intents = new Map<number, Intent>();
  return {
    ...store,
    async commitIntents(batch) {
      const outcomes = await store.commitIntents(batch);
      outcomes.forEach((outcome, index) => {
        if (outcome.status === 'intended') intents.set(outcome.journalId, batch[index] as Intent);
      });
      return outcomes;
    },
    async commitResults(results) {
      setTimeout(() => void store.commitResults(results), 30);
      return results.map((result) => {
        const intent = intents.get(result.journalId);
        const effect = result.effect ?? intent?.effect;
        const anchor = effect?.anchor ?? '';
        const row = {
          id: intent?.entryId ?? 0,
          objectType: 'person',
          // The id that the entry will have: a client that comes back must find it.
          scimId: deriveScimId('app', 'person', anchor, 0),
          anchor,
          dn: undefined,
          partition: '',
          version: 1,
          created: 0,
          modified: 0,
          body: JSON.stringify(effect?.set ?? {}),
          link: undefined,
        };
        return { journalId: result.journalId, row };
      });
    },
  };
}
