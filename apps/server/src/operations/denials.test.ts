import { describe, expect, it } from 'vitest';
import { type Denial, openDenials } from './denials.ts';

function open(addAudit?: () => Promise<void>) {
  const rows: (readonly [string, string, string])[] = [];
  const errors: unknown[] = [];
  const write = async ({ actor, action, detail }: { readonly actor: string; readonly action: string; readonly detail: string }): Promise<void> => {
    rows.push([actor, action, detail]);
  };
  const denials = openDenials({ addAudit: addAudit ?? write }, { error: (fields) => void errors.push(fields) }, () => 1);
  return { denials, rows, errors };
}

const denial = (more: Partial<Denial> = {}): Denial => ({
  credential: undefined,
  connector: 'hr',
  address: '192.0.2.1',
  method: 'GET',
  route: '/scim/:connector/*',
  status: 401,
  ...more,
});

describe('SEC-60 denied requests in the audit', () => {
  it('the first of a source is a row at once, and those that follow are one more', async () => {
    const { denials, rows } = open();
    for (let index = 0; index < 1000; index += 1) denials.note(denial());
    denials.note(denial({ credential: 'abc', status: 403, method: 'DELETE' }));
    denials.note(denial({ connector: undefined, route: '/admin/v1/tokens' }));
    await denials.flush();
    expect(rows).toEqual([
      ['192.0.2.1', 'denied.401', 'GET /scim/:connector/* from 192.0.2.1 at hr'],
      ['abc', 'denied.403', 'DELETE /scim/:connector/* from 192.0.2.1 at hr'],
      ['192.0.2.1', 'denied.401', 'GET /admin/v1/tokens from 192.0.2.1'],
      ['192.0.2.1', 'denied.401', '999 more from 192.0.2.1 at hr'],
    ]);
    denials.note(denial());
    await denials.close();
    expect(rows).toHaveLength(5);
  });

  it('very many sources are counted together, and hide nobody who came before', async () => {
    const { denials, rows } = open();
    for (let index = 0; index < 5000; index += 1) denials.note(denial({ address: `2001:db8::${index.toString(16)}` }));
    await denials.close();
    expect(rows).toHaveLength(101);
    expect(rows.at(-1)).toEqual(['host', 'denied', '4900 more from other sources']);
  });

  it('a row that cannot be written is a line of the log', async () => {
    const { denials, errors } = open(async () => {
      throw new Error('disk full');
    });
    denials.note(denial());
    await denials.close();
    expect(errors).toEqual([{ reason: 'disk full' }]);
  });
});
