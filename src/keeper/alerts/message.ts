import type { Alert } from '../../model/alert.js';
import { usdFromNano } from '../../model/money.js';
import type { AlertRoute } from '../../policy/policy.js';
import { type Words, wordsFor, wordsForOver } from './sentences.js';

/** What one webhook is sent. */
export interface Message {
  /** The same where the message comes twice. */
  readonly id: string;
  readonly state: 'firing' | 'over';
  readonly alert: Alert;
  readonly domain: string;
  /** '' if it is unknown. */
  readonly topTool: string;
  readonly timezone: string;
}

/** The body of the request, JSON. */
export function formatMessage(message: Message, format: AlertRoute['format']): string {
  const { state, alert, topTool, timezone } = message;
  const words =
    state === 'firing' ? wordsFor(alert, topTool, timezone) : wordsForOver(alert, timezone);
  return JSON.stringify(format === 'slack' ? slackOf(words, state) : fieldsOf(message, words));
}

/** Slack refuses a block with more characters. */
const MAX_BLOCK = 3_000;

/** What an incoming webhook of Slack takes: a line for notifications, and blocks of plain text: names are no markup. */
function slackOf({ headline, details, command }: Words, state: Message['state']): object {
  const mark = state === 'firing' ? '⛔' : '✅';
  const texts = [`${mark} ${headline}`, details.join('\n'), command].filter((text) => text !== '');
  return {
    text: `${mark} ${escapeSlack(headline)}`,
    unfurl_links: false,
    blocks: texts.map((text) => ({
      type: 'section',
      text: { type: 'plain_text', emoji: false, text: text.slice(0, MAX_BLOCK) },
    })),
  };
}

/** The three characters that Slack reads as markup. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Everything, a field each: money in USD, times as RFC 3339. */
function fieldsOf({ id, state, alert, domain, topTool }: Message, words: Words): object {
  const { event, agent, team, rule, partition, counted, tool, run, by, why } = alert;
  const money = counted?.metric === 'estimated_cost_usd';
  const inUnit = (amount: number | undefined) =>
    amount !== undefined && money ? usdFromNano(amount) : amount;
  return {
    ...{ id, state, event, text: words.headline, details: words.details, explain: words.command },
    ...{ domain, agent, team, rule, partition, metric: counted?.metric },
    ...{ used: inUnit(counted?.used), limit: inUnit(counted?.limit), tool, top_tool: topTool },
    ...{ run, by, why, at: timeOf(alert.atMs), may_go_on_at: timeOf(alert.untilMs) },
  };
}

function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
