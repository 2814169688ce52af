// WeChat's cashier, and the camera that reads a payment code. The sandbox checks the parameters as WeChat does and pays;
// what the page is told here is only a hint, as in life.

import { api, fill, h, icon, toast, yuan } from './dom.js';
import { t } from './i18n.js';

/** cashier shows the pay sheet for WeixinJSBridge's parameters; done gets ok, cancel or fail. */
export async function cashier(params, done) {
  const sheet = h('div', { class: 'pay-sheet', role: 'dialog', 'data-testid': 'pay-sheet' });
  const shade = h('div', { class: 'pay-shade' }, sheet);
  document.getElementById('screens').append(shade);
  const end = (answer) => { shade.remove(); done(answer); };
  let order;
  try {
    order = await api('POST', 'pay/check', params);
  } catch (e) {
    return fill(sheet, payHead(() => end('fail')), h('p', { class: 'pay-broken' }, t('payBroken')), h('small', { 'data-testid': 'pay-error' }, e.message));
  }
  const confirm = h('button', { class: 'pay-confirm', 'data-testid': 'pay-confirm' }, t('payConfirm'));
  confirm.addEventListener('click', async () => {
    confirm.disabled = true;
    try {
      await api('POST', 'pay', params);
      fill(sheet, h('div', { class: 'pay-done' }, icon('check', 56), h('b', {}, t('payDone')), h('span', {}, '¥' + yuan(order.amount_fen))));
      setTimeout(() => end('ok'), 900);
    } catch (e) {
      toast(e.message);
      end('fail');
    }
  });
  return fill(sheet,
    payHead(async () => { await api('POST', 'pay/cancel', params).catch(() => {}); end('cancel'); }),
    h('p', { class: 'pay-to' }, t('payTo') + ' ' + t('merchant')),
    h('p', { class: 'pay-amount', 'data-testid': 'pay-amount' }, h('small', {}, '¥'), yuan(order.amount_fen)),
    h('dl', {}, h('div', {}, h('dt', {}, order.description), h('dd', {}, '')), h('div', {}, h('dt', {}, t('payMethod')), h('dd', {}, t('balanceWallet')))),
    confirm,
    h('button', { class: 'bare pay-fail', 'data-testid': 'pay-fail', onclick: () => end('fail') }, t('payFail')));
}

function payHead(cancel) {
  return h('button', { class: 'bare pay-cancel', 'data-testid': 'pay-cancel', 'aria-label': 'cancel', onclick: cancel }, icon('close', 20));
}

/** scanner is the tool that pays a payment code: pasted, or picked among the open Native orders. */
export async function scanner(box) {
  const orders = await api('GET', 'pay/orders');
  const field = h('input', { 'data-testid': 'scan-input', placeholder: 'weixin://wxpay/bizpayurl?pr=…', 'aria-label': t('scanHint') });
  const pay = async (code) => {
    try { await api('POST', 'pay/scan', { code_url: code }); toast(t('payDone')); } catch (e) { toast(t('payRefused') + ' · ' + e.message); }
  };
  fill(box, h('h2', {}, t('scan')), h('p', {}, t('scanHint')),
    h('div', { class: 'scan-row' }, field, h('button', { class: 'primary', 'data-testid': 'scan-pay', onclick: () => pay(field.value.trim()) }, t('scanPay'))),
    h('div', { class: 'scan-orders' }, orders.length ? orders.map((o) => h('button', { 'data-testid': 'scan-order-' + o.out_trade_no, onclick: () => pay(o.code_url) }, h('span', {}, o.description), h('b', {}, '¥' + yuan(o.total_fen)))) : h('small', {}, t('noOrders'))));
}
