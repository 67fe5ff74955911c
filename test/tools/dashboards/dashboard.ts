import {
  type AnnotationQuery,
  type Dashboard,
  type DashboardLink,
  defaultDashboard,
  type RowPanel,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/schema';
import { RUNBOOK_URL } from '../alerts/rules.js';
import { DATASOURCE, type Placed, type PrometheusQuery, query } from './panel.js';
import { WHO } from './promql.js';

/** Grafana divides a page into so many columns. */
const COLUMNS = 24;

/** What the three dashboards are found by, and link each other by. */
const TAG = 'tollgate';

export interface Section {
  readonly title: string;
  readonly panels: readonly Placed[];
}

/** A dashboard with the variables, links and annotations that all of them have. */
export function dashboard(about: {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly sections: readonly Section[];
}): Dashboard {
  return {
    uid: about.uid,
    title: about.title,
    description: about.description,
    tags: [TAG],
    schemaVersion: defaultDashboard.schemaVersion,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: about.from, to: 'now' },
    timezone: 'browser',
    templating: { list: VARIABLES },
    annotations: { list: ANNOTATIONS },
    links: LINKS,
    panels: layOut(about.sections),
  };
}

/** Puts panels beside each other until a line is full, each section under its title. */
function layOut(sections: readonly Section[]): (Placed | RowPanel)[] {
  const laid: (Placed | RowPanel)[] = [];
  let y = 0;
  for (const { title, panels } of sections) {
    laid.push({
      ...{ type: 'row' as const, id: laid.length + 1, title, collapsed: false, panels: [] },
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    });
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const { width, height, ...panel } of panels) {
      if (x + width > COLUMNS) {
        y += lineHeight;
        x = 0;
        lineHeight = 0;
      }
      laid.push({
        ...{ id: laid.length + 1, ...panel },
        gridPos: { x, y, w: width, h: height },
      } as Placed);
      x += width;
      lineHeight = Math.max(lineHeight, height);
    }
    y += lineHeight;
  }
  return laid;
}

/** Agents and teams that have spent something today, or are calling now. */
const KNOWN = '{__name__=~"tollgate_spend_today_usd|tollgate_calls_total"}';

function labelVariable(name: string, label: string, description: string): VariableModel {
  return {
    name,
    label,
    description,
    type: 'query',
    datasource: DATASOURCE,
    query: { query: `label_values(${KNOWN}, ${name})`, refId: name },
    refresh: VariableRefresh.onTimeRangeChanged,
    sort: VariableSort.naturalAsc,
    multi: true,
    includeAll: true,
    // Also those who have no team.
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  };
}

const VARIABLES: VariableModel[] = [
  {
    name: 'datasource',
    label: 'Prometheus',
    description: 'The Prometheus that scrapes Tollgate.',
    type: 'datasource',
    query: 'prometheus',
    refresh: VariableRefresh.onDashboardLoad,
  },
  labelVariable('team', 'Team', 'The teams whose agents are shown.'),
  labelVariable('agent', 'Agent', 'The agents that are shown.'),
  {
    name: 'top',
    label: 'Top',
    description: 'How many are shown where only the first are.',
    type: 'custom',
    query: '5,10,20,50',
    current: { text: '10', value: '10' },
    options: ['5', '10', '20', '50'].map((value) => ({
      text: value,
      value,
      selected: value === '10',
    })),
  },
];

function annotation(
  name: string,
  iconColor: string,
  expr: string,
  titleFormat: string,
): AnnotationQuery<PrometheusQuery> & Record<string, unknown> {
  return {
    name,
    iconColor,
    enable: true,
    datasource: DATASOURCE,
    expr,
    titleFormat,
    textFormat: titleFormat,
    target: query([expr, titleFormat], 0, false),
  };
}

const ANNOTATIONS = [
  annotation(
    'Halts',
    'red',
    `sum by (agent, rule) (increase(tollgate_halts_total{${WHO}}[$__rate_interval])) > 0`,
    'agent {{agent}} was halted by {{rule}}',
  ),
  annotation(
    'Denials',
    'orange',
    `sum by (agent, rule) (increase(tollgate_denials_total{${WHO},rule!="halt"}[$__rate_interval])) > 0`,
    'agent {{agent}} was denied by {{rule}}',
  ),
  annotation(
    'Policy changes',
    'blue',
    'count by (hash) (tollgate_policy_info) unless count by (hash) (tollgate_policy_info offset $__rate_interval)',
    'policy {{hash}} took effect',
  ),
];

const LINKS: DashboardLink[] = [
  {
    title: 'Tollgate',
    type: 'dashboards',
    tags: [TAG],
    tooltip: 'The other dashboards of Tollgate, for the same agents and time',
    icon: 'external link',
    asDropdown: false,
    includeVars: true,
    keepTime: true,
    targetBlank: false,
  },
  {
    title: 'Runbook',
    type: 'link',
    url: RUNBOOK_URL,
    tags: [],
    tooltip: 'What each alert means, how to check, and what to do',
    icon: 'doc',
    asDropdown: false,
    includeVars: false,
    keepTime: false,
    targetBlank: true,
  },
];
