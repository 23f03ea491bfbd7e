import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sampleDepartments, samplePerson } from '../../apps/cli/src/tour/sample-application.ts';
import { BRIDGE, buildConnector, sourcesOf } from '../../connectors/ecma2/src/build-worker.ts';
import type { CrossingSystem } from './systems.ts';

const PEOPLE = 2000;

/**
 * A MIM management agent: the exported XML, and a compiled DLL. Its application is a folder of text files, one for each object, which
 * are read here as they lie on disk. The configuration comes from `landbridge import`, as an administrator would make it.
 */
export async function ecma2System(): Promise<CrossingSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-mim-'));
  const application = join(folder, 'application');
  const directory = dirname(await buildConnector('Landbridge.Sample.Directory', sourcesOf('sample')));
  seed(application);
  return {
    name: 'ecma2',
    parameters: [],
    environment: { HR_PASSWORD: 'crossing-password' },
    fullProfile: 'Full import',
    configure(landbridge, file) {
      const agent = join(folder, 'hr.xml');
      writeFileSync(agent, readFileSync(join(BRIDGE, 'sample/exported-agent.xml'), 'utf8').replace('@FOLDER@', application));
      execFileSync(landbridge, ['import', agent, '--package', directory, '--out', file], { stdio: 'ignore' });
      // Imported connectors observe; the administrator lets this one write.
      writeFileSync(file, readFileSync(file, 'utf8').replace('mode: observe', 'mode: live'));
    },
    view: {
      async person(userName) {
        const key = ownerOf(application, userName);
        const found = key === undefined ? undefined : readObject(join(application, 'person', `${key}.txt`));
        if (found === undefined) return undefined;
        const first = (name: string): string | undefined => found.get(name)?.[0];
        return {
          id: key,
          user_name: first('login'),
          first_name: first('firstName'),
          last_name: first('lastName'),
          manager_id: first('manager'),
          status: first('active') === 'true' ? 'A' : 'D',
        };
      },
      async departments(userName) {
        const key = ownerOf(application, userName);
        if (key === undefined) return [];
        return readdirSync(join(application, 'group'))
          .map((file) => readObject(join(application, 'group', file)))
          .filter((group) => group?.get('members')?.includes(key))
          .map((group) => group?.get('name')?.[0] ?? '');
      },
    },
    async stop() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function seed(application: string): void {
  for (const one of ['person', 'group', 'logins']) mkdirSync(join(application, one), { recursive: true });
  for (let index = 1; index <= PEOPLE; index += 1) {
    const { id, userName, first, last, mail, title, department, manager } = samplePerson(index);
    const values = {
      active: 'true',
      department,
      firstName: first,
      lastName: last,
      login: userName,
      mail,
      ...(manager === undefined ? {} : { manager: String(manager) }),
      title,
    };
    writeFileSync(
      join(application, 'person', `${id}.txt`),
      Object.entries(values)
        .map(([name, value]) => `${name}:${value}\n`)
        .join(''),
    );
    writeFileSync(join(application, 'logins', userName), String(id));
  }
  for (const [index, name] of sampleDepartments.entries()) {
    const members = Array.from({ length: PEOPLE }, (_, one) => one + 1).filter((id) => id % sampleDepartments.length === index);
    writeFileSync(join(application, 'group', `${index + 1}.txt`), `${members.map((id) => `members:${id}\n`).join('')}name:${name}\n`);
  }
  writeFileSync(join(application, 'person.next'), String(PEOPLE + 1));
}

function ownerOf(application: string, userName: string): string | undefined {
  const file = join(application, 'logins', userName.toLowerCase());
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function readObject(file: string): ReadonlyMap<string, readonly string[]> | undefined {
  if (!existsSync(file)) return undefined;
  const values = new Map<string, string[]>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon);
    values.set(name, [...(values.get(name) ?? []), decodeURIComponent(line.slice(colon + 1))]);
  }
  return values;
}
