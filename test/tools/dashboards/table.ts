import type { TableOptions } from '@grafana/schema';
import { pluginVersion } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import { type About, DATASOURCE, type Placed, query, type Unit } from './panel.js';

/** One column of a table: a number by the keys of the row, with a unit of its own. */
export interface Column {
  readonly name: string;
  readonly expr: string;
  readonly unit: Unit;
  readonly decimals?: number;
  /** From which value on the cell is red. */
  readonly badAt?: number;
}

/** Several queries joined by the labels that they have in common: a row for each combination. */
export function table(
  about: Omit<About, 'warnAt' | 'badAt'>,
  keys: readonly string[],
  columns: readonly Column[],
): Placed {
  const options: TableOptions = {
    frameIndex: 0,
    showHeader: true,
    sortBy: [{ displayName: columns[0]?.name ?? '', desc: true }],
  };
  const value = (index: number) =>
    columns.length === 1 ? 'Value' : `Value #${String.fromCharCode('A'.charCodeAt(0) + index)}`;
  return {
    type: 'table',
    pluginVersion,
    title: about.title,
    description: about.description,
    datasource: DATASOURCE,
    width: about.width,
    height: about.height ?? 9,
    options: { ...options },
    targets: columns.map(({ expr }, index) => query([expr, ''], index, true, 'table')),
    transformations: [
      { id: 'merge', options: {} },
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries([
            ...keys.map((key, at) => [key, at]),
            ...columns.map((_, at) => [value(at), keys.length + at]),
          ]),
          renameByName: Object.fromEntries(columns.map(({ name }, at) => [value(at), name])),
        },
      },
    ],
    fieldConfig: {
      defaults: { unit: about.unit, custom: { filterable: true } },
      overrides: columns.map(({ name, unit, decimals, badAt }) => ({
        matcher: { id: 'byName', options: name },
        properties: [
          { id: 'unit', value: unit },
          ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
          ...(badAt === undefined
            ? []
            : [
                {
                  id: 'thresholds',
                  value: {
                    mode: 'absolute',
                    steps: [
                      { value: null, color: 'text' },
                      { value: badAt, color: 'red' },
                    ],
                  },
                },
                { id: 'custom.cellOptions', value: { type: 'color-text' } },
              ]),
        ],
      })),
    },
  };
}
