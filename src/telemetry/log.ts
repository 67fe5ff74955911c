import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** pino's numbers, as people read them. */
const LEVEL_NAMES: Readonly<Record<number, string>> = {
  20: 'debug',
  30: 'info ',
  40: 'WARN ',
  50: 'ERROR',
  60: 'FATAL',
};

/**
 * One JSON object a line; `text` is for a person at a terminal.
 * Writes synchronously, so that a crash loses no line.
 */
export function createLog(level: LogLevel, format: 'json' | 'text'): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return format === 'json' ? pino(options) : pino(options, textDestination());
}

function textDestination(): DestinationStream {
  return {
    write(line) {
      const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
      const fields = Object.entries(rest).map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      const clock = String(time).slice(11, 19);
      process.stdout.write(
        `${clock} ${LEVEL_NAMES[Number(level)] ?? String(level)} ${String(msg)}${fields.length > 0 ? `  (${fields.join(', ')})` : ''}\n`,
      );
    },
  };
}
