//go:build planted

package e2e

// planted are the bugs a campus card system dies of, each as a change of a few
// words.
var planted = []bug{
	{"a record of a till may be booked twice", campusModel, []edit{{"store/migrations/sqlite/00003_consumptions.sql",
		"CREATE UNIQUE INDEX consumptions_identity", "CREATE INDEX consumptions_identity"}}},
	{"a purchase of a chip may be booked twice", campusModel, []edit{{"store/migrations/sqlite/00003_consumptions.sql",
		"CREATE UNIQUE INDEX consumptions_of_card", "CREATE INDEX consumptions_of_card"}}},
	{"a card may have two open claims", schema, []edit{{"store/migrations/sqlite/00001_base.sql",
		"CREATE UNIQUE INDEX claims_open", "CREATE INDEX claims_open"}}},
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
	{"a payment's amount is not compared", campusModel, []edit{{"store/payments.go",
		"	case int64(p.Total) != a.AmountFen:", "	case false:"}}},
	{"a notification settles twice", campusModel, []edit{{"store/payments.go",
		"		case ledger.AttemptPaid, ledger.AttemptRefunded:", "		case ledger.AttemptRefunded:"}}},
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
	{"a purse is never filled to the fen", campusModel, []edit{{"ledger/claim.go",
		"next <= room", "next < room"}}},
	{"a claim is released by time alone", campusModel, []edit{{"store/chips.go",
		"	c := open.ledger()\n	switch c.Judge(chip) {",
		"	c := open.ledger()\n	if now.After(c.ExpiresAt) {\n		return nil, release(tx, card, c, chip, \"expired\", now)\n	}\n	switch c.Judge(chip) {"}}},
	{"another machine releases a claim at once", campusModel, []edit{{"store/chips.go",
		"if terminalID != c.TerminalID && !now.After(c.ExpiresAt) {", "if false {"}}},
	{"a doubt is resolved by the balance alone", campusModel, []edit{{"ledger/claim.go",
		"	switch loads := chip.LoadSeq - c.Before.LoadSeq; {",
		"	loads := int64(0)\n	if chip.Balance > c.Before.Balance {\n		loads = 1\n	}\n	switch {"}}},
	{"a held claim is released by the next chip", campusModel, []edit{{"ledger/claim.go",
		"loads == 0 && c.HeldAt.IsZero() && matches", "loads == 0 && matches"}}},
	{"a cloned chip is believed", campusModel, []edit{{"store/chips.go",
		"	return c.ChipLoadSeq == nil || (chip.LoadSeq == *c.ChipLoadSeq && chip.SpendSeq >= *c.ChipSpendSeq)", "	return true"}}},
	{"a confirm is believed without a write", campusModel, []edit{{"store/claims.go",
		"case c.State == ledger.ClaimOpen && c.Judge(chip) == ledger.Written:", "case c.State == ledger.ClaimOpen && c.Judge(chip) != ledger.Impossible:"}}},
	{"another terminal may confirm", campusModel, []edit{{"store/claims.go",
		`"id = (SELECT card_id FROM claims WHERE id = ? AND terminal_id = ?)", claimID, terminalID)`, `"id = (SELECT card_id FROM claims WHERE id = ?)", claimID)`}}},
	{"a key may be used for another body", campusModel, []edit{{"store/claims.go",
		"subtle.ConstantTimeCompare(earlier.BodyHash, r.BodyHash)", "subtle.ConstantTimeCompare(r.BodyHash, r.BodyHash)"}}},
	{"a lost card may claim", campusModel, []edit{{"store/chips.go",
		"		return ledger.ErrCardLost", "		return nil"}}},
	{"a late record is dropped", campusModel, []edit{{"store/consumptions.go",
		"			booked, late := u.store.accountingDay(r.OccurredAt, u.now)",
		"			booked, late := u.store.accountingDay(r.OccurredAt, u.now)\n			if late {\n				delete(at, r.Seq)\n				u.done.Duplicates++\n				continue\n			}"}}},
	{"a conflicting record counts as a repeat", campusModel, []edit{{"store/consumptions.go",
		"if before, ok := standing[r.Seq]; ok && same(before, r.Consumption) {", "if _, ok := standing[r.Seq]; ok {"}}},
	{"a purchase settles a claim made after it", campusModel, []edit{{"store/consumptions.go",
		"u.fresh[r.Seq] && r.Chip.SpendSeq > c.Before.SpendSeq &&", "u.fresh[r.Seq] &&"}}},
	{"records are acknowledged over a gap", campusModel, []edit{{"store/consumption_rows.go",
		"			if seq != end+1 {", "			if seq < end {"}}},
	{"a purchase before the card was found again is not marked", campusModel, []edit{{"store/consumptions.go",
		"(l.EndedAt == nil || micros(r.OccurredAt) < *l.EndedAt)", "l.EndedAt == nil"}}},
	{"a purchase may be corrected twice", campusModel, []edit{{"store/grants.go",
		`SourceRef: fmt.Sprintf("correction:%s:%d", c.TerminalID, c.Seq)}`, `SourceRef: fmt.Sprintf("correction:%s:%d:%d", c.TerminalID, c.Seq, micros(now))}`},
		{"store/migrations/sqlite/00007_books.sql",
			"    at          BIGINT NOT NULL,\n    PRIMARY KEY (terminal_id, seq)\n);\nCREATE INDEX corrections_by_card", "    at          BIGINT NOT NULL\n);\nCREATE INDEX corrections_by_card"}}},
	{"a batch grants again when it runs again", campusModel, []edit{{"store/grants.go",
		"Repeat: found[0].AmountFen != nil}", "Repeat: false}"}}},
	{"a commit counts before its answer is read", wireCut, []edit{{"store/pipeline.go",
		`statement{what: "commit", query: "commit"})
	return p.send(ctx)`, `statement{what: "commit", query: "commit"})
	_ = p.send(ctx)
	return nil`}}},
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
