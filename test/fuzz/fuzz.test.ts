import { parseFilter, parseJsonBody, scimErrors } from '@landbridge/scim';
import { describe, expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { type Target, targets } from './targets.ts';

const SEED = 20_261_125;

function target(name: string): Target {
  const found = targets.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no target ${name}`);
  return found;
}

/** Slower by two orders of magnitude than what clients send, and never in their hands. */
const ofAdministrators = [target('configuration'), target('XML of MIM')];
const ofClients = targets.filter((one) => !ofAdministrators.includes(one));

describe('the fuzzer', () => {
  it('SEC-28 SEC-27 SEC-37 SEC-38 S-099 a hundred and twenty thousand inputs, most of them mutations of valid ones, break no parser', () => {
    const result = fuzz(ofClients, SEED, { inputs: 120_000, hangMilliseconds: 2000 });
    expect(result.findings).toEqual([]);
    expect(result.inputs).toBe(120_000);
    expect(result.mutations).toBeGreaterThan(result.inputs / 2);
    expect(result.taken).toBeGreaterThan(result.inputs / 50);
  }, 120_000);

  it('SEC-48 what administrators hand in, YAML and the XML of MIM, breaks its parser neither', () => {
    expect(fuzz(ofAdministrators, SEED, { inputs: 4000, hangMilliseconds: 5000 }).findings).toEqual([]);
  }, 120_000);

  it('finds a planted crash: a parser that breaks on a not beside an ew', () => {
    const filter = target('filter');
    const planted: Target = {
      ...filter,
      run(input) {
        parseFilter(input, { lenientLiterals: true });
        if (/not *\(.* ew /i.test(input)) throw new TypeError('planted');
      },
    };
    expect(fuzz([planted], SEED, { inputs: 400_000 }).findings[0]?.problem).toBe('TypeError: planted');
  });

  it('finds a planted hole: a body whose keys reach the prototype of all objects', () => {
    const planted: Target = {
      ...target('JSON'),
      run(input) {
        try {
          parseJsonBody(input);
        } catch (error) {
          if (input.includes('"__proto__"')) Object.defineProperty(Object.prototype, 'planted', { value: true, configurable: true });
          throw error;
        }
      },
    };
    try {
      expect(fuzz([planted], SEED, { inputs: 400_000 }).findings[0]?.problem).toBe('the prototype of all objects is changed');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'planted');
    }
  });

  it('finds a planted hang: time that grows with the square of the brackets', () => {
    const planted: Target = {
      ...target('filter'),
      run(input) {
        const brackets = input.split('(').length;
        let spent = 0;
        for (let count = 0; count < brackets ** 4 * 20; count += 1) spent += count % 7;
        if (spent >= 0) throw scimErrors.invalidFilter('planted');
      },
    };
    expect(fuzz([planted], SEED, { inputs: 400_000, hangMilliseconds: 100 }).findings[0]?.problem).toMatch(/^it took \d+ ms$/);
  });
});
