import type { ContractHarness } from './run-contract-checks.ts';

/**
 * People with every kind of value that the kit looks at: text, a number beyond what a double holds, a boolean, bytes, several
 * values. For an object type `person` with the attributes login (unique), title, active, photo, mails, and the number by its name.
 */
export function samplePeople(number: string): Pick<ContractHarness, 'objectType' | 'sample' | 'change' | 'unique'> {
  let next = 0;
  return {
    objectType: 'person',
    sample() {
      next += 1;
      return {
        login: `user${next}`,
        [number]: 2n ** 53n + BigInt(next),
        active: next % 2 === 0,
        photo: new Uint8Array([0, 255, next % 256]),
        mails: [`${next}@a`, `${next}@b`],
      };
    },
    change: { attribute: 'title', values: ['Analyst', 'engineer'] },
    unique: 'login',
  };
}
