// The self-service machine with its card reader, drawn by the sandbox. The machine's steps live in the sandbox's own
// process (the same for every open page, as a real machine is); this file draws the step it is at.

import { api, fill, h, icon, moment, toast, yuan } from './dom.js';
import { has, isEnglish, t } from './i18n.js';

let root, machine, digits = '', last = '';

/** mountKiosk builds the machine; refreshKiosk keeps it up to date. */
export function mountKiosk(el) {
  root = el;
  document.addEventListener('keydown', (e) => {
    const typing = e.target.closest('input, select, textarea, iframe');
    if (typing || !machine || machine.step !== 'pin') return;
    if (/^\d$/.test(e.key)) press(e.key);
    else if (e.key === 'Backspace') press('clear');
    else if (e.key === 'Enter') press('ok');
  });
}

const terminal = () => sessionStorage.getItem('kiosk') || 'K01';

/** refreshKiosk fetches the chosen machine and draws it. */
export async function refreshKiosk() {
  show(await api('GET', 'kiosks/' + terminal()));
}

/** redrawKiosk draws it again in the other language. */
export function redrawKiosk() { last = ''; if (machine) show(machine); }

function show(next) {
  const text = JSON.stringify(next) + digits;
  if (text === last) return;
  if (!machine || next.step !== machine.step) digits = '';
  last = text;
  machine = next;
  fill(root,
    h('div', { class: 'kiosk-body' },
      h('div', { class: 'kiosk-screen', 'data-testid': 'kiosk-screen', 'data-step': machine.step },
        h('header', {}, h('b', {}, '校园卡自助服务系统'), h('small', {}, 'Campus Card Automatic Service System'), places()),
        progress(),
        h('div', { class: 'kiosk-main' }, steps[machine.step] ? steps[machine.step]() : null)),
      reader()));
}

function places() {
  return h('select', {
    class: 'kiosk-place', 'data-testid': 'kiosk-select', 'aria-label': 'kiosk',
    onchange: (e) => { sessionStorage.setItem('kiosk', e.target.value); refreshKiosk().catch((x) => toast(x.message)); },
  }, machine.machines.map((m) => h('option', { value: m.id, selected: m.id === machine.terminal }, m.id + ' ' + m.location)));
}

const order = { idle: 0, pin: 1, busy: 1, list: 2, writing: 2, done: 3, doubt: 3 };

function progress() {
  const at = order[machine.step] ?? 0;
  return h('ol', { class: 'kiosk-progress' }, ['stepCard', 'stepPin', 'stepClaim'].map((key, i) => h('li', { class: i < at ? 'past' : i === at ? 'now' : '' }, h('i', {}, i < at ? icon('check', 12) : i + 1), t(key))));
}

const say = (zh, ...more) => [h('p', { class: 'kiosk-say' }, zh), ...more];

const steps = {
  idle: () => [
    h('div', { class: 'kiosk-wave' }, icon('card', 64), h('i'), h('i')),
    say(t('putCard'), isEnglish() ? null : h('small', {}, 'Place your campus card on the reader')),
  ],
  pin: () => h('div', { class: 'kiosk-pin' },
    h('div', {}, say(t('enterPin')), h('div', { class: 'kiosk-dots', 'data-testid': 'kiosk-dots' }, [0, 1, 2, 3, 4, 5].map((i) => h('i', { class: i < digits.length ? 'on' : '' }))), problem()),
    h('div', { class: 'kiosk-pad' }, ['1', '2', '3', '4', '5', '6', '7', '8', '9', 'clear', '0', 'ok'].map((k) => h('button', {
      'data-testid': 'kiosk-key-' + k, class: k.length > 1 ? 'word ' + k : '', onclick: () => press(k), disabled: k === 'ok' && digits.length !== 6,
    }, k.length > 1 ? t(k) : k)))),
  busy: () => [h('div', { class: 'spinner' }), say(t('reading'))],
  list: () => {
    const a = machine.account;
    const none = !a.transfers.length;
    return h('div', { class: 'kiosk-list' },
      h('div', { class: 'kiosk-sum' },
        h('div', {}, h('span', {}, a.holder + '　' + a.student_no), h('span', {}, t('pending'))),
        h('strong', { 'data-testid': 'kiosk-pending' }, '¥' + yuan(a.pending_fen))),
      none ? h('p', { class: 'kiosk-none' }, t('nothingPending')) : h('table', {},
        h('thead', {}, h('tr', {}, h('th', {}, t('transferName')), h('th', {}, t('amount')), h('th', {}, t('time')))),
        h('tbody', {}, a.transfers.slice(0, 4).map((x) => h('tr', {}, h('td', {}, x.title), h('td', {}, yuan(x.amount_fen)), h('td', {}, moment(x.created_at)))))),
      problem(),
      h('div', { class: 'kiosk-buttons' },
        h('button', { class: 'plain', 'data-testid': 'kiosk-exit', onclick: () => act('remove') }, t('exit')),
        h('button', { class: 'main', 'data-testid': 'kiosk-claim', disabled: none, onclick: () => act('claim', { pull: takePull() }) }, t('claim'))));
  },
  writing: () => [h('div', { class: 'kiosk-writing' }, icon('card', 64), h('i'), h('i'), h('i')), say(t('writing'), h('small', {}, isEnglish() ? '' : 'Do not move the card'))],
  done: () => h('div', { class: 'kiosk-result', 'data-testid': 'kiosk-result', 'data-outcome': 'claimed' },
    h('div', { class: 'tick' }, icon('check', 40)),
    h('p', {}, t('claimed')), h('strong', {}, '¥' + yuan(machine.claimed_fen)),
    h('p', { class: 'kiosk-now' }, t('onCardNow'), ' ', h('b', { 'data-testid': 'kiosk-balance' }, '¥' + yuan(machine.chip.balance_fen))),
    h('small', {}, t('takeCard'))),
  doubt: () => h('div', { class: 'kiosk-result doubt', 'data-testid': 'kiosk-result', 'data-outcome': 'doubt' },
    h('div', { class: 'tick' }, icon('search', 36)), h('p', {}, t('doubt')), h('small', {}, t('doubtText')),
    h('button', { class: 'plain', 'data-testid': 'kiosk-exit', onclick: () => act('remove') }, t('exit'))),
};

function problem() {
  if (!machine.problem) return null;
  const key = 'err_' + machine.problem;
  const left = machine.tries_left ? ' · ' + t('triesLeft', { n: machine.tries_left }) : '';
  return h('p', { class: 'kiosk-problem', 'data-testid': 'kiosk-problem', 'data-code': machine.problem }, (has(key) ? t(key) : t('err_other')) + left);
}

// The reader below the screen: the slot, the card, and what a hand may do to it.
function reader() {
  const inside = machine.card;
  const shown = inside || machine.mine;
  return h('div', { class: 'kiosk-reader' + (inside ? ' full' : '') },
    h('div', { class: 'slot' }, h('i', { class: 'lamp ' + (machine.step === 'writing' ? 'busy' : inside ? 'on' : '') })),
    shown ? plastic(shown, !!inside, () => act(inside ? 'remove' : 'insert', {})) : null,
    h('div', { class: 'hand' },
      inside
        ? h('button', { class: 'hand-button', 'data-testid': 'kiosk-take-out', onclick: () => act('remove') }, t('slotOut'))
        : h('button', { class: 'hand-button primary', 'data-testid': 'kiosk-put-in', disabled: !machine.mine, onclick: () => act('insert', {}) }, t('slotIn')),
      h('fieldset', { class: 'pull' }, h('legend', {}, t('pull')), [['', 'pullNone', 'none'], ['before', 'pullBefore', 'before'], ['after', 'pullAfter', 'after']].map(([value, key, id]) => h('label', {},
        h('input', { type: 'radio', name: 'pull', value, checked: pull() === value, 'data-testid': 'kiosk-pull-' + id, onchange: () => sessionStorage.setItem('pull', value) }),
        h('span', {}, t(key)))))));
}

const pull = () => sessionStorage.getItem('pull') || '';

/** takePull says when the hand pulls the card out at the next write; it does so once. */
export function takePull() {
  const when = pull();
  sessionStorage.removeItem('pull');
  return when;
}

/** plastic draws a campus card; touched is what a hand does with it. */
export function plastic(card, inside, touched) {
  return h('div', { class: 'plastic' + (inside ? ' inside' : ''), 'data-testid': 'campus-card', onclick: touched },
    h('span', { class: 'plastic-name' }, '小卡大学', h('small', {}, 'XIAOKA UNIVERSITY')),
    h('span', { class: 'plastic-chip' }),
    h('span', { class: 'plastic-holder' }, h('b', {}, card.name), h('small', {}, card.card_no)),
    h('span', { class: 'plastic-purse', 'data-testid': 'chip-balance', title: t('chipLine', { load: card.chip.load_seq, spend: card.chip.spend_seq }) },
      h('small', {}, t('chip')), '¥' + yuan(card.chip.balance_fen)));
}

function press(key) {
  if (key === 'clear') digits = '';
  else if (key === 'ok') { if (digits.length === 6) { const pin = digits; digits = ''; act('pin', { pin }); } return; }
  else if (digits.length < 6) digits += key;
  show(machine);
}

async function act(what, body = {}) {
  try {
    show(await api('POST', `kiosks/${machine.terminal}/${what}`, body));
  } catch (e) { toast(e.message); }
}
