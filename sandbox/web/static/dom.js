// Small pieces every other file uses: elements, calls to the sandbox, amounts and times. No framework behind it.

/** h makes an element. Props starting with "on" are listeners, the rest attributes; true sets, false and null leave out. */
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else if (name === 'class') el.className = value;
    else if (name === 'value') el.value = value;
    else el.setAttribute(name, value === true ? '' : value);
  }
  append(el, children);
  return el;
}

function append(el, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    el.append(child);
  }
}

/** fill replaces what is in an element. */
export function fill(el, ...children) {
  el.replaceChildren();
  append(el, children);
  return el;
}

const drawn = new WeakMap();

/** once runs draw unless it has drawn the same values into el before: what a person is about to press stays where it is. */
export function once(el, values, draw) {
  const text = JSON.stringify([values, document.documentElement.lang]);
  if (drawn.get(el) === text) return;
  drawn.set(el, text);
  draw();
}

const paths = {
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  chevron: 'M9 6l6 6-6 6',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  check: 'M5 13l4.5 4.5L19 7',
  menu: 'M5 8h14M5 12h14M5 16h14',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.5 16.5L21 21',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  shield: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2.2 2.2L15.5 10',
  card: 'M3 7a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM3 10h18M7 15h4',
  mail: 'M4 6h16v12H4zM4 7l8 6 8-6',
  scan: 'M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3M4 12h16',
  send: 'M12 19V6M6 11l6-6 6 6',
};

/** icon is one of our own line drawings. */
export function icon(name, size = 20) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [k, v] of Object.entries({
    viewBox: '0 0 24 24', width: size, height: size, fill: 'none', stroke: 'currentColor', 'stroke-width': name === 'more' ? 3 : 1.8,
    'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': 'true',
  })) svg.setAttribute(k, v);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', paths[name]);
  svg.append(path);
  return svg;
}

/** api calls the sandbox. A failure throws an Error whose message is fit to show and whose code is the server's. */
export async function api(method, path, body) {
  const response = await fetch('/sandbox/api/' + path, {
    method,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const value = text ? JSON.parse(text) : null;
  if (!response.ok) {
    const error = new Error((value && value.message) || response.statusText);
    error.code = (value && value.code) || '';
    throw error;
  }
  return value;
}

/** yuan writes fen as 12.30; no floating point is involved. */
export function yuan(fen) {
  const sign = fen < 0 ? '−' : '';
  const abs = Math.abs(fen);
  return sign + Math.trunc(abs / 100) + '.' + String(abs % 100).padStart(2, '0');
}

const campusTime = (options) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Shanghai', hour: '2-digit', minute: '2-digit', ...options });
const minutes = campusTime({});
const seconds = campusTime({ second: '2-digit' });

const days = new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Shanghai', day: 'numeric', month: 'numeric' });

/** moment is a day and a time: 11-23 10:50. */
export function moment(at) {
  const [day, month] = days.format(new Date(at)).split('/');
  return month + '-' + day + ' ' + clock(at);
}

/** clock is a time of day on the campus, wherever the browser stands. */
export function clock(at, withSeconds = false) {
  return (withSeconds ? seconds : minutes).format(new Date(at));
}

let toastTimer = 0;

/** toast says one line at the bottom of the desk. */
export function toast(text) {
  document.querySelector('.toast')?.remove();
  clearTimeout(toastTimer);
  document.body.append(h('div', { class: 'toast', role: 'alert', 'data-testid': 'toast' }, text));
  toastTimer = setTimeout(() => document.querySelector('.toast')?.remove(), 4000);
}
