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

/** Lines that nobody reads are kept up to this; then they are dropped, and how many is said. */
const MAX_BUFFER_BYTES = 4_194_304;

/** One JSON object a line; `text` is for a person at a terminal. */
export function createLog(level: LogLevel, format: 'json' | 'text'): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (format === 'text') return pino(options, textDestination());
  const destination = pino.destination({ sync: true, maxLength: MAX_BUFFER_BYTES });
  // A reader that has gone is no reason to stop a sidecar.
  destination.on('error', () => {});
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  const log = pino(options, destination);
  destination.on('drain', () => {
    const lines = dropped;
    dropped = 0;
    if (lines > 0) log.error({ lines }, 'log lines were dropped, because nobody read them');
  });
  return log;
}

function textDestination(): DestinationStream {
  process.stdout.on('error', () => {});
  return {
    write(line) {
      const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
      const fields = Object.entries(rest).map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      const head = `${String(time).slice(11, 19)} ${LEVEL_NAMES[Number(level)] ?? String(level)} ${String(msg)}`;
      process.stdout.write(`${head}${fields.length > 0 ? `  (${fields.join(', ')})` : ''}\n`);
    },
  };
}
