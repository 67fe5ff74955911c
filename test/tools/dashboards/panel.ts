import {
  BarGaugeDisplayMode,
  BarGaugeNamePlacement,
  BarGaugeSizing,
  BarGaugeValueMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  type DataQuery,
  type DataSourceRef,
  GraphDrawStyle,
  type GraphFieldConfig,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  type Panel,
  PercentChangeColorMode,
  SortOrder,
  StackingMode,
  ThresholdsMode,
  TooltipDisplayMode,
  VizOrientation,
} from '@grafana/schema';
import type { Options as BarGaugeOptions } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import {
  pluginVersion,
  type Options as StatOptions,
} from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** The Prometheus that the variable names. */
export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '$datasource' };

/** A query as Grafana's Prometheus data source takes it; its package has no types for raw JSON. */
export interface PrometheusQuery extends DataQuery {
  readonly expr: string;
  readonly legendFormat: string;
  readonly instant: boolean;
  readonly range: boolean;
  readonly format: 'time_series' | 'table';
}

/** Units of Grafana that the panels use. Money that is read is written out: $12345.67, not $12.3K. */
export type Unit =
  | 'prefix:$'
  | 'currencyUSD'
  | 'short'
  | 'none'
  | 's'
  | 'percentunit'
  | 'cps'
  | 'bytes'
  | 'dateTimeFromNow';

/** What every panel has. */
export interface About {
  readonly title: string;
  /** For whoever looks at it for the first time: what it says, and when it is bad. */
  readonly description: string;
  readonly unit: Unit;
  /** Of the 24 columns. */
  readonly width: number;
  readonly height?: number;
  /** From which value on it is yellow, and red. */
  readonly warnAt?: number;
  readonly badAt?: number;
}

/** An expression and what its series are called. */
export type Line = readonly [expr: string, legend: string];

export type Placed = Panel & { readonly width: number; readonly height: number };

function panel(about: About, type: string, height: number, decimals?: number) {
  const steps = [
    { value: null, color: 'green' },
    ...(about.warnAt === undefined ? [] : [{ value: about.warnAt, color: 'yellow' }]),
    ...(about.badAt === undefined ? [] : [{ value: about.badAt, color: 'red' }]),
  ];
  return {
    type,
    pluginVersion,
    title: about.title,
    description: about.description,
    datasource: DATASOURCE,
    width: about.width,
    height: about.height ?? height,
    fieldConfig: {
      defaults: {
        unit: about.unit,
        min: 0,
        ...(decimals === undefined ? {} : { decimals }),
        thresholds: { mode: ThresholdsMode.Absolute, steps },
      },
      overrides: [],
    },
  };
}

export function query(
  [expr, legendFormat]: Line,
  index: number,
  instant: boolean,
  format: PrometheusQuery['format'] = 'time_series',
): PrometheusQuery & Record<string, unknown> {
  const refId = String.fromCharCode('A'.charCodeAt(0) + index);
  return { refId, datasource: DATASOURCE, expr, legendFormat, instant, range: !instant, format };
}

const LAST = { calcs: ['lastNotNull'], fields: '', values: false };

/** Money has cents. */
function decimalsOf(unit: Unit): number | undefined {
  return unit === 'prefix:$' ? 2 : undefined;
}

/** One number. */
export function stat(about: About, expr: string): Placed {
  const options: StatOptions = {
    colorMode: BigValueColorMode.Value,
    graphMode: BigValueGraphMode.None,
    justifyMode: BigValueJustifyMode.Auto,
    textMode: BigValueTextMode.Value,
    orientation: VizOrientation.Auto,
    percentChangeColorMode: PercentChangeColorMode.Standard,
    showPercentChange: false,
    wideLayout: true,
    reduceOptions: LAST,
  };
  return {
    ...panel(about, 'stat', 4, decimalsOf(about.unit)),
    options: { ...options },
    targets: [query([expr, ''], 0, true)],
  };
}

/** How something went over time. */
export function series(about: About, lines: readonly Line[], stacked = false): Placed {
  const options: TimeSeriesOptions = {
    legend: {
      calcs: ['lastNotNull', 'max'],
      displayMode: LegendDisplayMode.Table,
      placement: 'bottom',
      showLegend: true,
    },
    tooltip: { mode: TooltipDisplayMode.Multi, sort: SortOrder.Descending },
  };
  const custom: GraphFieldConfig & Record<string, unknown> = {
    drawStyle: GraphDrawStyle.Line,
    lineWidth: 1,
    fillOpacity: stacked ? 40 : 10,
    thresholdsStyle: {
      mode:
        about.warnAt === undefined && about.badAt === undefined
          ? GraphThresholdsStyleMode.Off
          : GraphThresholdsStyleMode.Line,
    },
    stacking: { mode: stacked ? StackingMode.Normal : StackingMode.None, group: 'A' },
  };
  const base = panel(about, 'timeseries', 8);
  return {
    ...base,
    fieldConfig: { ...base.fieldConfig, defaults: { ...base.fieldConfig.defaults, custom } },
    options: { ...options },
    targets: lines.map((line, index) => query(line, index, false)),
  };
}

/** The top N of something now, as bars. */
export function bars(about: About, line: Line): Placed {
  const options: BarGaugeOptions = {
    displayMode: BarGaugeDisplayMode.Gradient,
    valueMode: BarGaugeValueMode.Color,
    namePlacement: BarGaugeNamePlacement.Auto,
    sizing: BarGaugeSizing.Auto,
    orientation: VizOrientation.Horizontal,
    showUnfilled: true,
    minVizHeight: 16,
    maxVizHeight: 30,
    minVizWidth: 8,
    legend: {
      calcs: [],
      displayMode: LegendDisplayMode.List,
      placement: 'bottom',
      showLegend: false,
    },
    reduceOptions: LAST,
  };
  return {
    ...panel(about, 'bargauge', 8, decimalsOf(about.unit)),
    options: { ...options },
    targets: [query(line, 0, true)],
  };
}
