package h5

import (
	"time"

	"xiaoka/ledger"
)

// history is a month like many: three purchases a day, two loads, one purchase
// that came late and one after a loss report.
func history(from time.Time) (all []ledger.Movement) {
	chip := ledger.Chip{LoadSeq: 7, SpendSeq: 40, Balance: opened}
	add := func(m ledger.Movement) {
		if m.Kind == ledger.MovementClaim {
			chip.LoadSeq++
		} else {
			chip.SpendSeq++
			m.Booked = time.Date(m.At.Year(), m.At.Month(), m.At.Day(), 0, 0, 0, 0, m.At.Location())
		}
		chip.Balance += m.Change()
		m.LoadSeq, m.SpendSeq, m.After, m.TerminalID = chip.LoadSeq, chip.SpendSeq, chip.Balance, "P01"
		all = append(all, m)
	}
	for day := range 22 {
		at := from.AddDate(0, 0, day)
		if day%10 == 1 {
			add(ledger.Movement{Kind: ledger.MovementClaim, Amount: 50000, At: at.Add(7 * time.Hour), Where: "图书馆一楼"})
		}
		for i, where := range []string{"一食堂 早点", "二号餐厅 风味窗口", "教育超市"}[:3-day%3] {
			add(ledger.Movement{Kind: ledger.MovementConsumption, Amount: ledger.Fen(350 + 431*i + 37*day), At: at.Add(time.Duration(8+5*i) * time.Hour), Where: where})
		}
	}
	late := &all[len(all)-1]
	late.Late, late.Booked = true, late.Booked.AddDate(0, 0, 2)
	all[len(all)-2].AfterLoss = true
	return all
}
