// The in-app browser: a frame over the phone's screen. It stands in for the client's WebView, so it puts a WeixinJSBridge
// into each page it shows, as WeChat does some moments after a page began to load (hence WeixinJSBridgeReady).

import { fill, h, icon } from './dom.js';
import { t } from './i18n.js';
import { cashier } from './pay.js';

const agent = ' wxwork/4.1.36 MicroMessenger/7.0.1';
let overlay, frame, title, timer;

/** openBrowser shows an address of this origin; others get a page that says why not. */
export function openBrowser(address) {
  const url = new URL(address, location.href);
  close();
  if (document.body.classList.contains('wecom-only') && url.origin !== location.origin) { window.open(url.href, '_blank', 'noopener'); return; }
  title = h('b', { class: 'browser-title', 'data-testid': 'browser-title' }, t('loading'));
  frame = h('iframe', { class: 'browser-frame', 'data-testid': 'browser-frame', title: 'WeCom', onload: loaded });
  const mine = url.origin === location.origin;
  overlay = h('div', { class: 'screen browser', 'data-testid': 'browser' },
    h('div', { class: 'screen-title' },
      h('button', { class: 'bare', 'data-testid': 'browser-close', 'aria-label': 'close', onclick: close }, icon('close', 22)),
      title,
      h('button', { class: 'bare', 'data-testid': 'browser-back', 'aria-label': 'back', onclick: back }, icon('back', 22))),
    mine ? frame : h('div', { class: 'browser-outside' }, h('p', {}, t('notHere')), h('code', {}, url.href)));
  if (!mine) fill(title, url.host);
  document.getElementById('screens').append(overlay);
  if (mine) {
    frame.src = url.href;
    timer = setInterval(inject, 25);
  }
}

/** closeBrowser closes it, as when the phone changes hands. */
export function closeBrowser() { close(); }

function close() {
  clearInterval(timer);
  if (overlay) overlay.remove();
  overlay = frame = null;
}

function back() {
  // The frame shares the desk's history, so only its own list of pages says whether there is one to go back to.
  let pages = null;
  try { pages = frame.contentWindow.navigation; } catch { /* a page of another origin */ }
  if (pages && pages.canGoBack) pages.back();
  else close();
}

function loaded() {
  inject();
  try { fill(title, frame.contentDocument.title || frame.contentWindow.location.pathname); } catch { fill(title, t('notHere')); }
}

function inject() {
  let win;
  try {
    win = frame.contentWindow;
    if (win.location.href === 'about:blank' || win.document.readyState === 'loading' || win.WeixinJSBridge) return;
    if (win.document.title) fill(title, win.document.title);
  } catch { return; } // a page of another origin is out of reach, as it is out of this simulation
  const userAgent = win.navigator.userAgent + agent;
  Object.defineProperty(win.navigator, 'userAgent', { get: () => userAgent, configurable: true });
  win.WeixinJSBridge = bridge();
  win.document.dispatchEvent(new win.Event('WeixinJSBridgeReady'));
}

function bridge() {
  const calls = {
    getBrandWCPayRequest: (params, done) => cashier(params, (err_msg) => done({ err_msg: 'get_brand_wcpay_request:' + err_msg })),
    closeWindow: (params, done) => { close(); done({ err_msg: 'close_window:ok' }); },
    hideOptionMenu: (params, done) => done({ err_msg: 'hideOptionMenu:ok' }),
    showOptionMenu: (params, done) => done({ err_msg: 'showOptionMenu:ok' }),
  };
  const invoke = (name, params, callback) => {
    const done = (answer) => setTimeout(() => callback && callback(answer), 0);
    if (calls[name]) calls[name](params || {}, done);
    else done({ err_msg: 'system:function_not_exist' });
  };
  return { invoke, call: (name, params, callback) => invoke(name, params, callback), on: () => {} };
}
