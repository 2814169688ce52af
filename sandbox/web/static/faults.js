// The switches for what can go wrong outside, each with a line on what a member should notice.

import { api, fill, h, toast } from './dom.js';
import { t } from './i18n.js';

let root, state = null;

/** mountFaults builds the panel; refreshFaults keeps it up to date. */
export function mountFaults(el) { root = el; }

/** refreshFaults fetches the switches and draws them. */
export async function refreshFaults() { draw(await api('GET', 'faults')); }

/** redrawFaults draws them again in the other language. */
export function redrawFaults() { if (state) draw(state); }

function draw(next) {
  state = next;
  const rows = state.faults.map((f) => row(f.id, f.on, () => flip(f.id, !f.on)));
  if (state.power) rows.unshift(row('power_off', !state.up, () => flip('power', !state.up)));
  fill(root, h('p', { class: 'faults-hint' }, t('faultsHint')), h('div', { class: 'faults-grid' }, rows,
    h('div', { class: 'fault' }, h('button', { class: 'quiet', 'data-testid': 'fault-revoke_tokens', onclick: () => flip('revoke_tokens', true) }, t('fault_revoke_tokens')), h('small', {}, t('then_revoke_tokens')))));
}

function row(id, on, onchange) {
  return h('label', { class: 'fault' + (on ? ' on' : '') },
    h('input', { type: 'checkbox', role: 'switch', checked: on, 'data-testid': 'fault-' + id, onchange }),
    h('b', {}, t('fault_' + id)), h('small', {}, t('then_' + id)));
}

async function flip(id, on) {
  try { draw(await api('POST', 'faults/' + id, { on })); } catch (e) { toast(e.message); refreshFaults(); }
}
