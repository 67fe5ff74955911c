const DAY_MS = 86_400_000;

/**
 * The day on which most of an increase came, if it was one: over half of all that its days had above the same
 * weekdays before. Where none of these is known, an average day stands for them.
 * @param days,before the starts of days
 */
export function mostlyOn(
  daily: ReadonlyMap<number, bigint>,
  days: readonly number[],
  before: readonly number[],
): number | undefined {
  const [first = 0, second] = days;
  if (second === undefined || before.length === 0) return undefined;
  const spent = (ms: number) => Number(daily.get(ms) ?? 0n);
  // Days of 23 and 25 hours are rounded away.
  const number = (ms: number) => Math.round((ms - first) / DAY_MS);
  const usual = (ms: number) => {
    const alike = before.filter((one) => (number(ms) - number(one)) % 7 === 0);
    const some = alike.length > 0 ? alike : before;
    return some.reduce((sum, one) => sum + spent(one), 0) / some.length;
  };
  let most: { ms: number; by: number } | undefined;
  let [above, change] = [0, 0];
  for (const ms of days) {
    const by = spent(ms) - usual(ms);
    above += Math.max(0, by);
    change += by;
    if (by > (most?.by ?? 0)) most = { ms, by };
  }
  return most && change > 0 && most.by * 2 > above ? most.ms : undefined;
}
