/** Shows what /state.json says, each second while somebody looks. All text goes in as text, never as markup. */
const PERIOD_MS = 1_000;

/** A state that is older is said to be: the keeper has lost its Redis, or cannot keep up. */
const STALE_S = 30;

/** Denials that are shown before somebody asks for all: what is on a screen beside the rest. */
const FIRST_DENIALS = 10;

/** A word that is longer may be broken anywhere: else one name would push all else off the screen. */
const LONG_WORD = /[^\s-]{20}/;

const byId = (id) => document.getElementById(id);
const filter = byId('filter');
let shown;
let state;
let allDenials = false;

/** A cell: text, or { text, className, bar }, of which bar is a share from 0 to 1. */
function cell(content, header) {
  const {
    text = '',
    className = '',
    bar,
  } = typeof content === 'object' ? content : { text: content };
  const td = document.createElement(header ? 'th' : 'td');
  if (header) td.scope = 'row';
  if (bar === undefined) {
    td.textContent = text;
    td.className = LONG_WORD.test(text) ? `${className} long` : className;
    return td;
  }
  td.className = 'track';
  td.ariaHidden = 'true';
  const fill = document.createElement('div');
  fill.className = `fill ${className}`;
  fill.style.width = `${Math.min(1, Math.max(0, bar)) * 100}%`;
  td.append(fill);
  return td;
}

function fill(id, rows, none) {
  const table = byId(id);
  const body = document.createElement('tbody');
  const heads = [...table.tHead.rows[0].cells];
  for (const cells of rows) {
    const row = document.createElement('tr');
    row.append(...cells.map((content, at) => cell(content, at === 0)));
    for (const [at, head] of heads.entries()) {
      row.cells[at].classList.toggle('second', head.classList.contains('second'));
    }
    body.append(row);
  }
  if (rows.length === 0) {
    const row = document.createElement('tr');
    const only = cell({ text: none, className: 'quiet' });
    only.colSpan = table.tHead.rows[0].cells.length;
    row.append(only);
    body.append(row);
  }
  table.tBodies[0].replaceWith(body);
}

const number = (text, className = '') => ({ text, className: `number ${className}` });
const levelOf = (share) => (share >= 1 ? 'bad' : share >= 0.8 ? 'warn' : '');

function show() {
  const wanted = filter.value.trim().toLowerCase();
  const has = (...texts) =>
    wanted === '' || texts.some((text) => text.toLowerCase().includes(wanted));
  byId('totals').replaceChildren(
    ...state.totals.map(({ name, value, note, level }) => {
      const group = document.createElement('div');
      const term = document.createElement('dt');
      const detail = document.createElement('dd');
      term.textContent = name;
      detail.textContent = value;
      detail.className = level;
      if (note !== '') {
        const small = document.createElement('small');
        small.textContent = note;
        detail.append(small);
      }
      group.append(term, detail);
      return group;
    }),
  );
  byId('halts-section').hidden = state.halts.length === 0;
  fill(
    'halts',
    state.halts
      .filter(({ agent, by }) => has(agent, by))
      .map(({ agent, by, why, since, until }) => [
        { text: agent, className: 'bad' },
        by,
        why,
        { text: since, className: 'time' },
        { text: until, className: 'time' },
      ]),
    'None that is shown.',
  );
  const denials = state.denials.filter(({ agent, team, rule }) => has(agent, team, rule));
  const rest = denials.length - FIRST_DENIALS;
  const more = byId('more');
  more.hidden = rest <= 0;
  more.ariaExpanded = String(allDenials);
  more.textContent = allDenials ? `Show only the last ${FIRST_DENIALS}` : `Show ${rest} more`;
  fill(
    'denials',
    denials
      .slice(0, allDenials ? denials.length : FIRST_DENIALS)
      .map(({ at, agent, team, rule, used, calls, until }) => [
        { text: at, className: 'time' },
        agent,
        team,
        rule,
        used,
        number(calls),
        { text: until, className: 'time' },
      ]),
    wanted === '' ? 'None in the last quarter of an hour.' : 'None that is shown.',
  );
  const most = Math.max(...state.agents.map(({ todayUsd }) => todayUsd), 0);
  fill(
    'agents',
    state.agents
      .filter(({ agent, team, limit }) => has(agent, team, limit))
      .map(({ agent, team, today, todayUsd, usual, unusual, month, denied, limit, share }) => [
        agent,
        team,
        number(today, unusual ? 'bad' : ''),
        { bar: most > 0 ? todayUsd / most : 0, className: unusual ? 'bad' : '' },
        number(usual, 'quiet'),
        number(month),
        number(denied),
        { text: limit, className: levelOf(share) },
      ]),
    wanted === '' ? 'Nothing was spent today.' : 'None that is shown.',
  );
  fill(
    'limits',
    state.limits
      .filter(({ rule, of }) => has(rule, of))
      .map(({ rule, of, used, share, percent, fullIn }) => [
        rule,
        of,
        number(used),
        { bar: share, className: levelOf(share) },
        number(percent, levelOf(share)),
        { text: fullIn, className: 'time' },
      ]),
    wanted === '' ? 'No window of a rule has been used yet.' : 'None that is shown.',
  );
}

/** Said to those who do not see it: only what is new. */
function tellNews(before) {
  const [latest] = state.denials;
  if (!before || !latest || latest.id === before.denials[0]?.id) return;
  byId('news').textContent = `${latest.agent} was denied by ${latest.rule}`;
}

function setStatus(text, bad) {
  const status = byId('status');
  // Not each second, or a screen reader would never be silent.
  if (status.textContent !== text) status.textContent = text;
  status.className = bad ? 'bad' : '';
}

async function refresh() {
  if (document.hidden) return;
  let text;
  try {
    const response = await fetch('state.json', {
      cache: 'no-store',
      signal: AbortSignal.timeout(5_000),
    });
    if (!response.ok) throw new Error(`the keeper answers with status ${response.status}`);
    text = await response.text();
  } catch {
    setStatus(
      state
        ? 'The keeper does not answer: this is what it said last.'
        : 'The keeper does not answer.',
      true,
    );
    return;
  }
  const before = state;
  const next = JSON.parse(text);
  if (next.ageS > STALE_S)
    setStatus(
      `Nothing new for ${Math.round(next.ageS)} s: the keeper cannot read its Redis.`,
      true,
    );
  else setStatus(next.status, false);
  // The age changes each time, and is all that may have.
  const content = JSON.stringify({ ...next, ageS: 0 });
  if (content === shown) return;
  shown = content;
  state = next;
  show();
  tellNews(before);
}

async function run() {
  await refresh();
  setTimeout(run, PERIOD_MS);
}

byId('more').addEventListener('click', () => {
  allDenials = !allDenials;
  show();
});
filter.addEventListener('input', () => state && show());
document.addEventListener('visibilitychange', refresh);
run();
