import { compileSchema } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { noEffect, type PlannedWrite } from './planned-write.ts';
import { isShadow, toShadowWrite } from './shadow.ts';

const types = compileSchema(
  {
    objectTypes: [
      {
        name: 'person',
        attributes: [
          { name: 'id', type: 'string', anchor: true },
          { name: 'title', type: 'string' },
          { name: 'pin', type: 'string', direction: 'export-only', secret: true },
          { name: 'keys', type: 'string', multiValued: true, secret: true },
        ],
      },
    ],
  },
  { dnAsAnchor: false },
);

describe('R31 R21 a write of mode shadow', () => {
  const planned: PlannedWrite = {
    kind: 'update',
    objectType: 'person',
    claims: [],
    steps: [
      {
        call: 'put',
        change: {
          objectType: 'person',
          modification: 'update',
          changes: [
            { name: 'title', modification: 'replace', values: ['Dr'] },
            { name: 'pin', modification: 'replace', values: ['4711'] },
            { name: 'keys', modification: 'update', added: ['4711'], removed: ['4712'] },
          ],
        },
        effect: noEffect,
      },
      { call: 'set-password' },
    ],
    effect: noEffect,
    request: { credential: 'c', method: 'PATCH', target: 't', key: 'k', correlation: 'x' },
    password: '4711',
    audit: { actor: 'c', action: 'update', attributes: [], correlation: 'x' },
    events: { kinds: ['patch'], async: false },
  };

  it('keeps what would have been sent, no secret and no password, and announces nothing', () => {
    const shadow = toShadowWrite(planned, types);
    expect(JSON.stringify(shadow)).not.toMatch(/471[12]/);
    expect(shadow.steps[0]).toMatchObject({ change: { changes: [{ name: 'title', values: ['Dr'] }, { name: 'pin' }, { name: 'keys' }] } });
    expect(shadow.events).toBeUndefined();
    expect([isShadow(shadow.steps), isShadow(planned.steps)]).toEqual([true, false]);
  });
});
