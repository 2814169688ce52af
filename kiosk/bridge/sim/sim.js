// The hand at a simulated reader: puts cards in and pulls them out.

const state = document.getElementById('state');

async function call(path, body) {
  const answer = await fetch(path, body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) { state.textContent = '不行 refused: ' + answer.status; return; }
  const { card, tear } = await answer.json();
  const chip = card && card.chip;
  state.textContent = (card ? `${card.card_no} · ¥${(chip.balance_fen / 100).toFixed(2)} · load ${chip.load_seq} · spend ${chip.spend_seq}` : '没有卡 No card') +
    (tear ? ` · ${tear}` : '');
}

document.getElementById('put').addEventListener('submit', (e) => {
  e.preventDefault();
  const form = new FormData(e.target);
  const chip = Object.fromEntries(['load_seq', 'spend_seq', 'balance_fen'].map((k) => [k, Number(form.get(k) || 0)]));
  const given = ['load_seq', 'spend_seq', 'balance_fen'].some((k) => form.get(k) !== '');
  call('sim/put', given ? { card_no: form.get('card_no'), chip } : { card_no: form.get('card_no') });
});
document.getElementById('pull').addEventListener('click', () => call('sim/pull', {}));
for (const b of document.querySelectorAll('[data-tear]')) b.addEventListener('click', () => call('sim/tear', { at: b.dataset.tear }));

call('sim/state');
setInterval(() => call('sim/state'), 1000);
