// What lies around the phone and the machine: the note with the five steps, the mail, the inspector, the list of people.

import { api, clock, fill, h, icon, once, toast } from './dom.js';
import { t } from './i18n.js';

/** showHints draws the journey's five steps; done is five booleans. */
export function showHints(el, me, done) {
  const all = done.every(Boolean);
  once(el, [me, done], () => fill(el,
    h('h2', {}, all ? t('hintsDone') : t('hints')),
    h('ol', {}, done.map((ok, i) => h('li', {
      class: ok ? 'done' : done.slice(0, i).every(Boolean) ? 'now' : '', 'data-testid': 'hint-' + (i + 1), 'data-done': String(ok),
    }, h('i', {}, ok ? icon('check', 13) : i + 1), h('span', {}, h('b', {}, t('step' + (i + 1))), ' ', h('small', {}, t('hint' + (i + 1))))))),
    h('p', { class: 'note-facts' }, t('hintFacts', { name: me.name, no: me.student_no }))));
}

const codeIn = (text) => (text.match(/(?<!\d)\d{6}(?!\d)/) || [''])[0];
let openMail = '';

/** showMails draws the mails and SMS, newest first. */
export function showMails(el, mails) {
  once(el, [mails, openMail], () => fill(el,
    h('h2', {}, icon('mail', 18), t('mailbox'), mails.length ? h('span', { class: 'count' }, mails.length) : null),
    mails.length ? h('div', { class: 'mail-list' }, mails.map((m, i) => {
      const code = codeIn(m.text);
      const open = openMail === m.id || (i === 0 && openMail === '');
      return h('article', { class: 'mail-item' + (open ? ' open' : ''), 'data-testid': 'mail-item' },
        h('button', { class: 'mail-head', onclick: () => { openMail = open && openMail ? 'none' : m.id; showMails(el, mails); } },
          h('b', {}, m.sms ? t('sms') : m.subject), h('time', {}, clock(m.time)), h('small', {}, m.to)),
        code ? h('div', { class: 'mail-code' }, h('code', { 'data-testid': 'mail-code' }, code),
          h('button', { class: 'quiet', 'data-testid': 'mail-copy', onclick: () => copy(code) }, icon('copy', 14), t('copy'))) : null,
        open ? h('pre', { 'data-testid': 'mail-text' }, m.text) : null);
    })) : h('p', { class: 'empty' }, t('noMail'))));
}

async function copy(text) {
  try { await navigator.clipboard.writeText(text); } catch {
    const field = h('textarea', { class: 'off-screen', value: text });
    document.body.append(field);
    field.select();
    document.execCommand('copy'); // where the clipboard is closed to pages without https
    field.remove();
  }
  toast(t('copied') + ' ' + text);
}

const view = { entries: [], system: '', text: '', open: 0 };
let rows, detail, bar;

/** mountInspector builds the timeline. */
export function mountInspector(el) {
  bar = h('div', { class: 'inspector-bar' });
  rows = h('div', { class: 'inspector-rows', 'data-testid': 'timeline' });
  detail = h('div', { class: 'inspector-detail', 'data-testid': 'timeline-body' });
  fill(el, bar, h('div', { class: 'inspector-split' }, rows, detail));
  drawInspector();
}

/** drawInspector draws everything of it again, after the language changed. */
export function drawInspector() {
  fill(bar, ['', 'wecom', 'wechatpay', 'terminal', 'mail', 'sms'].map((s) => h('button', {
    class: 'chip' + (view.system === s ? ' on' : ''), 'data-testid': 'timeline-filter-' + (s || 'all'),
    onclick: () => { view.system = s; drawInspector(); },
  }, s ? t('sys_' + s) : t('all'))),
  h('input', { placeholder: t('filter'), 'data-testid': 'timeline-search', 'aria-label': t('filter'), value: view.text, oninput: (e) => { view.text = e.target.value; drawRows(); } }));
  drawRows();
  if (!view.open) fill(detail, h('p', { class: 'empty' }, t('pickLine')));
}

/** refreshInspector fetches what is new. */
export async function refreshInspector() {
  const last = view.entries.length ? view.entries[view.entries.length - 1].seq : 0;
  const fresh = await api('GET', 'timeline?after=' + last);
  if (!fresh.length && view.entries.length) return;
  view.entries = [...view.entries, ...fresh.filter((e) => e.seq > last)].slice(-500);
  drawRows();
}

const matches = (e) => (!view.system || e.system === view.system) && (!view.text || (e.name + ' ' + (e.who || '') + ' ' + (e.terminal || '') + ' ' + (e.user_id || '') + ' ' + (e.agent_id || '')).toLowerCase().includes(view.text.toLowerCase()));

function drawRows() {
  const list = view.entries.filter(matches).slice(-120).reverse();
  if (!list.length) return fill(rows, h('p', { class: 'empty' }, t('nothingYet')));
  return fill(rows, list.map((e) => h('button', {
    class: 'line ' + (e.ok ? '' : 'bad') + (view.open === e.seq ? ' open' : ''), 'data-testid': 'timeline-item', 'data-name': e.name, 'data-system': e.system, onclick: () => open(e.seq),
  }, h('time', {}, clock(e.at, true)), h('i', { class: e.inbound ? 'in' : 'out' }, e.inbound ? '→' : '←'), h('em', { class: e.system }, t('sys_' + e.system)),
  h('b', {}, e.name), h('span', {}, who(e)), h('span', { class: 'status' }, e.err_code || e.status || t('noAnswer')), h('small', {}, e.ms + ' ms'))));
}

const who = (e) => [e.agent_id ? (e.agent_id === 1000001 ? '小助手' : '一卡通') : '', e.who || e.terminal || ''].filter(Boolean).join(' · ');

async function open(seq) {
  view.open = seq;
  drawRows();
  const e = await api('GET', 'timeline/' + seq).catch((x) => toast(x.message));
  if (!e) return;
  fill(detail, h('h3', {}, e.name, e.problem ? h('span', { class: 'bad' }, ' · ' + e.problem) : null, e.note ? h('small', { 'data-testid': 'timeline-note' }, ' · ' + e.note) : null),
    h('h4', {}, t('request')), h('pre', {}, pretty(e.request) || t('noBody')),
    h('h4', {}, t('response')), h('pre', {}, pretty(e.response) || t('noBody')));
}

function pretty(text) {
  if (!text) return '';
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text.replace(/></g, '>\n<'); }
}

/** pickPerson opens the list of people under a button. */
export function pickPerson(popover, chosen) {
  const list = h('div', { class: 'people', role: 'listbox' });
  const search = h('input', { 'data-testid': 'member-search', placeholder: t('searchPeople'), 'aria-label': t('searchPeople'), oninput: () => find() });
  const find = async () => {
    const people = await api('GET', 'people?q=' + encodeURIComponent(search.value));
    fill(list, people.length ? people.map((p) => h('button', { role: 'option', 'data-testid': 'member-option-' + p.user_id, onclick: () => chosen(p) },
      h('span', { class: 'avatar face' }, p.name.slice(-1)),
      h('span', {}, h('b', {}, p.name), h('small', {}, p.student_no + ' · ' + t(p.type) + ' · ' + p.department), p.quirk ? h('small', { class: 'quirk' }, t(p.quirk)) : null))) : h('p', { class: 'empty' }, t('noPeople')));
  };
  fill(popover, h('div', { class: 'pop people-pop' }, h('label', { class: 'search' }, icon('search', 16), search), list));
  search.focus();
  find().catch((e) => toast(e.message));
}
