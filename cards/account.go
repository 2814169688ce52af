package cards

import "time"

// BalanceData is what a person's card holds, as the books say.
type BalanceData struct {
	CardNo     string    // shown with its last four characters only
	BalanceFen int64     // on the card, by the newest record received
	PendingFen int64     // paid, not yet claimed
	Status     string    // normal, lost, frozen, closed
	AsOf       time.Time // of the newest record, in the zone to show
	Missing    int       // records the chip's counters say have not come yet
	Now        time.Time // in the same zone; on its day AsOf is said without the date

	InFlightFen int64 // authorised for this card and not yet proven to be on it
	Doubt       bool  // of unknown outcome, no longer being written

	OldFen int64     // on replaced cards
	OldDue time.Time // when it can be collected

	LastTitle  string // merchant or kind of the last transaction; "" = none
	LastAmount string // of it, with its sign
	LastAt     time.Time

	HomeURL, TopUpURL, DetailsURL, PendingURL string
	CancelLossURL                             string // of a lost card
}

// Balance answers 余额.
func Balance(lang Lang, d BalanceData) Card {
	about := kBalanceOnCard
	if d.Missing > 0 {
		about = kBalanceAbout
	}
	c := notice(lang, "balance", kSourceCard, say(lang, kBalanceTitle), "", d.HomeURL)
	if !d.AsOf.IsZero() && d.Missing <= 0 {
		c.MainTitle.Desc = say(lang, kBalanceAsOf, When(lang, d.AsOf))
	}
	c.EmphasisContent = &Emphasis{Title: Yuan(d.BalanceFen), Desc: say(lang, about)}
	switch {
	case d.Missing == 1:
		c.SubTitleText = say(lang, kBalanceOneMissing, asOf(lang, d.AsOf, d.Now))
	case d.Missing > 1:
		c.SubTitleText = say(lang, kBalanceMissing, asOf(lang, d.AsOf, d.Now), d.Missing)
	}
	c.row(kRowPending, say(lang, kToCollect, Yuan(d.PendingFen)))
	c.rowInFlight(d.InFlightFen, d.Doubt)
	if d.OldFen > 0 {
		c.row(kRowOldCard, say(lang, kOldCard, Yuan(d.OldFen), Day(lang, d.OldDue)))
	}
	c.row(kRowCard, MaskCardNo(d.CardNo))
	c.row(kRowStatus, statusText(lang, d.Status))
	if d.LastTitle != "" {
		c.row(kRowLast, titled(d.LastTitle, d.LastAmount, lenValue))
		c.row(kRowTime, When(lang, d.LastAt))
	}
	switch d.Status {
	case "normal":
		c.jump(kJumpTopUp, d.TopUpURL)
	case "lost":
		c.jump(kLostCancel, d.CancelLossURL)
	}
	c.jump(kJumpDetails, d.DetailsURL)
	if d.PendingFen > 0 {
		c.jump(kJumpPending, d.PendingURL)
	}
	return c.Fit()
}

// rowInFlight says what is being written to the card, or may be on it.
func (c *Card) rowInFlight(fen int64, doubt bool) {
	switch {
	case fen > 0 && doubt:
		c.row(kRowDoubt, say(c.lang, kDoubtOf, Yuan(fen)))
	case fen > 0:
		c.row(kRowWriting, Yuan(fen))
	}
}

// asOf is the moment of the newest record, a bare time when it is today's.
func asOf(lang Lang, at, now time.Time) string {
	if !at.IsZero() && at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04")
	}
	return When(lang, at)
}

func statusText(lang Lang, status string) string {
	switch status {
	case "normal":
		return say(lang, kStatusNormal)
	case "lost":
		return say(lang, kStatusLost)
	case "frozen":
		return say(lang, kStatusFrozen)
	case "closed":
		return say(lang, kStatusClosed)
	}
	return status
}

// PendingTransfer is one transfer waiting to be claimed.
type PendingTransfer struct {
	Title     string
	AmountFen int64
	CreatedAt time.Time
}

// PendingData is what waits to be claimed, oldest first.
type PendingData struct {
	TotalFen  int64
	Count     int // of all transfers; Transfers may hold only the first few
	Transfers []PendingTransfer
	Now       time.Time // in the transfers' zone
	Places    []string  // where the self-service machines stand
	ListURL   string    // all transfers
	TopUpURL  string
	Status    string // as in BalanceData
	CancelURL string // where the loss of a lost card is taken back
	MostFen   int64  // what a card may hold, where it has no room for all that waits; else 0
}

// Pending answers 待领 and 领款: what waits, and where to collect it.
func Pending(lang Lang, d PendingData) Card {
	count := max(d.Count, len(d.Transfers))
	if count == 0 {
		c := notice(lang, "pending", kSourceCard, say(lang, kPendingNone), say(lang, kPendingNoneDesc), d.ListURL)
		c.SubTitleText = pendingHow(lang, d)
		c.jump(kJumpTopUp, d.TopUpURL)
		return c.Fit()
	}
	c := notice(lang, "pending", kSourceCard, say(lang, kPendingTitle), say(lang, kPendingDesc, count), d.ListURL)
	c.EmphasisContent = &Emphasis{Title: Yuan(d.TotalFen), Desc: say(lang, kPendingTotal)}
	c.SubTitleText = pendingHow(lang, d)
	shown := min(len(d.Transfers), maxHorizontal)
	if count > maxHorizontal {
		shown = min(shown, maxHorizontal-1)
	}
	for _, t := range d.Transfers[:shown] {
		c.HorizontalContentList = append(c.HorizontalContentList, Horizontal{
			KeyName: say(lang, kRowSince), Value: line(lang, t.CreatedAt, d.Now, t.Title, Yuan(t.AmountFen)),
		})
	}
	if rest := count - shown; rest > 0 {
		c.row(kRowMore, say(lang, kPendingMore, rest))
	}
	if d.Status == "lost" {
		c.jump(kLostCancel, d.CancelURL)
	}
	c.jump(kPendingList, d.ListURL)
	return c.Fit()
}

// pendingHow says how the money is collected: where, or what comes first.
func pendingHow(lang Lang, d PendingData) string {
	switch {
	case len(d.Transfers) == 0 && d.Status != "normal":
		return ""
	case d.Status == "lost":
		return say(lang, kPendingLost)
	case d.Status == "frozen":
		return say(lang, kPendingFrozen)
	case d.MostFen > 0:
		return say(lang, kPendingRoom, say(lang, kPendingWhere), Yuan(d.MostFen))
	}
	return pendingWhere(lang, d.Places)
}

// pendingWhere says where money is collected.
func pendingWhere(lang Lang, places []string) string {
	if joined := joinPlaces(lang, places); joined != "" {
		return say(lang, kPendingPlaces, joined)
	}
	return say(lang, kPendingWhere)
}

// ClaimedData is one claim that reached the chip.
type ClaimedData struct {
	AmountFen  int64
	CardNo     string
	BalanceFen int64 // on the card after the write
	Place      string
	At         time.Time
	URL        string
}

// Claimed tells that claimed money is on the card now.
func Claimed(lang Lang, d ClaimedData) Card {
	c := notice(lang, "claimed", kSourceCard, say(lang, kClaimedTitle), "", d.URL)
	c.EmphasisContent = &Emphasis{Title: Yuan(d.AmountFen), Desc: say(lang, kClaimedDesc)}
	c.row(kClaimedBalance, Yuan(d.BalanceFen))
	c.row(kRowCard, MaskCardNo(d.CardNo))
	c.row(kRowPlace, d.Place)
	c.row(kRowTime, When(lang, d.At))
	return c.Fit()
}

// ClaimTroubleData is one claim whose write is of unknown outcome, or did not happen.
type ClaimTroubleData struct {
	AmountFen int64
	Place     string
	At        time.Time
	URL       string
}

// ClaimInDoubt tells, calmly, that the outcome of a write is not known yet.
func ClaimInDoubt(lang Lang, d ClaimTroubleData) Card {
	return claimTrouble(lang, "claim_in_doubt", kInDoubtTitle, kInDoubtDesc, d)
}

// ClaimReleased tells that a write did not happen and the money waits again.
func ClaimReleased(lang Lang, d ClaimTroubleData) Card {
	return claimTrouble(lang, "claim_released", kReleasedTitle, kReleasedDesc, d)
}

func claimTrouble(lang Lang, kind string, title, desc key, d ClaimTroubleData) Card {
	c := notice(lang, kind, kSourceCard, say(lang, title), say(lang, desc), d.URL)
	c.EmphasisContent = &Emphasis{Title: Yuan(d.AmountFen)}
	c.row(kRowPlace, d.Place)
	c.row(kRowTime, When(lang, d.At))
	return c.Fit()
}
