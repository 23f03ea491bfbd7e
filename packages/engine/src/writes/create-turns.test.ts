import { expect, it } from 'vitest';
import { createTurns } from './create-turns.ts';

const here = (): boolean => true;
const gone = (): boolean => false;

it('S-053 of callers of one create that all wait, one has made the resource', () => {
  const turns = createTurns();
  const callers = Array.from({ length: 20 }, () => turns.enter('key', here));
  expect(callers.filter((caller) => caller.take())).toHaveLength(1);
});

it('R16 S-069 a repeat gets the success of a create whose sender has gone, and a third caller does not', () => {
  const turns = createTurns();
  const [lost, repeat, third] = [turns.enter('key', gone), turns.enter('key', here), turns.enter('key', here)];
  lost.take();
  lost.leave();
  expect(repeat.take()).toBe(true);
  repeat.leave();
  expect(third.take()).toBe(false);
});

it('a create that ended is forgotten, and others are not concerned', () => {
  const turns = createTurns();
  const first = turns.enter('key', here);
  expect([first.take(), turns.enter('other', here).take()]).toEqual([true, true]);
  first.leave();
  expect(turns.enter('key', here).take()).toBe(true);
});
