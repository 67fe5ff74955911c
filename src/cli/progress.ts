/** What takes less time needs no progress line. */
const QUIET_MS = 1_000;

/** How often the line is drawn. */
const DRAW_MS = 100;

/** A line on the terminal that is drawn over itself, once something takes long; nothing without a terminal. */
export function showProgress(line: () => string): { stop(): void } {
  if (!process.stderr.isTTY) return { stop() {} };
  let drawing: NodeJS.Timeout | undefined;
  const draw = () => process.stderr.write(`\r\x1b[K${line()}`);
  const begin = setTimeout(() => {
    drawing = setInterval(draw, DRAW_MS);
  }, QUIET_MS);
  return {
    stop() {
      clearTimeout(begin);
      if (!drawing) return;
      clearInterval(drawing);
      process.stderr.write('\r\x1b[K');
    },
  };
}
