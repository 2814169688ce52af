// A till with the campus card in a hand before it. What it knows lives in the sandbox's process; this file draws its display.

import { api, fill, h, icon, toast, yuan } from './dom.js';
import { has, t } from './i18n.js';
import { plastic, redrawKiosk, takePull } from './kiosk.js';

let root, till, last = '', typed = '';

// What people buy here, in fen.
const meals = [['breakfast', 350], ['lunch', 1280], ['coffee', 1800], ['water', 200]];

/** mountTill builds the till; refreshTill keeps it up to date. */
export function mountTill(el) { root = el; }

const terminal = () => sessionStorage.getItem('till') || 'P01';

/** refreshTill fetches the chosen till and draws it. */
export async function refreshTill() { show(await api('GET', 'tills/' + terminal())); }

/** redrawTill draws it again in the other language. */
export function redrawTill() { last = ''; if (till) show(till); }

function show(next) {
  const text = JSON.stringify(next) + typed;
  if (text === last) return;
  last = text;
  till = next;
  fill(root,
    h('div', { class: 'till-body' },
      h('div', { class: 'till-screen', 'data-testid': 'till-screen', 'data-outcome': outcome() },
        h('header', {}, h('b', {}, till.merchant), places()),
        h('div', { class: 'till-display' }, display()),
        h('footer', {},
          h('span', { class: till.online ? 'on' : 'off' }, till.online ? t('tillOnline') : t('tillOffline')),
          h('span', { 'data-testid': 'till-waiting', 'data-n': till.waiting }, till.waiting ? t('tillWaiting', { n: till.waiting }) : t('tillSent')),
          h('span', {}, t('tillList', { v: till.blacklist })))),
      h('div', { class: 'till-keys' },
        h('div', { class: 'till-meals' }, meals.map(([key, fen]) => h('button', { 'data-testid': 'till-' + key, onclick: () => swipe(fen) }, h('b', {}, t(key)), h('span', {}, '¥' + yuan(fen))))),
        h('form', { class: 'till-other', onsubmit: (e) => { e.preventDefault(); other(); } },
          h('input', { 'data-testid': 'till-amount', inputmode: 'decimal', placeholder: t('tillAmount'), 'aria-label': t('tillAmount'), value: typed, oninput: (e) => { typed = e.target.value; last = ''; } }),
          h('label', { class: 'till-wire' },
            h('input', { type: 'checkbox', 'data-testid': 'till-online', checked: till.online, onchange: (e) => act('online', { online: e.target.checked }) }),
            h('span', {}, t('tillWire'))),
          h('button', { class: 'hand-button primary', 'data-testid': 'till-swipe' }, t('tillSwipe'))))),
    h('div', { class: 'till-reader' }, plastic(till.mine, false, () => swipe(meals[1][1])),
      h('p', { class: 'till-hint' }, t('tillHint'))));
}

const outcome = () => (till.problem ? 'problem' : till.sold ? 'sold' : 'idle');

function display() {
  if (till.problem) {
    const key = 'till_' + till.problem;
    return [h('strong', { class: 'no' }, '¥' + yuan(till.amount_fen || 0)), h('p', { 'data-testid': 'till-problem', 'data-code': till.problem }, has(key) ? t(key) : t('err_other'))];
  }
  if (!till.sold) return [h('strong', {}, '¥0.00'), h('p', {}, t('tillIdle'))];
  return [
    h('strong', { 'data-testid': 'till-sold' }, '−¥' + yuan(till.amount_fen)),
    till.claimed_fen ? h('p', { class: 'gift', 'data-testid': 'till-claimed' }, icon('check', 16), t('tillClaimed', { yuan: yuan(till.claimed_fen) })) : null,
    h('p', { 'data-testid': 'till-left' }, t('tillLeft', { yuan: yuan(till.left_fen) })),
  ];
}

function places() {
  return h('select', {
    class: 'kiosk-place', 'data-testid': 'till-select', 'aria-label': 'till',
    onchange: (e) => { sessionStorage.setItem('till', e.target.value); refreshTill().catch((x) => toast(x.message)); },
  }, till.tills.map((m) => h('option', { value: m.id, selected: m.id === till.terminal }, m.id + ' ' + m.location)));
}

// fen reads an amount as people type it, exactly.
function fen(text) {
  const m = text.trim().match(/^(\d{1,4})(?:\.(\d{1,2}))?$/);
  return m ? Number(m[1]) * 100 + Number((m[2] || '').padEnd(2, '0')) : 0;
}

function other() {
  const amount = fen(typed);
  if (!amount) { toast(t('tillAmount')); return; }
  typed = '';
  swipe(amount);
}

async function swipe(amount) {
  await act('swipe', { amount_fen: amount, pull: takePull() });
  redrawKiosk(); // its switch for pulling out is back
}

async function act(what, body) {
  try { show(await api('POST', `tills/${till.terminal}/${what}`, body)); } catch (e) { toast(e.message); }
}
