/** A plain limiter to compare with: the list of everything that was admitted, with its time. */
export class Reference {
  readonly #admitted: { readonly atUs: number; readonly amount: number }[] = [];

  admit(atUs: number, amount: number): void {
    this.#admitted.push({ atUs, amount });
  }

  /** What was admitted in the lengthUs up to atUs: later than atUs - lengthUs. */
  used(atUs: number, lengthUs: number): number {
    return this.#admitted
      .filter((entry) => entry.atUs > atUs - lengthUs)
      .reduce((sum, { amount }) => sum + amount, 0);
  }
}

/** The slices of lua/README.md written down plainly, to tell the exact sum that a window shows. */
export class SliceReference {
  readonly #slices = new Map<number, number>();
  readonly #sliceUs: number;

  constructor(sliceUs: number) {
    this.#sliceUs = sliceUs;
  }

  #current(clockUs: number): number {
    return Math.max(Math.floor(clockUs / this.#sliceUs), ...this.#slices.keys());
  }

  admit(clockUs: number, amount: number): void {
    if (amount === 0) return;
    const slice = this.#current(clockUs);
    this.#slices.set(slice, (this.#slices.get(slice) ?? 0) + amount);
  }

  used(clockUs: number): number {
    const oldest = this.#current(clockUs) - 60;
    return [...this.#slices].reduce((sum, [slice, n]) => (slice >= oldest ? sum + n : sum), 0);
  }
}
