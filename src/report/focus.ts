import { calendarEdges } from '../policy/calendar.js';
import type { SpendRow } from '../store/spend.js';
import { csvRow } from './csv.js';
import { exactUsd } from './figures.js';

/**
 * Spend in the columns of FOCUS 1.1, the FinOps Open Cost and Usage Specification, so that it stands beside
 * the bills of clouds. All of its mandatory columns are here, and those optional ones that a call can fill.
 */
export const FOCUS_COLUMNS = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodStart',
  'BillingPeriodEnd',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'PricingCategory',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'ServiceCategory',
  'ServiceName',
  'ServiceSubcategory',
  'SkuId',
  'SubAccountId',
  'SubAccountName',
  'Tags',
] as const;

type FocusColumn = (typeof FOCUS_COLUMNS)[number];

/** FOCUS lets a provider not be null; nobody has named this one. */
const NOBODY = 'Unknown';

export function focusHead(): string {
  return csvRow(FOCUS_COLUMNS);
}

/**
 * One day of one combination of attributes as one charge; '' where nothing was charged or used. An agent is
 * the resource, its cost centre (else its team) the sub-account, and the domain the billing account. There is
 * one cost: what was recorded; nobody here knows what a list or an invoice says.
 * @param period the start of the day, and that of the next
 */
export function focusLine(
  domain: string,
  timezone: string,
  period: { readonly startMs: number; readonly endMs: number },
  row: SpendRow,
): string {
  const { attributes, sums } = row;
  const { agent, team, costCentre, tool, model, provider, operation, rootAgent, labels } =
    attributes;
  if (sums.calls === 0 && sums.costNano === 0n) return '';
  const [, monthUs, nextMonthUs] = calendarEdges('month', timezone, period.startMs * 1000);
  const cost = exactUsd(sums.costNano);
  const tokens = sums.tokensIn + sums.tokensOut;
  const [quantity, unit] = tokens === 0 ? [sums.calls, 'Requests'] : [tokens, 'Tokens'];
  const by = provider || NOBODY;
  const what = model || tool || operation || NOBODY;
  const tags = { operation, rootAgent, team, costCentre, tool, ...labels };
  const cells: Record<FocusColumn, string | number> = {
    BilledCost: cost,
    BillingAccountId: domain,
    BillingAccountName: domain,
    BillingCurrency: 'USD',
    BillingPeriodStart: instant(monthUs / 1000),
    BillingPeriodEnd: instant(nextMonthUs / 1000),
    ChargeCategory: 'Usage',
    ChargeClass: '',
    ChargeDescription: `${sums.calls} calls of ${what} by ${agent}`,
    ChargeFrequency: 'Usage-Based',
    ChargePeriodStart: instant(period.startMs),
    ChargePeriodEnd: instant(period.endMs),
    ConsumedQuantity: quantity,
    ConsumedUnit: unit,
    ContractedCost: cost,
    EffectiveCost: cost,
    InvoiceIssuerName: by,
    ListCost: cost,
    PricingCategory: 'Standard',
    PricingQuantity: quantity,
    PricingUnit: unit,
    ProviderName: by,
    PublisherName: by,
    ResourceId: agent,
    ResourceName: agent,
    ResourceType: 'AI agent',
    ServiceCategory: 'AI and Machine Learning',
    ServiceName: what,
    ServiceSubcategory: model === '' ? 'Other (AI and Machine Learning)' : 'Generative AI',
    SkuId: what,
    SubAccountId: costCentre || team,
    SubAccountName: team || costCentre,
    Tags: JSON.stringify(Object.fromEntries(Object.entries(tags).filter(([, value]) => value))),
  };
  return csvRow(FOCUS_COLUMNS.map((column) => cells[column]));
}

function instant(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
