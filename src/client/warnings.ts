/** Where the gate says what nobody asked about, but somebody should know. */
export interface Warnings {
  say(message: string): void;
  /** Says it the first time only, by the kind of it. */
  once(kind: string, message: string): void;
}

/** @param hook takes each message; what it throws is no reason for a call to fail */
export function createWarnings(hook: (message: string) => void = toConsole): Warnings {
  const said = new Set<string>();
  const say = (message: string) => {
    try {
      hook(message);
    } catch (error) {
      toConsole(`${message} (and the warn hook failed: ${String(error)})`);
    }
  };
  return {
    say,
    once(kind, message) {
      if (said.has(kind)) return;
      said.add(kind);
      say(message);
    },
  };
}

function toConsole(message: string): void {
  console.warn(`tollgate: ${message}`);
}
