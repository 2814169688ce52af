// The campus in a browser. This file joins the parts and keeps them up to date: the sandbox names what changed over
// Server-Sent Events, and the part concerned fetches itself anew.
//
// data-testid, for tests that drive the page (stable; {…} stands for a value):
//   top        member-button, member-search, member-option-{userid}, lang-toggle, scan-button, product
//   chat list  chat-item-{agentid}, unread-{agentid}
//   chat       chat-back, log, message (data-id, data-kind, data-from), typing, message-input, send-button,
//              menu-{i}, menu-{i}-{j}, text-link, textcard
//   card       card (data-card-type, data-task-id), card-action, card-button-{key}, card-replaced, card-select-{question},
//              card-option-{question}-{id}, card-submit, card-jump-{i}, card-menu, card-menu-{key}, card-emphasis
//   browser    browser, browser-frame (the iframe), browser-title, browser-back, browser-close
//   paying     pay-sheet, pay-amount, pay-confirm, pay-cancel, pay-fail, pay-error; scan-input, scan-pay, scan-order-{out_trade_no}
//   mail       mail-item (newest first), mail-code, mail-copy, mail-text
//   kiosk      kiosk-select, kiosk-screen (data-step idle|pin|busy|list|writing|done|doubt), kiosk-put-in, kiosk-take-out,
//              kiosk-key-0 … kiosk-key-9, kiosk-key-clear, kiosk-key-ok, kiosk-pending, kiosk-claim, kiosk-exit,
//              kiosk-problem (data-code), kiosk-result (data-outcome claimed|doubt), kiosk-balance, chip-balance,
//              kiosk-pull-none, kiosk-pull-before, kiosk-pull-after
//   till       tab-kiosk, tab-till, till-select, till-screen (data-outcome idle|sold|problem), till-breakfast, till-lunch, till-coffee,
//              till-water, till-amount, till-swipe, till-online, till-waiting (data-n), till-sold, till-claimed, till-left, till-problem (data-code)
//   faults     tab-inspector, tab-faults, fault-{id}, fault-power_off, fault-revoke_tokens
//   note       hint-1 … hint-5 (data-done true|false)
//   inspector  timeline, timeline-item (data-name, data-system), timeline-filter-{all|wecom|…}, timeline-search, timeline-body, timeline-note

import { api, clock, fill, h, icon, once, toast } from './dom.js';
import { isEnglish, t, toggleLanguage } from './i18n.js';
import { mountPhone, refreshChat, showPhone } from './phone.js';
import { closeBrowser } from './browser.js';
import { scanner } from './pay.js';
import { mountKiosk, redrawKiosk, refreshKiosk } from './kiosk.js';
import { mountTill, redrawTill, refreshTill } from './till.js';
import { mountFaults, redrawFaults, refreshFaults } from './faults.js';
import { drawInspector, mountInspector, pickPerson, refreshInspector, showHints, showMails } from './panels.js';

const el = (id) => document.getElementById(id);
const popover = el('popover');
let state = null;
let mails = [];

async function refreshState() {
  state = await api('GET', 'state');
  showPhone(state);
  if (state.wecom_only) document.body.classList.add('wecom-only');
  else showHints(el('hints'), state.me, state.journey);
  once(el('member-button'), state.me, () => fill(el('member-button'), h('span', { class: 'avatar face' }, state.me.name.slice(-1)), h('span', {}, h('small', {}, t('you')), h('b', {}, state.me.name))));
  const product = state.product;
  el('product').className = 'product ' + product;
  el('product').dataset.state = product;
  fill(el('product'), h('i'), product === 'up' ? t('productUp') : product === 'down' ? t('productDown') : t('demoOnly'));
}

async function refreshMail() {
  if (state && state.wecom_only) return;
  mails = await api('GET', 'mails');
  showMails(el('mail'), mails);
}

async function refreshMachine() {
  if (!state || !state.wecom_only) await Promise.all([refreshKiosk(), refreshTill()]);
}

async function refreshSwitches() {
  if (!state || !state.wecom_only) await refreshFaults();
}

const parts = { state: refreshState, chat: refreshChat, mail: refreshMail, timeline: refreshInspector, kiosk: refreshMachine, faults: refreshSwitches };

// Which parts show what a topic is about.
const topics = {
  chat: ['chat', 'state'], corp: ['state'], product: ['state', 'faults'], pay: ['state'], kiosk: ['kiosk', 'state'], mail: ['mail'], timeline: ['timeline'],
};

const running = new Map();

// update refreshes a part, and once more if it was asked for again meanwhile.
async function update(part) {
  if (running.has(part)) { running.set(part, true); return; }
  running.set(part, false);
  try { await parts[part](); } catch (e) { console.warn(part, e); }
  const again = running.get(part);
  running.delete(part);
  if (again) update(part);
}

let stream;

function listen() {
  if (stream) stream.close();
  stream = new EventSource('/sandbox/api/events');
  stream.onopen = () => Object.keys(parts).forEach(update); // what was missed while the line was down
  stream.onmessage = (e) => new Set(JSON.parse(e.data).flatMap((topic) => topics[topic] || [])).forEach(update);
}

async function become(person) {
  fill(popover);
  closeBrowser();
  await api('POST', 'me', { user_id: person.user_id });
  await refreshState();
  await refreshMachine();
  listen();
}

function texts() {
  document.querySelectorAll('[data-t]').forEach((e) => { e.textContent = t(e.dataset.t); });
  el('lang').textContent = isEnglish() ? '中文' : 'EN';
  if (scan.isConnected) tick();
  document.title = '小卡 · ' + t('brand');
}

el('member-button').addEventListener('click', (e) => {
  e.stopPropagation();
  if (popover.childElementCount) fill(popover);
  else pickPerson(popover, (p) => become(p).catch((x) => toast(x.message)));
});
el('lang').addEventListener('click', () => {
  toggleLanguage();
  texts();
  drawInspector();
  redrawKiosk();
  redrawTill();
  redrawFaults();
  drawTabs();
  showMails(el('mail'), mails);
  refreshState().then(refreshChat);
});
const scan = h('button', { class: 'quiet', 'data-testid': 'scan-button', onclick: (e) => {
  e.stopPropagation();
  const box = h('div', { class: 'pop scan-pop' });
  fill(popover, box);
  scanner(box).catch((x) => toast(x.message));
} });
el('member-button').before(scan);
document.addEventListener('click', (e) => { if (!popover.contains(e.target)) fill(popover); });
document.addEventListener('keydown', (e) => { if (e.key === 'Escape') fill(popover); });

function tick() {
  el('clock').textContent = clock(Date.now());
  once(scan, 0, () => fill(scan, icon('scan', 16), t('scan')));
}

// Two places on the desk show one of two things.
const tabs = [
  ['machine-tabs', [['kiosk', 'tabKiosk'], ['till', 'tabTill']]],
  ['inspector-tabs', [['inspector', 'tabInspector'], ['faults', 'tabFaults']]],
];

function drawTabs() {
  for (const [bar, pages] of tabs) {
    const chosen = sessionStorage.getItem(bar) || pages[0][0];
    fill(el(bar), pages.map(([id, key]) => h('button', {
      role: 'tab', 'data-testid': 'tab-' + id, 'aria-selected': String(id === chosen), 'aria-controls': id,
      onclick: () => { sessionStorage.setItem(bar, id); drawTabs(); },
    }, t(key))));
    for (const [id] of pages) el(id).hidden = id !== chosen;
  }
}

texts();
drawTabs();
mountTill(el('till'));
mountFaults(el('faults'));
mountPhone();
mountKiosk(el('kiosk'));
mountInspector(el('inspector'));
showMails(el('mail'), []);
tick();
setInterval(tick, 10000);
refreshState().then(listen).catch((e) => toast(e.message));
