import { type Chance, createChance, invent, mutate } from './mutate.ts';
import { isRefusal, type Target } from './targets.ts';

/** An input that broke something. */
export interface Finding {
  readonly target: string;
  readonly input: string;
  readonly problem: string;
}

/** What a run did. */
export interface FuzzResult {
  readonly inputs: number;
  /** Of them, mutations of valid inputs. */
  readonly mutations: number;
  /** Of them, taken rather than refused. */
  readonly taken: number;
  readonly findings: readonly Finding[];
  readonly slowestMilliseconds: number;
}

/** When a run ends, whichever comes first, and what counts as a hang. */
export interface FuzzLimits {
  readonly inputs: number;
  readonly until?: number;
  readonly hangMilliseconds?: number;
  readonly findings?: number;
  /** Called every hundred thousand inputs. */
  onProgress?(inputs: number): void;
}

const PROGRESS = 100_000;
const PROTOTYPE = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));

/** Feeds targets with inputs, two of three of them mutations of valid ones. The same seed gives the same inputs. */
export function fuzz(targets: readonly Target[], seed: number, limits: FuzzLimits): FuzzResult {
  const chance = createChance(seed);
  const findings: Finding[] = [];
  const hang = limits.hangMilliseconds ?? 250;
  let mutations = 0;
  let taken = 0;
  let slowest = 0;
  let inputs = 0;
  // What was taken is as good as the corpus, and goes further: some of it joins.
  const learned = new Map<Target, string[]>(targets.map((target) => [target, [...target.corpus]]));
  for (; inputs < limits.inputs && findings.length < (limits.findings ?? 1); inputs += 1) {
    if (inputs % 1000 === 0 && limits.until !== undefined && Date.now() >= limits.until) break;
    if (inputs % PROGRESS === 0 && inputs > 0) limits.onProgress?.(inputs);
    const target = chance.pick(targets);
    const corpus = learned.get(target) ?? [];
    const isMutation = chance.below(3) !== 0;
    if (isMutation) mutations += 1;
    // Half begin at what people wrote: what is learned drifts away from it.
    const start = chance.pick(chance.below(2) === 0 ? target.corpus : corpus);
    const input = isMutation ? mutate(start, chance.pick(target.corpus), chance) : invent(chance);
    const started = performance.now();
    const problem = tryOne(target, input);
    const spent = performance.now() - started;
    slowest = Math.max(slowest, spent);
    if (problem === 'taken') {
      taken += 1;
      learn(corpus, input, chance);
    } else if (problem !== 'refused') findings.push({ target: target.name, input, problem });
    // Once more before it is called a hang: the machine may have been busy.
    if (spent > hang && isSlow(target, input, hang)) findings.push({ target: target.name, input, problem: `it took ${Math.round(spent)} ms` });
  }
  return { inputs, mutations, taken, findings, slowestMilliseconds: slowest };
}

function tryOne(target: Target, input: string): string {
  try {
    target.run(input);
  } catch (error) {
    if (!isRefusal(error)) return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (JSON.stringify(Object.getOwnPropertyNames(Object.prototype)) !== PROTOTYPE) return 'the prototype of all objects is changed';
    return 'refused';
  }
  return JSON.stringify(Object.getOwnPropertyNames(Object.prototype)) === PROTOTYPE ? 'taken' : 'the prototype of all objects is changed';
}

/** Three times, by the processor's time: whatever else the machine does is not the parser's fault. */
function isSlow(target: Target, input: string, hang: number): boolean {
  for (let times = 0; times < 3; times += 1) {
    const before = process.cpuUsage();
    tryOne(target, input);
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 <= hang) return false;
  }
  return true;
}

function learn(corpus: string[], input: string, chance: Chance): void {
  if (input.length > 5000) return;
  if (corpus.length < 200) corpus.push(input);
  else corpus[20 + chance.below(corpus.length - 20)] = input;
}
