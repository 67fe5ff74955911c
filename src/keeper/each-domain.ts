/**
 * Does the work for one domain after another: what goes wrong with one stops no other.
 * @throws the first that went wrong, once all have had their turn
 */
export async function eachDomain(
  domains: readonly string[],
  isClosed: () => boolean,
  work: (domain: string) => Promise<void>,
): Promise<void> {
  let problem: Error | undefined;
  for (const domain of domains) {
    if (isClosed()) return;
    try {
      await work(domain);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      problem ??= new Error(`domain ${domain}: ${message}`, { cause: error });
    }
  }
  if (problem) throw problem;
}
