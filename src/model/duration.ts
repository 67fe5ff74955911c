const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** For people, in the two largest units, rounded up: "3 h 12 min", "60 s", "340 ms". */
export function formatDuration(us: number): string {
  let ms = Math.ceil(us / 1000);
  if (ms >= 1_000) ms = Math.ceil(ms / 1_000) * 1_000;
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    // A minute and a day by themselves read better in the smaller unit: 60 s, 24 h.
    const count = ms === length && (unit === 'min' || unit === 'd') ? 0 : Math.floor(ms / length);
    if (count === 0) continue;
    parts.push(`${count} ${unit}`);
    ms -= count * length;
    if (parts.length === 2) break;
  }
  return parts.join(' ') || '0 ms';
}
