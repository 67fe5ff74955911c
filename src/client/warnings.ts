/** Where the gate says what nobody asked about, but somebody should know. */
export interface Warnings {
  say(message: string): void;
  /** Says it the first time only, by the kind of it: what went wrong, and with which model or shape. */
  once(kind: string, message: string): void;
}

/** Kinds come from what is reported, so there may be any number; who has read so many knows. */
const MAX_KINDS = 100;

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
      if (said.has(kind) || said.size >= MAX_KINDS) return;
      said.add(kind);
      say(said.size < MAX_KINDS ? message : `${message} (further warnings like it are left out)`);
    },
  };
}

function toConsole(message: string): void {
  console.warn(`tollgate: ${message}`);
}
