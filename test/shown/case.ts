/** One thing that an alert has to do, or must not. */
export interface Case {
  readonly alert: string;
  readonly what: string;
  /** Series, and their values each five seconds, as promtool writes them. */
  readonly series: Readonly<Record<string, string>>;
  /** When it is looked at. */
  readonly at: string;
  /** What fires then: the labels beside the severity, and the summary that a person reads. */
  readonly fires: readonly (readonly [labels: Readonly<Record<string, string>>, summary: string])[];
}
