import { type Kind, type Ratio, rateOf, ratioOf, type Side } from './kind.js';

/** What made spend change: how many calls, what a token costs, how many tokens a call has. */
export type CauseName = 'volume' | 'price' | 'tokens';

/** How much of a change in cost each factor has made, in nano-dollars a day: they add up to it. */
export type Effects = Record<CauseName, number>;

/** A tool is named if it made so much of the change. */
const MOST = 0.6;

/** What is nearer to once is told in percent. */
const WORTH_TIMES = 0.1;

/** A model's share of the calls, or the share of output, has moved if it is by so much. */
const MOVED = 0.05;

interface Weighed extends Kind {
  readonly effects: Effects;
}

/** The cause as a clause that a person who does not know the system can read. */
export function detailOf(
  cause: CauseName,
  ratio: Ratio,
  kinds: readonly Weighed[],
  before: Side,
  after: Side,
): string {
  if (before.sums.calls === 0) return 'it made no calls before';
  if (after.sums.calls === 0) return 'it made no calls any more';
  const mostly = mostOf(cause, kinds);
  switch (cause) {
    case 'volume':
      return volumeDetail(ratio.calls, kinds.length > 1 ? mostly : undefined);
    case 'tokens':
      return tokensDetail(
        ratio.tokensPerCall,
        kinds.length > 1 ? mostly : undefined,
        before,
        after,
      );
    case 'price':
      return priceDetail(mostly, before, after);
  }
}

/** "costs 2.0x what it did", "costs 3% more than it did". */
function costsText(ratio: number): string {
  if (Math.abs(ratio - 1) >= WORTH_TIMES) return `costs ${formatTimes(ratio)} what it did`;
  return `costs ${percent(Math.abs(ratio - 1))} ${ratio < 1 ? 'less' : 'more'} than it did`;
}

/** "4.0x", "12x", "0.25x". */
function formatTimes(ratio: number): string {
  if (ratio >= 9.95) return `${Math.round(ratio).toLocaleString('en-US')}x`;
  return `${ratio.toFixed(ratio < 0.95 ? 2 : 1)}x`;
}

/** The kind of call that made most of the change; undefined if none did. */
function mostOf(cause: CauseName, kinds: readonly Weighed[]): Weighed | undefined {
  const all = kinds.reduce((sum, { effects }) => sum + effects[cause], 0);
  return kinds.find(({ effects }) => effects[cause] / all >= MOST);
}

function volumeDetail(calls: number, mostly: Weighed | undefined): string {
  const tool = mostly?.tool;
  if (!mostly || tool === undefined || tool === '') return `${formatTimes(calls)} the calls`;
  if (mostly.before.calls === 0) return `calls of ${tool}, which it had not made before`;
  if (mostly.after.calls === 0) return `it made no calls of ${tool} any more`;
  const own = formatTimes(mostly.after.calls / mostly.before.calls);
  // Where the tool is a small part of all calls, the ratio of all would say nothing.
  return own === formatTimes(calls) || Math.abs(Math.log(Number.parseFloat(own) / calls)) < 0.2
    ? `${formatTimes(calls)} the calls, mostly of ${tool}`
    : `${own} the calls of ${tool}`;
}

function tokensDetail(
  ratio: number,
  mostly: Weighed | undefined,
  before: Side,
  after: Side,
): string {
  const tool = mostly?.tool;
  if (mostly && tool !== undefined && tool !== '') {
    const was = mostly.before.tokens / mostly.before.calls;
    const is = mostly.after.tokens / mostly.after.calls;
    return `${formatTimes(is / was)} the tokens per call of ${tool}: ${count(is)} instead of ${count(was)}`;
  }
  const perCall = ({ sums }: Side) => (sums.tokensIn + sums.tokensOut) / sums.calls;
  return `${formatTimes(ratio)} the tokens per call: ${count(perCall(after))} instead of ${count(perCall(before))}`;
}

function priceDetail(mostly: Weighed | undefined, before: Side, after: Side): string {
  const rises =
    after.sums.costNano / BigInt(Math.ceil(after.days)) >=
    before.sums.costNano / BigInt(Math.ceil(before.days));
  const flat = mostly !== undefined && mostly.before.tokens + mostly.after.tokens === 0;
  if (flat) {
    const ratio = ratioOf(mostly.before, mostly.after).pricePerToken;
    return `a call of ${mostly.tool || 'its tools'} ${costsText(ratio)}`;
  }
  return (
    switchDetail(rises, before, after) ??
    outputDetail(rises, before, after) ??
    rateDetail(before, after)
  );
}

/** The model to which calls moved, if it is what made the price of a token change. */
function switchDetail(rises: boolean, before: Side, after: Side): string | undefined {
  let most: { model: string; was: number; is: number } | undefined;
  for (const model of after.byModel.keys()) {
    if (model === '') continue;
    const [was, is] = [shareOf(model, before), shareOf(model, after)];
    if (is - was >= (most ? most.is - most.was : MOVED)) most = { model, was, is };
  }
  if (!most) return undefined;
  const price = pricePerToken([after.byModel.get(most.model)], after.days);
  const others = [...before.byModel].filter(([model]) => model !== most.model && model !== '');
  const ratio =
    price /
    pricePerToken(
      others.map(([, sums]) => sums),
      before.days,
    );
  if (!Number.isFinite(ratio) || ratio > 1 !== rises) return undefined;
  const then = most.was === 0 ? 'none did before' : `${percent(most.was)} did before`;
  return `${percent(most.is)} of its calls went to ${most.model}, which costs ${formatTimes(ratio)} as much per token; ${then}`;
}

/** Output tokens cost several times as much as input: more of them is a dearer mix. */
function outputDetail(rises: boolean, before: Side, after: Side): string | undefined {
  const share = ({ sums }: Side) => sums.tokensOut / Math.max(1, sums.tokensIn + sums.tokensOut);
  const [was, is] = [share(before), share(after)];
  if (rises ? is - was < MOVED : was - is < MOVED) return undefined;
  return `${percent(is)} of its tokens were output, which costs more than input; ${percent(was)} were before`;
}

/** Neither the models nor the mix: then the price itself, of the model that is used most. */
function rateDetail(before: Side, after: Side): string {
  const models = [...after.byModel.entries()].filter(([model]) => model !== '');
  const [top] = models.toSorted(([, a], [, b]) => Number(b.costNano - a.costNano));
  const [model, sums] = top ?? ['', after.sums];
  const was = pricePerToken([before.byModel.get(model) ?? before.sums], before.days);
  const ratio = pricePerToken([sums], after.days) / was;
  return `a token${model === '' ? '' : ` of ${model}`} ${costsText(ratio)}`;
}

function shareOf(model: string, { byModel }: Side): number {
  const calls = (name: string) => (name === '' ? 0 : (byModel.get(name)?.calls ?? 0));
  const all = [...byModel.keys()].reduce((sum, name) => sum + calls(name), 0);
  return all === 0 ? 0 : calls(model) / all;
}

function pricePerToken(sums: Parameters<typeof rateOf>[0][], days: number): number {
  const rates = sums.map((one) => rateOf(one, days));
  const cost = rates.reduce((sum, rate) => sum + rate.cost, 0);
  return cost / rates.reduce((sum, rate) => sum + rate.tokens, 0);
}

function percent(share: number): string {
  const whole = Math.round(share * 100);
  if (whole === 100 && share < 1) return 'over 99%';
  return whole === 0 && share > 0 ? 'under 1%' : `${whole}%`;
}

function count(tokens: number): string {
  return Math.round(tokens).toLocaleString('en-US');
}
