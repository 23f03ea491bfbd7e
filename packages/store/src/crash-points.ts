/**
 * Named points at which the torture suite kills the process: before and after everything that must survive.
 *
 * Unarmed, a point is a comparison with `undefined`. It is armed by the environment, and only in a process that says it
 * is being tortured: `LANDBRIDGE_TORTURE=1 LANDBRIDGE_CRASH_POINT=results-before-commit:3` kills at the third visit.
 */
export const crashPoints = [
  'intents-before-commit',
  'intents-after-commit',
  'call-before',
  'call-after',
  'close-after',
  'password-before',
  'password-set',
  'password-after',
  'settle-before',
  'settle-after',
  'results-before-commit',
  'results-after-commit',
  'answer-before',
  'page-before-commit',
  'page-after-commit',
  'removals-before-commit',
  'removals-after-commit',
  'step-end-before-commit',
  'step-end-after-commit',
] as const;

/** A name of {@link crashPoints}. */
export type CrashPoint = (typeof crashPoints)[number];

const armed = readArmed();
let visits = 0;

function readArmed(): { readonly point: string; readonly nth: number } | undefined {
  const { LANDBRIDGE_TORTURE: torture, LANDBRIDGE_CRASH_POINT: text } = process.env;
  if (torture !== '1' || text === undefined) return undefined;
  const [point = '', nth = '1'] = text.split(':');
  return { point, nth: Number.parseInt(nth, 10) };
}

/** Marks a crash point. Does nothing unless this very point is armed and its turn has come; then the process dies at once. */
export function reach(point: CrashPoint): void {
  if (armed === undefined || armed.point !== point) return;
  visits += 1;
  if (visits === armed.nth) process.kill(process.pid, 'SIGKILL');
}
