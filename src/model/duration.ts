/** Each unit is used from this many ms on: below, the smaller unit reads better (60 s, 24 h). */
const UNITS: readonly { name: string; ms: number; from: number }[] = [
  { name: 'd', ms: 86_400_000, from: 172_800_000 },
  { name: 'h', ms: 3_600_000, from: 3_600_000 },
  { name: 'min', ms: 60_000, from: 120_000 },
  { name: 's', ms: 1_000, from: 1_000 },
  { name: 'ms', ms: 1, from: 1 },
];

/** For people, in the two largest units, rounded up: "3 h 12 min", "61 s", "340 ms". */
export function formatDuration(us: number): string {
  let ms = Math.ceil(us / 1000);
  if (ms >= 1_000) ms = Math.ceil(ms / 1_000) * 1_000;
  const first = UNITS.findIndex(({ from }) => ms >= from);
  if (first < 0) return '0 ms';
  const parts: string[] = [];
  for (const { name, ms: length } of UNITS.slice(first, first + 2)) {
    const count = Math.floor(ms / length);
    if (count > 0) parts.push(`${count} ${name}`);
    ms -= count * length;
  }
  return parts.join(' ');
}
