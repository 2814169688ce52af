package h5

// Role is what somebody must be to use an address. Each includes the ones
// before it; who is less is led to the next step.
type Role int

// The roles.
const (
	Open     Role = iota // anybody
	Member               // came in through WeCom
	Verified             // proved to be the person on record
	Holder               // has bound the campus card; the initial query password will do
	Bound                // has bound it, and chosen an own query password where that is required
)

// Kind is what an address answers with, and so how it fails.
type Kind int

// The kinds of answers.
const (
	Page    Kind = iota // HTML, errors too; without a session it starts OAuth
	Data                // read by scripts; errors are problem+json
	Picture             // shown inside a page; errors are problem+json
)

// Route is one address of the pages.
type Route struct {
	Method  string // empty = any
	Pattern string // of net/http's ServeMux
	Role    Role
	Kind    Kind

	handle func(*visit) error
}

// Routes lists every address of the pages with the role it needs.
func Routes() []Route {
	return []Route{
		{"", "/h5/", Open, Page, (*visit).nowhere},
		{"GET", "/h5/static/{file}", Open, Page, (*visit).static},
		{"GET", "/h5/oauth/callback", Open, Page, (*visit).callback},

		{"GET", "/h5/{$}", Bound, Page, (*visit).home},

		{"GET", "/h5/verify", Member, Page, (*visit).verifyForm},
		{"POST", "/h5/verify", Member, Page, (*visit).verify},
		{"GET", "/h5/bind", Verified, Page, (*visit).bindForm},
		{"POST", "/h5/bind", Verified, Page, (*visit).bind},
		{"GET", "/h5/password", Verified, Page, (*visit).passwordForm},
		{"POST", "/h5/password", Verified, Page, (*visit).password},

		{"GET", "/h5/topup", Bound, Page, (*visit).topUpForm},
		{"POST", "/h5/topup", Bound, Page, (*visit).topUp},
		{"GET", "/h5/topup/orders/{no}", Bound, Page, (*visit).order},
		{"GET", "/h5/topup/orders/{no}/status", Bound, Data, (*visit).orderStatus},
		{"GET", "/h5/topup/orders/{no}/pay", Bound, Data, (*visit).orderPay},
		{"GET", "/h5/topup/orders/{no}/qr.png", Bound, Picture, (*visit).orderQR},

		{"GET", "/h5/loss", Holder, Page, (*visit).lossForm},
		{"POST", "/h5/loss", Holder, Page, (*visit).loss},
		{"GET", "/h5/loss/cancel", Bound, Page, (*visit).cancelLossForm},
		{"POST", "/h5/loss/cancel", Bound, Page, (*visit).cancelLoss},

		{"GET", "/h5/transfers", Bound, Page, (*visit).transfers},
		{"GET", "/h5/transfers/{id}/refund", Bound, Page, (*visit).refundForm},
		{"POST", "/h5/transfers/{id}/refund", Bound, Page, (*visit).refund},

		{"GET", "/h5/transactions", Bound, Page, (*visit).transactions},
		{"GET", "/h5/transactions.csv", Bound, Page, (*visit).transactionsCSV},
		{"GET", "/h5/transactions.xlsx", Bound, Page, (*visit).transactionsXLSX},
		{"GET", "/h5/transactions/print", Bound, Page, (*visit).printed},
		{"GET", "/h5/statement", Bound, Page, (*visit).statement},
		{"GET", "/h5/statement.png", Open, Picture, (*visit).statementPNG},

		{"GET", "/h5/settings", Member, Page, (*visit).settingsForm},
		{"POST", "/h5/settings", Member, Page, (*visit).settings},
		{"GET", "/h5/unbind", Bound, Page, (*visit).unbindForm},
		{"POST", "/h5/unbind", Bound, Page, (*visit).unbind},
		{"GET", "/h5/goodbye", Open, Page, (*visit).goodbye},
	}
}
