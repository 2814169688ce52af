// Template cards as WeCom draws them: text_notice, news_notice, button_interaction, vote_interaction and
// multiple_interaction, with the states that updates leave behind. What a press does is the caller's.

import { h, icon } from './dom.js';
import { t } from './i18n.js';

/**
 * drawCard returns the card's element.
 * @param {object} message a message of kind template_card
 * @param {{press: (message, key, selected) => void, open: (jump) => void}} act
 */
export function drawCard(message, act) {
  const card = message.card;
  const state = message.state || {};
  const chosen = {}; // question key → option ids, as the member has set them
  const root = h('article', { class: 'card', 'data-testid': 'card', 'data-card-type': card.card_type, 'data-task-id': card.task_id || null });
  const dead = !!state.disabled;
  root.append(...[
    sourceLine(card, message, act),
    picture(card),
    titles(card.main_title, 'card-title'),
    emphasis(card),
    imageText(card, act),
    quote(card, act),
    card.sub_title_text ? h('p', { class: 'card-sub' }, card.sub_title_text) : null,
    vertical(card),
    horizontal(card, act),
    checkbox(card, state, chosen, dead),
    ...(card.select_list || []).map((s) => selector(s, state, chosen, dead)),
    card.button_selection ? selector(card.button_selection, state, chosen, dead) : null,
    controls(card, message, state, chosen, act),
    jumps(card, act),
  ].filter(Boolean));
  const action = card.card_action;
  if (action && action.type && !interactive(card)) {
    root.classList.add('card-link');
    root.append(h('button', { class: 'card-cover', 'data-testid': 'card-action', 'aria-label': (card.main_title || {}).title || t('details'), onclick: () => act.open(action) }));
  }
  return root;
}

const interactive = (card) => ['vote_interaction', 'multiple_interaction'].includes(card.card_type);

const sourceColors = ['grey', 'black', 'red', 'green'];

function sourceLine(card, message, act) {
  if (!card.source && !card.action_menu) return null;
  const source = card.source || {};
  const line = h('div', { class: 'card-source ' + (sourceColors[source.desc_color] || 'grey') },
    source.icon_url && sameOrigin(source.icon_url) ? h('img', { src: source.icon_url, alt: '' }) : null,
    h('span', {}, source.desc || ''));
  if (card.action_menu) line.append(actionMenu(card, message, act));
  return line;
}

function actionMenu(card, message, act) {
  const list = h('div', { class: 'card-menu-list', hidden: true, role: 'menu' },
    card.action_menu.desc ? h('small', {}, card.action_menu.desc) : null,
    card.action_menu.action_list.map((a) => h('button', {
      role: 'menuitem', 'data-testid': 'card-menu-' + a.key,
      onclick: () => { list.hidden = true; act.press(message, a.key, {}); },
    }, a.text)));
  return h('span', { class: 'card-menu' },
    h('button', { class: 'card-menu-button', 'data-testid': 'card-menu', 'aria-label': card.action_menu.desc || t('details'), onclick: () => { list.hidden = !list.hidden; } }, icon('more', 18)),
    list);
}

function sameOrigin(url) {
  try { return new URL(url, location.href).origin === location.origin; } catch { return false; }
}

function picture(card) {
  if (!card.card_image) return null;
  const ratio = card.card_image.aspect_ratio || 1.3;
  const box = h('div', { class: 'card-picture' });
  box.style.aspectRatio = String(ratio);
  if (sameOrigin(card.card_image.url)) box.append(h('img', { src: card.card_image.url, alt: '' }));
  return box;
}

function titles(pair, cls) {
  if (!pair || (!pair.title && !pair.desc)) return null;
  return h('header', { class: cls }, pair.title ? h('h3', {}, pair.title) : null, pair.desc ? h('p', {}, pair.desc) : null);
}

function emphasis(card) {
  const e = card.emphasis_content;
  if (!e || (!e.title && !e.desc)) return null;
  return h('div', { class: 'card-emphasis', 'data-testid': 'card-emphasis' }, h('strong', {}, e.title || ''), h('span', {}, e.desc || ''));
}

function imageText(card, act) {
  const a = card.image_text_area;
  if (!a) return null;
  const body = [h('div', { class: 'card-thumb' }, sameOrigin(a.image_url) ? h('img', { src: a.image_url, alt: '' }) : null),
    h('div', {}, a.title ? h('h4', {}, a.title) : null, a.desc ? h('p', {}, a.desc) : null)];
  return a.type ? h('button', { class: 'card-imagetext', onclick: () => act.open(a) }, body) : h('div', { class: 'card-imagetext' }, body);
}

function quote(card, act) {
  const q = card.quote_area;
  if (!q || (!q.title && !q.quote_text)) return null;
  const body = [q.title ? h('b', {}, q.title) : null, q.quote_text ? h('span', {}, q.quote_text) : null];
  return q.type ? h('button', { class: 'card-quote', onclick: () => act.open(q) }, body) : h('div', { class: 'card-quote' }, body);
}

function vertical(card) {
  const list = card.vertical_content_list || [];
  if (!list.length) return null;
  return h('div', { class: 'card-vertical' }, list.map((v) => h('div', {}, h('h4', {}, v.title || ''), v.desc ? h('p', {}, v.desc) : null)));
}

function horizontal(card, act) {
  const list = card.horizontal_content_list || [];
  if (!list.length) return null;
  return h('dl', { class: 'card-rows' }, list.map((item) => h('div', {},
    h('dt', {}, item.keyname),
    h('dd', {}, item.type === 1
      ? h('button', { class: 'link', onclick: () => act.open({ type: 1, url: item.url, title: item.keyname }) }, item.value || '')
      : item.type ? h('span', { class: 'link' }, item.value || '') : item.value || ''))));
}

function selector(s, state, chosen, dead) {
  const before = (state.selected || {})[s.question_key];
  const selected = (before && before[0]) || (s.option_list.some((o) => o.id === s.selected_id) ? s.selected_id : s.option_list[0].id);
  chosen[s.question_key] = [selected];
  const box = h('select', {
    disabled: dead || s.disable, 'data-testid': 'card-select-' + s.question_key,
    onchange: (e) => { chosen[s.question_key] = [e.target.value]; },
  }, s.option_list.map((o) => h('option', { value: o.id, selected: o.id === selected }, o.text)));
  return h('label', { class: 'card-select' }, h('span', {}, s.title || t('choose')), box);
}

function checkbox(card, state, chosen, dead) {
  const c = card.checkbox;
  if (!c) return null;
  const before = (state.selected || {})[c.question_key];
  const picked = new Set(before || c.option_list.filter((o) => o.is_checked).map((o) => o.id));
  const several = c.mode === 1;
  const note = () => { chosen[c.question_key] = [...picked]; };
  note();
  const name = 'q-' + Math.random().toString(36).slice(2);
  return h('div', { class: 'card-options', role: several ? 'group' : 'radiogroup' }, c.option_list.map((o) => h('label', {},
    h('input', {
      type: several ? 'checkbox' : 'radio', name, checked: picked.has(o.id), disabled: dead || c.disable,
      'data-testid': 'card-option-' + c.question_key + '-' + o.id,
      onchange: (e) => {
        if (!several) picked.clear();
        if (e.target.checked) picked.add(o.id); else picked.delete(o.id);
        note();
      },
    }),
    h('span', {}, o.text))));
}

function controls(card, message, state, chosen, act) {
  const buttons = card.button_list || [];
  if (!buttons.length && !card.submit_button) return null;
  if (state.disabled) {
    return h('div', { class: 'card-buttons' }, h('button', { class: 'card-button dead', disabled: true, 'data-testid': 'card-replaced' }, state.replace_name || t('submit')));
  }
  if (card.submit_button) {
    return h('div', { class: 'card-buttons' }, h('button', {
      class: 'card-button style-1', 'data-testid': 'card-submit',
      onclick: (e) => busy(e.currentTarget, () => act.press(message, card.submit_button.key, chosen)),
    }, card.submit_button.text || t('submit')));
  }
  return h('div', { class: 'card-buttons' + (buttons.length === 2 ? ' pair' : '') }, buttons.map((b) => h('button', {
    class: 'card-button style-' + (b.style >= 1 && b.style <= 4 ? b.style : 1),
    'data-testid': 'card-button-' + (b.key || b.text),
    onclick: (e) => (b.type === 1 ? act.open({ type: 1, url: b.url, title: b.text }) : busy(e.currentTarget, () => act.press(message, b.key, chosen))),
  }, b.text)));
}

// busy keeps a second press away while the first is on its way, as the client does.
async function busy(button, run) {
  const all = [...button.parentElement.children];
  all.forEach((b) => { b.disabled = true; });
  button.classList.add('busy');
  try { await run(); } finally {
    all.forEach((b) => { b.disabled = false; });
    button.classList.remove('busy');
  }
}

function jumps(card, act) {
  const list = (card.jump_list || []).filter((j) => j.title);
  if (!list.length) return null;
  return h('div', { class: 'card-jumps' }, list.map((j, i) => h('button', { 'data-testid': 'card-jump-' + i, disabled: !j.type, onclick: () => act.open(j) },
    h('span', {}, j.title), j.type ? icon('chevron', 16) : null)));
}
