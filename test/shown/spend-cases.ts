import type { Case } from './case.js';

/** Alerts about what agents spend, and how that is known. */
export const SPEND_CASES: readonly Case[] = [
  {
    alert: 'TollgateSpendUnusual',
    what: 'an agent whose day is unusual, by two keepers',
    series: {
      'tollgate_spend_unusual_ratio{agent="a",team="t",pod="k1"}': '4.25x5',
      'tollgate_spend_unusual_ratio{agent="a",team="t",pod="k2"}': '4.25x5',
    },
    at: '5s',
    fires: [
      [
        { agent: 'a', team: 't' },
        'Agent a of team t has spent 4.2 times what is normal by this time of day',
      ],
    ],
  },
  {
    alert: 'TollgateSpendUnusual',
    what: 'no agent has such a ratio on a normal day',
    series: {
      'tollgate_spend_today_usd{agent="a",team="t",cost_centre="",tool="x",model="m"}': '9x5',
      'tollgate_spend_expected_usd{agent="a",team="t"}': '5x5',
    },
    at: '5s',
    fires: [],
  },
  {
    alert: 'TollgateHoldsRunOut',
    what: 'more than a twentieth of the day is unsettled',
    series: {
      'tollgate_unsettled_today_usd{agent="a",team="t",pod="k1"}': '3x40',
      'tollgate_unsettled_today_usd{agent="a",team="t",pod="k2"}': '3x40',
      'tollgate_spend_today_usd{agent="a",team="t",cost_centre="",tool="x",model="m",pod="k1"}':
        '8x40',
      'tollgate_spend_today_usd{agent="a",team="t",cost_centre="",tool="x",model="m",pod="k2"}':
        '8x40',
      'tollgate_spend_today_usd{agent="a",team="t",cost_centre="",tool="y",model="m",pod="k1"}':
        '2x40',
    },
    at: '2m',
    fires: [
      [
        { agent: 'a', team: 't' },
        "Agent a of team t does not settle its calls: 30% of today's spend is estimates whose holds ran out",
      ],
    ],
  },
  {
    alert: 'TollgateHoldsRunOut',
    what: 'a call now and then is silent, and so is a day without spend',
    series: {
      'tollgate_unsettled_today_usd{agent="a",team="t"}': '0.1x40',
      'tollgate_spend_today_usd{agent="a",team="t",cost_centre="",tool="x",model="m"}': '8x40',
      'tollgate_unsettled_today_usd{agent="b",team="t"}': '0x40',
      'tollgate_spend_today_usd{agent="b",team="t",cost_centre="",tool="x",model="m"}': '0x40',
    },
    at: '2m',
    fires: [],
  },
  {
    alert: 'TollgateModelUnpriced',
    what: 'calls of a model without a price are denied',
    series: { 'tollgate_denials_total{agent="a",team="t",rule="unpriced"}': '0 4x5' },
    at: '5s',
    fires: [
      [
        { agent: 'a', team: 't', rule: 'unpriced' },
        'Agent a of team t asks for a model without a price: about 4 denied calls in 5 minutes',
      ],
    ],
  },
  {
    alert: 'TollgateModelUnpriced',
    what: 'other denials are silent',
    series: { 'tollgate_denials_total{agent="a",team="t",rule="budget"}': '0 4x5' },
    at: '5s',
    fires: [],
  },
  {
    alert: 'TollgatePriceAssumed',
    what: 'a model is charged at the assumed price',
    series: {
      'tollgate_assumed_price_calls_total{agent="a",team="t",model="new-1"}': '0 2x5',
    },
    at: '5s',
    fires: [
      [
        { agent: 'a', team: 't', model: 'new-1' },
        'Agent a of team t uses new-1, which has no price: about 2 calls in 5 minutes at the assumed one',
      ],
    ],
  },
  {
    alert: 'TollgatePriceAssumed',
    what: 'a pinned agent whose models have prices stays at 0',
    series: { 'tollgate_assumed_price_calls_total{agent="a",team="t",model="gpt-4o"}': '0x5' },
    at: '5s',
    fires: [],
  },
  {
    alert: 'TollgateOverage',
    what: 'a fifth of the spend was over its estimates',
    series: {
      'tollgate_overage_usd_total{agent="a",team="t",pod="1"}': '0 2x40',
      'tollgate_spend_usd_total{agent="a",team="t",tool="x",model="m",pod="1"}': '0 6x40',
      'tollgate_spend_usd_total{agent="a",team="t",tool="y",model="m",pod="2"}': '0 4x40',
    },
    at: '2m',
    fires: [
      [
        { agent: 'a', team: 't' },
        "Agent a of team t spends more than it asks for: 20% of the last hour's spend was over its estimates",
      ],
    ],
  },
  {
    alert: 'TollgateOverage',
    what: 'small overages are silent, and so is an agent that spends nothing',
    series: {
      'tollgate_overage_usd_total{agent="a",team="t"}': '0 0.05x40',
      'tollgate_spend_usd_total{agent="a",team="t",tool="x",model="m"}': '0 6x40',
      'tollgate_overage_usd_total{agent="b",team="t"}': '0x40',
      'tollgate_spend_usd_total{agent="b",team="t",tool="x",model="m"}': '0x40',
    },
    at: '2m',
    fires: [],
  },
];
