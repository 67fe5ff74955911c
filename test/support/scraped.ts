/** One line of what Prometheus scrapes. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Every sample in the text of a scrape, its labels as they were before they were escaped. */
export function samplesOf(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', inBraces = '', value] =
        /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? fail(line);
      const labels: Record<string, string> = {};
      for (const [, label = '', text = ''] of inBraces.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
        labels[label] = text.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
      }
      return { name, labels, value: Number(value) };
    });
}

/** The samples of one family. */
export function samplesNamed(text: string, name: string): Sample[] {
  return samplesOf(text).filter((sample) => sample.name === name);
}

function fail(line: string): never {
  throw new Error(`Prometheus cannot read: ${line}`);
}
