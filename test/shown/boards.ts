import type { Dashboard, Panel } from '@grafana/schema';
import { limits } from '../tools/dashboards/limits.js';
import { sidecars } from '../tools/dashboards/sidecars.js';
import { spend } from '../tools/dashboards/spend.js';

export const BOARDS: readonly Dashboard[] = [spend, limits, sidecars];

/** One query of a dashboard, and where it stands. */
export interface BoardQuery {
  readonly where: string;
  readonly expr: string;
  /** What it shows of a series: its legend, or the title of an annotation. */
  readonly legend: string;
  readonly instant: boolean;
}

/** What a dashboard shows, without the titles of its sections. */
export function panelsOf(board: Dashboard): Panel[] {
  return (board.panels ?? []).filter((panel): panel is Panel => panel.type !== 'row');
}

/** Every query of every panel and annotation. */
export function boardQueries(board: Dashboard): BoardQuery[] {
  const of = (where: string, target: unknown): BoardQuery => {
    const { expr, legendFormat, instant } = target as {
      expr: string;
      legendFormat: string;
      instant: boolean;
    };
    return { where: `${board.title}: ${where}`, expr, legend: legendFormat, instant };
  };
  return [
    ...panelsOf(board).flatMap((panel) =>
      (panel.targets ?? []).map((target) => of(panel.title ?? '', target)),
    ),
    ...(board.annotations?.list ?? []).map(({ name, target }) => of(name, target)),
  ];
}

/** The queries of variables: which series have the label, and the label. */
export function variableQueries(board: Dashboard): { selector: string; label: string }[] {
  return (board.templating?.list ?? [])
    .filter(({ type }) => type === 'query')
    .map(({ query }) => {
      const text = String((query as Record<string, unknown>)['query']);
      const [, selector = '', label = ''] = /^label_values\((.*), ([a-z_]+)\)$/.exec(text) ?? [];
      return { selector, label };
    });
}
