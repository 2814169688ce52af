// The phone: the list of chats, a chat with its bubbles and cards, the menu. The conversations are the sandbox's; this
// file draws them and says what the member does.

import { api, clock, fill, h, icon, once, toast } from './dom.js';
import { isEnglish, t } from './i18n.js';
import { drawCard } from './cards.js';
import { openBrowser } from './browser.js';

const state = { me: null, apps: [], open: 0, drawn: new Map(), waiting: 0, draft: {} };
let list, chat, log, messagesBox, menuBar, input, typing;

/** mountPhone builds the two screens. */
export function mountPhone() {
  list = h('div', { class: 'screen chats' });
  chat = h('div', { class: 'screen chat', hidden: true });
  document.getElementById('screens').append(list, chat);
}

/** showPhone draws what the sandbox says of the member: {me, apps}. */
export function showPhone(next) {
  if (state.me && next.me.user_id !== state.me.user_id) closeChat();
  state.me = next.me;
  state.apps = next.apps;
  drawList();
  if (!state.open) return;
  drawMenu();
  input.placeholder = t('typeHere');
}

const seenKey = () => 'seen:' + state.me.user_id;
const seen = () => JSON.parse(sessionStorage.getItem(seenKey()) || '{}');

function markSeen(agentID, count) {
  sessionStorage.setItem(seenKey(), JSON.stringify({ ...seen(), [agentID]: count }));
}

function drawList() {
  const counts = seen();
  once(list, [state.apps, state.open, counts], () => fill(list,
    h('div', { class: 'screen-title' }, h('b', {}, t('messages'))),
    h('div', { class: 'chat-list' }, state.apps.map((app) => {
      const unread = app.agent_id === state.open ? 0 : Math.max(0, app.received - (counts[app.agent_id] || 0));
      return h('button', { class: 'chat-item', 'data-testid': 'chat-item-' + app.agent_id, onclick: () => openChat(app.agent_id) },
        avatar(app), unread ? h('i', { class: 'badge', 'data-testid': 'unread-' + app.agent_id }, unread > 99 ? '99+' : unread) : null,
        h('span', { class: 'chat-item-text' },
          h('span', {}, h('b', {}, app.name), app.last ? h('time', {}, clock(app.last.time)) : null),
          h('small', {}, app.last ? preview(app.last) : t('noMessages'))));
    }))));
}

function avatar(app) {
  return h('span', { class: 'avatar ' + (app.agent_id === state.apps[0].agent_id ? 'blue' : 'green') }, icon(app.agent_id === state.apps[0].agent_id ? 'shield' : 'card', 24));
}

function preview(m) {
  if (m.recalled) return t('recalled');
  switch (m.kind) {
    case 'template_card': return '[' + ((m.card.main_title || {}).title || (m.card.source || {}).desc || m.card.sub_title_text || '') + ']';
    case 'textcard': return '[' + m.text_card.title + ']';
    case 'news': return '[' + (m.articles[0] || {}).title + ']';
    default: return (m.text || '').replace(/<[^>]*>/g, '').split('\n')[0];
  }
}

async function openChat(agentID) {
  const app = state.apps.find((a) => a.agent_id === agentID);
  state.open = agentID;
  state.drawn.clear();
  messagesBox = h('div');
  typing = h('div', { class: 'row app typing', hidden: true, 'data-testid': 'typing' }, avatar(app), h('div', { class: 'bubble' }, h('i'), h('i'), h('i')));
  log = h('div', { class: 'log', 'data-testid': 'log' }, messagesBox, typing);
  menuBar = h('nav', { class: 'menu-bar', 'data-testid': 'menu' });
  input = h('input', {
    class: 'message-input', 'data-testid': 'message-input', placeholder: t('typeHere'), 'aria-label': t('typeHere'), autocomplete: 'off', value: state.draft[agentID] || '',
    onkeydown: (e) => { if (e.key === 'Enter' && !e.isComposing) say(); },
    oninput: () => { state.draft[agentID] = input.value; },
  });
  fill(chat,
    h('div', { class: 'screen-title' },
      h('button', { class: 'bare', 'data-testid': 'chat-back', 'aria-label': t('messages'), onclick: closeChat }, icon('back', 24)),
      h('b', {}, app.name), h('span', { class: 'bare' }, icon('more', 22))),
    log,
    h('div', { class: 'compose' }, input, h('button', { class: 'send', 'data-testid': 'send-button', 'aria-label': t('send'), onclick: say }, icon('send', 20))),
    menuBar);
  drawMenu();
  chat.hidden = false;
  list.classList.add('behind');
  await refreshChat();
  input.focus({ preventScroll: true });
  run(() => api('POST', `chats/${agentID}/enter`, {}));
}

function closeChat() {
  state.open = 0;
  if (chat) chat.hidden = true;
  if (list) list.classList.remove('behind');
  if (state.me) drawList();
}

/** refreshChat fetches the open conversation and draws what changed in it. */
export async function refreshChat() {
  const agentID = state.open;
  if (!agentID) return;
  const messages = await api('GET', `chats/${agentID}`);
  if (agentID !== state.open) return;
  markSeen(agentID, messages.filter((m) => m.from === 'app').length);
  drawMessages(messages);
}

function drawMessages(messages) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const app = state.apps.find((a) => a.agent_id === state.open);
  let grew = false;
  let last = 0;
  const ids = new Set();
  for (const m of messages) {
    ids.add(m.id);
    const at = new Date(m.time).getTime();
    const stamp = at - last > 300000;
    last = at;
    const text = JSON.stringify(m) + isEnglish();
    const old = state.drawn.get(m.id);
    if (old && old.text === text) continue;
    const el = h('div', { class: 'message', 'data-testid': 'message', 'data-id': m.id, 'data-kind': m.kind, 'data-from': m.from },
      stamp ? h('time', { class: 'stamp' }, clock(m.time)) : null, drawMessage(m, app));
    if (old) old.el.replaceWith(el);
    else { messagesBox.append(el); grew = true; }
    state.drawn.set(m.id, { text, el });
  }
  for (const [id, d] of state.drawn) if (!ids.has(id)) { d.el.remove(); state.drawn.delete(id); }
  if (grew && atEnd || log.dataset.fresh !== 'no') toEnd();
  log.dataset.fresh = 'no';
}

function toEnd() { log.scrollTop = log.scrollHeight; }

function drawMessage(m, app) {
  if (m.recalled) return h('p', { class: 'stamp' }, t('recalled'));
  const mine = m.from === 'member';
  const body = m.unseen ? h('div', { class: 'bubble dim' }, t('unseen')) : content(m);
  return h('div', { class: 'row ' + (mine ? 'me' : 'app') },
    mine ? null : avatar(app), body,
    mine && m.failed ? h('span', { class: 'not-sent', title: t('failed') }, '!') : null,
    mine ? h('span', { class: 'avatar face' }, state.me.name.slice(-1)) : null);
}

function content(m) {
  switch (m.kind) {
    case 'template_card': return drawCard(m, { press, open: openJump });
    case 'textcard': return textCard(m.text_card);
    case 'news': return h('div', { class: 'card news' }, (m.articles || []).map((a) => h('button', { class: 'article', onclick: () => openJump({ type: 1, ...a }) }, h('h3', {}, a.title), a.description ? h('p', {}, a.description) : null)));
    default: return h('div', { class: 'bubble' }, richText(m.text || ''));
  }
}

function textCard(c) {
  return h('button', { class: 'card textcard', 'data-testid': 'textcard', onclick: () => openJump({ type: 1, url: c.url, title: c.title }) },
    h('h3', {}, c.title), h('div', { class: 'textcard-text' }, markup(c.description)),
    h('span', { class: 'textcard-more' }, c.btntxt || t('details'), icon('chevron', 16)));
}

// markup reads the little HTML that textcards may hold; anything else stays text.
function markup(text) {
  const out = [];
  const tag = /<br\s*\/?>|<div class="(gray|highlight|normal)">([\s\S]*?)<\/div>/g;
  let from = 0;
  for (const m of text.matchAll(tag)) {
    out.push(text.slice(from, m.index), m[2] === undefined ? h('br') : h('div', { class: m[1] }, m[2]));
    from = m.index + m[0].length;
  }
  return [...out, text.slice(from)];
}

// richText makes links of <a href="…"> and of bare addresses; line breaks are kept by the style sheet.
function richText(text) {
  const out = [];
  const link = /<a href="([^"]+)">([^<]*)<\/a>|(https?:\/\/[^\s，。；、）)]+)/g;
  let from = 0;
  for (const m of text.matchAll(link)) {
    const url = m[1] || m[3];
    out.push(text.slice(from, m.index), h('button', { class: 'link', 'data-testid': 'text-link', onclick: () => openJump({ type: 1, url }) }, m[2] || url));
    from = m.index + m[0].length;
  }
  return [...out, text.slice(from)];
}

function openJump(jump) {
  if (jump.type === 2) return toast(t('miniProgram'));
  openBrowser(jump.url);
  return undefined;
}

// run carries out what the member does and shows the typing dots while the app is at it.
async function run(act) {
  state.waiting++;
  const late = setTimeout(() => { if (typing) { typing.hidden = false; toEnd(); } }, 120);
  try { await act(); } catch (e) { toast(e.message); } finally {
    state.waiting--;
    clearTimeout(late);
    if (!state.waiting && typing) typing.hidden = true;
    await refreshChat().catch(() => {});
  }
}

function say() {
  const text = input.value.trim();
  if (!text) return;
  input.value = '';
  delete state.draft[state.open];
  log.dataset.fresh = 'yes';
  run(() => api('POST', `chats/${state.open}/text`, { text }));
}

function press(m, key, selected) {
  return run(() => api('POST', `chats/${state.open}/press`, { message: m.id, key, selected }));
}

function drawMenu() {
  const app = state.apps.find((a) => a.agent_id === state.open);
  menuBar.hidden = !app.menu || !app.menu.length;
  once(menuBar, app.menu, () => fill(menuBar, (app.menu || []).map((b, i) => {
    const subs = b.sub_button || [];
    const sheet = h('div', { class: 'menu-sheet', hidden: true, role: 'menu' }, subs.map((s, j) => h('button', { role: 'menuitem', 'data-testid': `menu-${i}-${j}`, onclick: () => { sheet.hidden = true; click(s); } }, s.name)));
    return h('div', { class: 'menu-cell' }, sheet,
      h('button', { 'data-testid': 'menu-' + i, 'aria-haspopup': subs.length ? 'menu' : null, onclick: () => (subs.length ? toggle(sheet) : click(b)) }, subs.length ? icon('menu', 14) : null, b.name));
  })));
}

function toggle(sheet) {
  const open = sheet.hidden;
  menuBar.querySelectorAll('.menu-sheet').forEach((s) => { s.hidden = true; });
  sheet.hidden = !open;
}

function click(button) {
  switch (button.type) {
    case 'view':
      openBrowser(button.url);
      return run(() => api('POST', `chats/${state.open}/menu`, { key: button.url }));
    case 'click':
      return run(() => api('POST', `chats/${state.open}/menu`, { key: button.key }));
    case 'view_miniprogram':
      return toast(t('miniProgram'));
    default: {
      const result = prompt(button.name);
      if (result === null) return undefined;
      return run(() => api('POST', `chats/${state.open}/scan`, { key: button.key, result }));
    }
  }
}

document.addEventListener('click', (e) => {
  if (menuBar && !menuBar.contains(e.target)) menuBar.querySelectorAll('.menu-sheet').forEach((s) => { s.hidden = true; });
  document.querySelectorAll('.card-menu-list:not([hidden])').forEach((l) => { if (!l.parentElement.contains(e.target)) l.hidden = true; });
});
