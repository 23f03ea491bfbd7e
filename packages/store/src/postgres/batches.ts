/** How many statements of one kind are at the server at once; what is asked for meanwhile goes together with the next one. */
const AT_ONCE = 2;
/** Keys of one statement. */
const MOST = 100;

interface Waiting<Key, Answer> {
  readonly key: Key;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Answers questions of one kind, many by one statement: whoever asks alone is answered at once, and the more ask at the same time the
 * less each of them costs. A question is answered from a state of the database that is no older than itself.
 *
 * @param ask runs one statement for some keys, and returns their answers in order.
 */
export function createBatches<Key, Answer>(ask: (keys: readonly Key[]) => Promise<readonly Answer[]>): (key: Key) => Promise<Answer> {
  const waiting: Waiting<Key, Answer>[] = [];
  let running = 0;

  async function send(batch: readonly Waiting<Key, Answer>[]): Promise<void> {
    running += 1;
    try {
      const answers = await ask(batch.map((one) => one.key));
      for (const [index, one] of batch.entries()) one.resolve(answers[index] as Answer);
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
    running -= 1;
    if (waiting.length > 0) void send(waiting.splice(0, MOST));
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (running < AT_ONCE) void send(waiting.splice(0, MOST));
    });
}
