/**
 * Who of several clients that sent one and the same create at the same time has made the resource.
 *
 * A repeat of a create under way joins it (R16), so all of them get its answer. But of callers that all wait for an answer only one
 * may believe that it created (S-053): the first that is still there. A repeat whose first sender has gone (a lost connection, a
 * deadline that passed) is what R16 is for, and gets the answer that nobody else has heard.
 */
export interface CreateTurns {
  /** Enters a caller of the create with this key; `waits` says whether it still listens. */
  enter(key: string, waits: () => boolean): CreateTurn;
}

export interface CreateTurn {
  /** Takes the success, once for each create; `false`: somebody else has it. */
  take(): boolean;
  leave(): void;
}

/** Makes the register. */
export function createTurns(): CreateTurns {
  const underWay = new Map<string, { callers: number; taken: boolean }>();
  return {
    enter(key, waits) {
      const group = underWay.get(key) ?? { callers: 0, taken: false };
      underWay.set(key, group);
      group.callers += 1;
      return {
        take() {
          if (group.taken) return false;
          // Whoever hears nothing takes nothing: the next one may.
          group.taken = waits();
          return true;
        },
        leave() {
          group.callers -= 1;
          if (group.callers === 0) underWay.delete(key);
        },
      };
    },
  };
}
