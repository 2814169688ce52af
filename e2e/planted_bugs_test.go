package e2e

// planted are the bugs a campus card system dies of, each as a change of a few
// words.
var planted = []bug{
	// What may happen once.
	{"a record of a till may be booked twice", unique, []edit{{"store/migrations/sqlite/00003_consumptions.sql",
		"CREATE UNIQUE INDEX consumptions_identity", "CREATE INDEX consumptions_identity"}}},
	{"a purchase of a chip may be booked twice", campusModel, []edit{{"store/migrations/sqlite/00003_consumptions.sql",
		"CREATE UNIQUE INDEX consumptions_of_card", "CREATE INDEX consumptions_of_card"}}},
	{"a card may have two open claims", unique, []edit{{"store/migrations/sqlite/00001_base.sql",
		"CREATE UNIQUE INDEX claims_open", "CREATE INDEX claims_open"}}},
	{"a posting may be made twice", unique, []edit{{"store/migrations/sqlite/00001_base.sql",
		"ref          TEXT   NOT NULL UNIQUE,", "ref          TEXT   NOT NULL,"}}},
	{"a payment may go back twice", unique, []edit{{"store/migrations/sqlite/00004_refunds.sql",
		"CREATE UNIQUE INDEX refunds_live", "CREATE INDEX refunds_live"}}},
	{"one WeChat transaction pays two orders", campusModel, []edit{{"store/migrations/sqlite/00001_base.sql",
		"wx_transaction_id TEXT   UNIQUE,", "wx_transaction_id TEXT,"}}},
	{"answered before it is committed", campusModel, []edit{{"store/store.go",
		"		return s.db.WithContext(ctx).Transaction(act)",
		`		acted := make(chan error, 1)
		go s.db.WithContext(context.WithoutCancel(ctx)).Transaction(func(tx *gorm.DB) error {
			err := act(tx)
			acted <- err
			time.Sleep(20 * time.Millisecond)
			return err
		})
		return <-acted`}}},
	{"a commit counts before its answer is read", wireCut, []edit{{"store/pipeline.go",
		`statement{what: "commit", query: "commit"})
	return p.send(ctx)`, `statement{what: "commit", query: "commit"})
	_ = p.send(ctx)
	return nil`}}},

	// Payments and refunds.
	{"a payment's amount is not compared", campusModel, []edit{{"store/topups.go",
		"	case int64(p.Total) != a.AmountFen:", "	case false:"}}},
	{"a notification settles twice", campusModel, []edit{
		{"store/topups.go", "	if settled(c.a.State) {", "	if false {"},
		{"store/topups.go", "	if !settled(c.o.State) {", "	if true {"}}},
	{"a payment whose notification is lost is never asked about", campusModel, []edit{{"store/payments.go",
		"state IN ('created', 'open', 'closing') AND created_at", "state IN ('created', 'closing') AND created_at"}}},
	{"what is in flight may be refunded", campusModel, []edit{{"store/refunds.go",
		"SET state = 'refunding' WHERE id = ? AND state = 'pending'", "SET state = 'refunding', claim_id = NULL WHERE id = ?"}}},
	{"a refund that WeChat Pay closed is not given back", campusModel, []edit{{"store/refunds.go",
		"SET state = 'pending' WHERE id = ? AND state = 'refunding'", "SET state = 'refunding' WHERE id = ? AND state = 'refunding'"}}},
	{"a refund's amount is not compared", campusModel, []edit{{"store/refunds.go",
		"	case w.Amount != r.Amount:", "	case false:"}}},
	{"anybody may have a transfer refunded", campusModel, []edit{{"store/refunds.go",
		`"WHERE t.id = ? AND t.person_id = ?", transferID`, `"WHERE t.id = ? AND t.person_id > 0 + 0 * ?", transferID`}}},

	// Claims.
	{"a purse is never filled to the fen", campusModel, []edit{{"ledger/claim.go",
		"next <= room", "next < room"}}},
	{"a claim is released by time alone", campusModel, []edit{{"store/chips.go",
		"	c := open.ledger()\n	switch c.Judge(chip) {",
		"	c := open.ledger()\n	if now.After(c.ExpiresAt) {\n		return nil, s.release(ctx, tx, card, c, chip, \"expired\", now)\n	}\n	switch c.Judge(chip) {"}}},
	{"another machine releases a claim at once", campusModel, []edit{{"store/chips.go",
		"if terminalID != c.TerminalID && !now.After(c.ExpiresAt) {", "if false {"}}},
	{"a doubt is resolved by the balance alone", campusModel, []edit{{"ledger/claim.go",
		"	switch loads := chip.LoadSeq - c.Before.LoadSeq; {",
		"	loads := int64(0)\n	if chip.Balance > c.Before.Balance {\n		loads = 1\n	}\n	switch {"}}},
	{"a held claim is released by the next chip", campusModel, []edit{{"ledger/claim.go",
		"loads == 0 && c.HeldAt.IsZero() && matches", "loads == 0 && matches"}}},
	{"a cloned chip is believed", campusModel, []edit{{"store/chips.go",
		"	return c.ChipLoadSeq == nil || (chip.LoadSeq == *c.ChipLoadSeq && chip.SpendSeq >= *c.ChipSpendSeq)", "	return true"}}},
	{"a confirm is believed without a write", campusModel, []edit{{"store/claims_end.go",
		"case c.State == ledger.ClaimOpen && c.Judge(chip) == ledger.Written:", "case c.State == ledger.ClaimOpen && c.Judge(chip) != ledger.Impossible:"}}},
	{"another terminal may confirm", campusModel, []edit{{"store/claims_end.go",
		"		if k.TerminalID != terminalID {", "		if false {"}}},
	{"a key may be used for another body", campusModel, []edit{{"store/claims.go",
		"subtle.ConstantTimeCompare(earlier.BodyHash, r.BodyHash)", "subtle.ConstantTimeCompare(r.BodyHash, r.BodyHash)"}}},
	{"a key is forgotten with the end of its claim", campusModel, []edit{{"store/claims.go",
		"WHERE k.terminal_id = ? AND k.idempotency_key = ?\n", "WHERE k.state = 'open' AND k.terminal_id = ? AND k.idempotency_key = ?\n"}}},
	{"a lost card may claim", campusModel, []edit{{"store/chips.go",
		"		return ledger.ErrCardLost", "		return nil"}}},

	// Purchases.
	{"a late record is dropped", campusModel, []edit{{"store/consumptions.go",
		"			at[r.Seq] = len(u.rows)\n			booked, late := u.store.accountingDay(r.OccurredAt, u.now)\n",
		"			booked, late := u.store.accountingDay(r.OccurredAt, u.now)\n			if late {\n				u.done.Duplicates++\n				continue\n			}\n			at[r.Seq] = len(u.rows)\n"}}},
	{"a conflicting record counts as a repeat", campusModel, []edit{{"store/consumptions.go",
		"case stands && u.repeats(before, r.Consumption):", "case stands && before.Seq == r.Seq:"}}},
	{"a purchase settles a claim made after it", campusModel, []edit{{"store/consumption_locked.go",
		"r.fresh && r.Chip.SpendSeq > c.Before.SpendSeq &&", "r.fresh &&"}}},
	{"records are acknowledged over a gap", campusModel, []edit{{"store/consumption_till.go",
		"			if seq != end+1 {", "			if seq < end {"}}},
	{"a purchase before the card was found again is not marked", campusModel, []edit{{"store/loss.go",
		"(to.IsZero() || at.Before(to))", "to.IsZero()"}}},
	{"a purchase may be corrected twice", campusModel, []edit{{"store/grants.go",
		`SourceRef: fmt.Sprintf("correction:%s:%d", c.TerminalID, c.Seq)}`, `SourceRef: fmt.Sprintf("correction:%s:%d:%d", c.TerminalID, c.Seq, micros(now))}`},
		{"store/migrations/sqlite/00007_books.sql",
			"    at          BIGINT NOT NULL,\n    PRIMARY KEY (terminal_id, seq)\n);\nCREATE INDEX corrections_by_card", "    at          BIGINT NOT NULL\n);\nCREATE INDEX corrections_by_card"}}},
	{"a batch grants again when it runs again", campusModel, []edit{{"store/grants.go",
		"Repeat: found[0].AmountFen != nil}", "Repeat: false}"}}},

	// Cards that are replaced.
	{"what a chip proved at the desk is moved again", campusModel, []edit{{"store/replacements.go",
		"SET balance_fen = balance_fen - ? WHERE id = ?`, int64(fen), card.ID)", "SET balance_fen = balance_fen - ? WHERE id = ? AND status <> 'closed'`, int64(fen), card.ID)"}}},
	{"what is left on an old card is moved before its time", campusModel, []edit{{"store/replacements.go",
		"moved_at IS NULL AND due_at <= ?", "moved_at IS NULL AND due_at < 2 * ?"}}},
	{"a card is replaced while money for it is on its way", campusModel, []edit{{"store/replacements.go",
		"		if err := claimOpen(tx, old.ID); err != nil {\n			return err\n		}\n", ""}}},
	{"a chip read at the desk is worth what it says", campusModel, []edit{{"store/replacements.go",
		"	case chip.Balance > ledger.Fen(card.BalanceFen):", "	case false:"}}},
	{"a purchase beyond what an old card had left is listed nowhere", campusModel, []edit{{"store/consumptions.go", "		u.listShort, ", "		"}}},

	// What PostgreSQL does in lists, and uploads without looking first.
	{"a plain settlement does not compare the payment", plainModel, []edit{{"store/topups.go",
		`ok && differs(t.a, p.Payment) == "" && `, "ok && "}}},
	{"a plain upload books on replaced cards", plainModel, []edit{{"store/consumption_plain.go", "c.status <> 'closed' AND ", ""},
		{"store/consumption_plain.go", "CASE WHEN status <> 'closed' THEN first_spend_seq END", "first_spend_seq"}}},
	{"a plain claim passes over an open one", plainModel, []edit{{"store/claims_plain.go",
		"v.odd[no] = earlier != nil || open != nil", "v.odd[no] = earlier != nil"}}},
	{"a plain claim is given for a cloned chip", plainModel, []edit{{"store/claims_plain.go",
		" AND (c.chip_load_seq IS NULL OR (c.chip_load_seq = v.load AND c.chip_spend_seq <= v.spend))", ""}}},
	{"a plain claim is given for a lost card", plainModel, []edit{{"store/claims_plain.go",
		"c.status = 'normal'", "c.status <> 'closed'"}}},
	{"a plain claim holds what does not fit", plainModel, []edit{{"store/claims_plain.go",
		" || len(taken) < len(waiting):", ":"}}},
	{"a plain confirm does not look at the chip", plainModel, []edit{{"store/claims_plain.go",
		" || c.Judge(w.chip) != ledger.Written {", " {"}}},
	{"another terminal may confirm plainly", plainModel, []edit{
		{"store/claims_plain.go", "JOIN claims k ON k.id = v.claim AND k.terminal_id = v.terminal AND", "JOIN claims k ON k.id = v.claim AND"},
		{"store/claims_plain.go", "WHERE k.id = v.claim AND k.terminal_id = v.terminal AND", "WHERE k.id = v.claim AND"},
		{"store/claims_plain.go", " || c.TerminalID != w.terminalID", ""}}},
	{"of a list only one is told", rush, []edit{{"store/claims_plain.go",
		"bookAll(tx, postings), s.push(tx, events...))", "bookAll(tx, postings), s.push(tx, events[:min(1, len(events))]...))"}}},
	{"a push does not count what came in the same moment", pendingTold, []edit{{"store/topups.go",
		"FOR NO KEY UPDATE OF o, p SKIP LOCKED", "FOR NO KEY UPDATE OF o SKIP LOCKED"}}},
	{"two of a list may want one card", plainModel, []edit{{"store/crowd.go",
		"if len(list) == listSize || keys[c.key(l.q)] {", "if len(list) == listSize {"}}},
	{"who waits gets the answer of another", plainModel, []edit{{"store/crowd.go",
		"answers[l] = done[i]", "answers[l] = done[len(done)-1-i]"}}},
	{"a list that failed is believed", wireCut, []edit{{"store/crowd.go",
		"if err != nil && !errors.Is(err, errNotPlain) {", "if err != nil && ctx.Err() != nil {"}}},
	{"a plain upload passes over an open claim", plainModel, []edit{
		{"store/consumption_plain.go", "ok && r.Chip.SpendSeq > spend {", "ok && r.Chip.SpendSeq > spend && false {"},
		{"store/consumption_plain.go", " FROM claims k\n		WHERE k.state", " FROM claims k\n		WHERE k.card_id < 0 AND k.state"}}},
	{"a plain upload passes over a claim made meanwhile", uploads, []edit{{"store/consumption_plain.go",
		"k.spend_seq < (?::bigint[])[", "k.spend_seq < 0 * (?::bigint[])["}}},
	{"a plain upload passes over a loss reported meanwhile", uploads, []edit{{"store/consumption_plain.go",
		"CAST(`+blacklistVersion+` = ? AND", "CAST(`+blacklistVersion+` >= ? AND"}}},
	{"a plain upload moves a chip that was loaded elsewhere", uploads, []edit{{"store/consumption_plain.go",
		" AND (c.chip_load_seq = v.c4 OR c.chip_spend_seq >= v.c5)", ""}}},
	{"everybody waits for who is held back", stuck, []edit{
		{"store/claims_plain.go", "ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED) AS v\n			WHERE c.id = v.id RETURNING", "ORDER BY c.id) AS v\n			WHERE c.id = v.id RETURNING"},
		{"store/crowd.go", "'200ms', TRUE", "'0', TRUE"}}},
	{"an act that made way for another is given up", stuck, []edit{{"store/store.go", "tries == 3 ||", "tries == 1 ||"}}},
	{"a frozen replica keeps its rows", stuck, []edit{{"store/store.go", `params["idle_in_transaction_session_timeout"] = "5s"`, ""}}},
	{"nobody waits for a card", plainModel, []edit{{"store/chips.go",
		" FROM campus_cards WHERE `+where+` FOR UPDATE`", " FROM campus_cards WHERE `+where"}}},
	{"nobody waits for an order", plainModel, []edit{{"store/topups.go",
		"WHERE a.out_trade_no = ? FOR NO KEY UPDATE`", "WHERE a.out_trade_no = ?`"}}},

	// What only a terminal sees.
	{"a nonce is not stored", outside, []edit{{"kiosk/auth.go",
		"	if err := a.cfg.Store.UseNonce(c.ctx, t.ID, sig.nonce, c.now); err != nil {", "	if err := error(nil); err != nil {"}}},
	{"the answer comes before the claim is confirmed", outside, []edit{{"kiosk/claims.go",
		"	claim, err := a.cfg.Store.ConfirmClaim(c.ctx, c.terminal.ID, c.r.PathValue(\"id\"), chip, c.now)",
		`	claim, err := ledger.Claim{State: ledger.ClaimClaimed}, error(nil)
	go func() {
		time.Sleep(300 * time.Millisecond)
		_, _ = a.cfg.Store.ConfirmClaim(context.WithoutCancel(c.ctx), c.terminal.ID, c.r.PathValue("id"), chip, c.now)
	}()`}, {"kiosk/claims.go", "import (", "import (\n	\"context\"\n	\"time\""}}},
}
