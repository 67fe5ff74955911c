/**
 * What a window covers, in microseconds: a length that slides; or, for a calendar window, the edges of
 * the previous, the current and the next period: three starts, and the end of the last.
 */
export type Span =
  | { readonly windowUs: number }
  | { readonly edgesUs: readonly [number, number, number, number] };

/** When what is used now has left for certain: a window later, or with the current period. */
export function spanEndUs(span: Span, nowUs: number): number {
  return 'windowUs' in span ? nowUs + span.windowUs : span.edgesUs[2];
}
