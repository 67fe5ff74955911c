import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from './redis.js';
import { until } from './until.js';

/** One series of an answer of Prometheus, with its last value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus of its own, as a child process. */
export interface PrometheusProcess {
  /** Scrapes these from now on, each half second. */
  scrape(targets: readonly string[]): void;
  /** Asks about one moment; without it, about now. */
  query(expr: string, atS?: number): Promise<Sample[]>;
  /** Asks about the last minute, as a graph does. */
  range(expr: string): Promise<Sample[]>;
  /** The values of a label among the series of a selector, as a variable does. */
  labelValues(selector: string, label: string): Promise<string[]>;
  stop(): Promise<void>;
}

const SCRAPE_INTERVAL = '500ms';

/** How far back a graph of a test looks. */
const GRAPH_S = 60;

/** Starts one that tells an Alertmanager of the rules' alerts, and scrapes nothing yet. */
export async function startPrometheus(options: {
  readonly rulesFile: string;
  readonly alertmanagerPort: number;
}): Promise<PrometheusProcess> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-prometheus-'));
  const config = join(folder, 'prometheus.yaml');
  // Prometheus watches it, so that it can start while its targets do.
  const targetsFile = join(folder, 'targets.json');
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: SCRAPE_INTERVAL, evaluation_interval: SCRAPE_INTERVAL },
      rule_files: [options.rulesFile],
      scrape_configs: [{ job_name: 'tollgate', file_sd_configs: [{ files: [targetsFile] }] }],
      alerting: {
        alertmanagers: [
          { static_configs: [{ targets: [`127.0.0.1:${options.alertmanagerPort}`] }] },
        ],
      },
    }),
  );
  const child = launch('prometheus', [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ]);
  const base = `http://127.0.0.1:${port}`;
  await ready(child, `${base}/-/ready`);
  async function api(path: string, params: Record<string, string>): Promise<unknown> {
    const response = await fetch(`${base}/api/v1/${path}?${new URLSearchParams(params)}`);
    const answer = (await response.json()) as { status: string; error?: string; data: unknown };
    if (answer.status !== 'success') throw new Error(`${params['query']}: ${answer.error}`);
    return answer.data;
  }
  return {
    scrape(targets) {
      writeFileSync(`${targetsFile}.new`, JSON.stringify([{ targets }]));
      renameSync(`${targetsFile}.new`, targetsFile);
    },
    async query(expr, atS) {
      const time = atS === undefined ? {} : { time: String(atS) };
      const data = await api('query', { query: expr, ...time });
      const { result } = data as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async range(expr) {
      const end = Date.now() / 1_000;
      const data = await api('query_range', {
        query: expr,
        start: String(end - GRAPH_S),
        end: String(end),
        step: '1',
      });
      const { result } = data as {
        result: { metric: Record<string, string>; values: [number, string][] }[];
      };
      return result.map(({ metric, values }) => ({
        labels: metric,
        value: Number(values.at(-1)?.[1]),
      }));
    },
    async labelValues(selector, label) {
      return (await api(`label/${label}/values`, { 'match[]': selector })) as string[];
    },
    stop: () => stopAndRemove(child, folder),
  };
}

/** An Alertmanager of its own, which passes each alert on to a webhook. */
export async function startAlertmanager(
  port: number,
  webhookUrl: string,
): Promise<{ stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-alertmanager-'));
  const config = join(folder, 'alertmanager.yaml');
  writeFileSync(
    config,
    stringify({
      route: {
        receiver: 'webhook',
        group_by: ['alertname', 'agent', 'team', 'rule'],
        group_wait: '0s',
        group_interval: '5m',
        repeat_interval: '4h',
      },
      receivers: [
        { name: 'webhook', webhook_configs: [{ url: webhookUrl, send_resolved: false }] },
      ],
    }),
  );
  const child = launch('prometheus-alertmanager', [
    `--config.file=${config}`,
    `--storage.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
    '--log.level=error',
  ]);
  await ready(child, `http://127.0.0.1:${port}/-/ready`);
  return { stop: () => stopAndRemove(child, folder) };
}

/** One alert as Alertmanager tells a webhook of it. */
export interface Told {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly atMs: number;
}

/** A webhook that keeps what it is told. */
export async function startWebhook(): Promise<{ url: string; told: Told[]; stop(): void }> {
  const told: Told[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const { alerts } = JSON.parse(body) as { alerts: Omit<Told, 'atMs'>[] };
      for (const { labels, annotations } of alerts) {
        told.push({ labels, annotations, atMs: Date.now() });
      }
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    told,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function launch(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  await until(`${child.spawnfile} to be ready`, async () => {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} has ended`);
    return fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  });
}

async function stopAndRemove(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
}
