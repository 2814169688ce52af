// The self-service machine's screen. It shows one view at a time and asks the
// bridge it came from; what it knows of a holder it forgets when the visit
// ends: by 退出, when the card leaves, or after 60 s without a touch.

import { elsewhere, outcomes, problems, resolved, say, states, titles, working } from './words.js';
import { zone } from './zone.js';

const PATIENCE = 60; // seconds without a touch
const $ = (id) => document.getElementById(id);

let view = 'start';
let purpose = 'claim'; // or 'transfers'
let bridge = null; // the bridge's view; null = none there
let met = false; // a bridge has answered at least once
let digits = '';
let account = null;
let receipt = null;
let month = ''; // YYYY-MM
let asked = false; // an answer is awaited
let touched = Date.now();
let told = 0; // when the bridge last heard of a touch

// ---- words and figures

/** both puts a sentence into an element, Chinese with English under it. */
function both(el, [zh, en], values = {}) {
  const fillIn = (s) => s.replace(/\{(\w)\}/g, (_, k) => values[k] ?? '');
  const small = document.createElement('small');
  small.lang = 'en';
  small.textContent = fillIn(en);
  el.replaceChildren(fillIn(zh), small);
}

const yuan = (fen) => '¥' + (fen / 100).toFixed(2);
const two = (n) => String(n).padStart(2, '0');
const names = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** moment reads the wall clock off an RFC 3339 time, in the server's zone whatever this machine's is. */
function moment(rfc3339) {
  const [, , m, d, time] = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(rfc3339) || [];
  return time ? [`${+m}月${+d}日 ${time}`, `${+d} ${names[m - 1]}, ${time}`] : ['', ''];
}

const wall = new Intl.DateTimeFormat('en', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' });

/** campus reads the wall clock of the campus, whatever zone this machine was set up in. */
const campus = () => Object.fromEntries(wall.formatToParts(new Date()).map(({ type, value }) => [type, +value]));

// ---- the bridge

async function ask(what, body = {}) {
  let answer;
  try {
    answer = await fetch('bridge/' + what, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw { code: 'unreachable' };
  }
  if (answer.status === 204) return null;
  const out = await answer.json().catch(() => ({}));
  if (!answer.ok) throw out;
  return out;
}

function listen() {
  const events = new EventSource('bridge/events');
  events.onmessage = (e) => { met = true; take(JSON.parse(e.data)); };
  events.onerror = () => {
    take(null);
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
}

/** take follows what lies on the reader. */
function take(next) {
  const before = bridge;
  bridge = next;
  const left = before && (!next || next.visit !== before.visit);
  if (view === 'writing') {
    if (next && working[next.step]) both($('writing-text'), working[next.step]);
  } else if (view === 'receipt') {
    if (left && receipt.outcome === 'written') touched = Math.min(touched, Date.now() - (PATIENCE - 10) * 1000);
    if (receipt.outcome === 'unknown' && next && next.resolved) settled(next);
  } else if (left && (view === 'form' || view === 'transfers')) {
    forget();
    show('card');
  }
  if (view === 'card' && next && next.card && next.reader) show('form');
  draw();
}

/** forget wipes what was typed and what was shown of a holder, here and in the bridge. */
function forget() {
  digits = '';
  account = receipt = null;
  month = '';
  for (const id of ['rows', 'records', 'notice', 'records-notice', 'pending', 'holder', 'number', 'receipt-amount', 'balance', 'rest']) $(id).replaceChildren();
  if (bridge) ask('end').catch(() => {}); // the bridge forgets by itself when it does not hear
}

// ---- views

function show(next) {
  view = next;
  document.body.dataset.view = view;
  touched = Date.now();
  draw();
}

/** start ends whatever was going on. */
function start() {
  if (view === 'writing') return;
  forget();
  show('start');
}

function begin(what) {
  purpose = what;
  show(bridge && bridge.card && bridge.reader ? 'form' : 'card');
}

const step = { card: 0, form: 1, transfers: 2, writing: 2, receipt: 3 };

function draw() {
  $('progress').hidden = !(view in step);
  const at = (account && view === 'form') || (view === 'receipt' && receipt.outcome !== 'written') ? 2 : step[view];
  for (const [i, li] of [...$('progress').children].entries()) li.className = i < at ? 'past' : i === at ? 'now' : '';
  both($('third'), purpose === 'claim' ? ['领取', 'Collect'] : ['查询', 'Records']);
  $('exit').hidden = view === 'start' || view === 'writing';
  if (view === 'elsewhere' || view === 'functions') both($('exit'), ['返回', 'Back']); else both($('exit'), ['退出', 'Exit']);
  $('ok').hidden = !(view === 'form' || (view === 'receipt' && receipt.outcome === 'unwritten'));
  $('hint').replaceChildren();
  if (view === 'card') drawCard();
  if (view === 'form') drawForm();
  if (view === 'start') {
    if (!bridge && !met) both($('hint'), say.demo);
    else both($('hint'), bridge && bridge.card ? say.cardLeft : say.elsewhereToo);
  }
  tick();
}

function drawCard() {
  const [title, text] = !bridge ? (met ? [say.paused, say.pausedText] : [say.noBridge, say.noBridgeText])
    : bridge.reader ? [say.putCard, say.putCardText] : [say.readerDown, say.readerDownText];
  $('pad').hidden = !bridge || !bridge.reader;
  both($('card-title'), title);
  both($('card-text'), text);
}

function drawForm() {
  $('form').classList.toggle('known', !!account);
  $('form').classList.toggle('records', purpose === 'transfers');
  for (const [i, dot] of [...$('dots').children].entries()) dot.classList.toggle('on', i < digits.length);
  $('dots').setAttribute('aria-label', `${digits.length} / 6`);
  for (const [id, text] of [['number', account && account.student_no], ['holder', account && account.holder], ['pending', account && yuan(account.pending_fen)]]) {
    if (text) $(id).textContent = text; else both($(id), id === 'pending' ? ['—', ''] : say.afterPassword);
    $(id).classList.toggle('empty', !text);
  }
  const payable = account && account.status === 'normal' && account.pending_fen > 0;
  $('ok').disabled = asked || (account ? !payable : digits.length !== 6);
  both($('ok'), account ? ['确定领取', 'Collect'] : ['确定', 'OK']);
}

/** row makes a line of a table; a cell of two strings is bilingual. */
function row(cells) {
  const tr = document.createElement('tr');
  for (const cell of cells) {
    const td = document.createElement('td');
    if (Array.isArray(cell)) both(td, cell); else td.textContent = cell;
    tr.append(td);
  }
  return tr;
}

/** titled is a transfer's title as a cell. */
function titled(title) {
  const own = Object.keys(titles).find((words) => title.startsWith(words));
  return own ? [title, titles[own]] : title;
}

function notice(el, text, calm = false, values = {}) {
  el.classList.toggle('calm', calm);
  if (text) both(el, text, values); else el.replaceChildren();
}

/** explain says what went wrong, in the view that is up. */
function explain(problem) {
  const [t, e] = moment(problem.locked_until || '');
  const values = { n: problem.tries_left, t, e };
  const calm = ['nothing_pending', 'claim_in_progress', 'chip_out_of_step', 'unreachable', 'busy'].includes(problem.code);
  notice($(view === 'transfers' ? 'records-notice' : 'notice'), problems[problem.code] || problems.other, calm, values);
}

// ---- acts

/** during runs one question; a holder who has gone meanwhile hears nothing of its answer. */
async function during(question, answered, refused) {
  if (asked) return;
  const visit = bridge && bridge.visit;
  asked = true;
  draw();
  try {
    const answer = await question();
    asked = false;
    if (view !== 'start' && (view === 'writing' || (bridge && bridge.visit === visit))) answered(answer);
  } catch (problem) {
    asked = false;
    if (view !== 'start') refused(problem);
  }
  draw();
}

function identify() {
  const pin = digits;
  digits = '';
  notice($('notice'), say.looking, true);
  during(() => ask('identify', { pin }), (found) => {
    notice($('notice'), null);
    if (purpose === 'transfers') { records(); return; }
    account = found;
    $('rows').replaceChildren(...found.transfers.map((t) => row([titled(t.title), yuan(t.amount_fen), moment(t.created_at)])));
    if (found.status === 'lost' || found.status === 'frozen') explain({ code: 'card_' + found.status });
    else if (found.notice) explain({ code: found.notice });
    else if (found.pending_fen === 0) notice($('notice'), say.none, true);
    else notice($('notice'), say.collectAll, true);
  }, explain);
}

function claim() {
  const waiting = account.pending_fen;
  both($('writing-text'), working.asking);
  show('writing');
  during(() => ask('claim'), (got) => finished(got, waiting), (problem) => {
    show('form');
    if (problem.code === 'no_card') { forget(); show('card'); } else explain(problem);
  });
}

function finished(got, waiting) {
  receipt = got;
  const [title, text] = outcomes[got.outcome];
  both($('receipt-title'), title);
  both($('receipt-text'), text);
  $('receipt').classList.toggle('written', got.outcome === 'written');
  $('receipt-amount').textContent = got.outcome === 'unwritten' ? '' : yuan(got.amount_fen);
  $('now').hidden = !got.chip;
  if (got.chip) $('balance').textContent = yuan(got.chip.balance_fen);
  const rest = got.outcome === 'written' ? waiting - got.amount_fen : 0;
  $('left').hidden = rest <= 0;
  if (rest > 0) { $('rest').textContent = yuan(rest); both($('receipt-text'), say.full); }
  account = null;
  both($('ok'), ['再领一次', 'Try again']);
  $('ok').disabled = false;
  show('receipt');
}

/** settled tells how a write of unknown outcome turned out, once the card is back. */
function settled(next) {
  const [title, text] = resolved[next.resolved];
  finished({ outcome: next.resolved, amount_fen: receipt.amount_fen, chip: { balance_fen: next.balance_fen } }, 0);
  both($('receipt-title'), title);
  both($('receipt-text'), text);
}

function records(by = 0) {
  const now = campus();
  const [y, m] = month ? month.split('-').map(Number) : [now.year, now.month];
  const first = new Date(y, m - 1 + by, 1);
  month = `${first.getFullYear()}-${two(first.getMonth() + 1)}`;
  both($('month'), [`${first.getFullYear()}年${first.getMonth() + 1}月`, `${names[first.getMonth()]} ${first.getFullYear()}`]);
  $('later').disabled = first.getFullYear() === now.year && first.getMonth() + 1 === now.month;
  $('records').replaceChildren();
  if (view !== 'transfers') show('transfers');
  notice($('records-notice'), say.looking, true);
  during(() => ask('transfers', { month }), ({ transfers }) => {
    $('records').replaceChildren(...transfers.map((t) => row([titled(t.title), yuan(t.amount_fen), moment(t.created_at), states[t.state] || [t.state, '']])));
    notice($('records-notice'), transfers.length ? null : say.noRecords, true);
  }, explain);
}

function press(key) {
  if (view !== 'form' || account || asked) return;
  notice($('notice'), null);
  if (key === 'clear') digits = '';
  else if (key === 'back') digits = digits.slice(0, -1);
  else if (digits.length < 6) digits += key;
  draw();
}

function ok() {
  if (view === 'receipt') { forget(); begin(purpose); }
  else if (view === 'form' && account) claim();
  else if (view === 'form' && digits.length === 6) identify();
}

// ---- time

/** tick counts down to the start page and keeps the clock. */
function tick() {
  const now = campus();
  $('time').textContent = `${two(now.hour)}:${two(now.minute)}`;
  $('date').textContent = `${now.month}月${now.day}日 ${now.day} ${names[now.month - 1]}`;
  const left = Math.ceil(PATIENCE - (Date.now() - touched) / 1000);
  $('countdown').hidden = view === 'start' || view === 'writing';
  $('countdown').classList.toggle('soon', left <= 10);
  $('countdown').firstElementChild.textContent = Math.max(0, Math.min(left, PATIENCE));
  if (left <= 0 && !$('countdown').hidden) start();
}

function touch() {
  touched = Date.now();
  if (bridge && touched - told > 15000) { told = touched; ask('touch').catch(() => {}); }
}

// ---- hands

for (const b of document.querySelectorAll('[data-elsewhere]')) {
  b.addEventListener('click', () => {
    const [title, text] = elsewhere[b.dataset.elsewhere];
    both($('elsewhere-title'), title);
    both($('elsewhere-text'), text);
    show('elsewhere');
  });
}
for (const b of document.querySelectorAll('[data-purpose]')) b.addEventListener('click', () => begin(b.dataset.purpose));
for (const b of document.querySelectorAll('[data-key]')) b.addEventListener('click', () => press(b.dataset.key));
$('wecom').addEventListener('click', () => show('functions'));
$('exit').addEventListener('click', start);
$('ok').addEventListener('click', ok);
$('earlier').addEventListener('click', () => records(-1));
$('later').addEventListener('click', () => records(1));
document.addEventListener('pointerdown', touch, true);
document.addEventListener('contextmenu', (e) => e.preventDefault());
document.addEventListener('keydown', (e) => {
  touch();
  if (/^\d$/.test(e.key)) press(e.key);
  else if (e.key === 'Backspace') press('back');
  else if (e.key === 'Enter' && document.activeElement === document.body && !$('ok').hidden && !$('ok').disabled) ok();
  else if (e.key === 'Escape') start();
});

listen();
setInterval(tick, 250);
draw();
