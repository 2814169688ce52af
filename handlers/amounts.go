package handlers

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// An amount that is none, such as 12.345 or 1e3, is not a wish without one:
// who typed it is told how amounts are written. Who typed one beyond all that
// are read is told what the most is.

const currency = `(?:元|块|块钱|圆|yuan|rmb|cny)?吧?$`

var (
	numberLike  = `[¥￥]?([-+−]?[0-9][-+0-9.,，e]*)`
	afterTopUp  = regexp.MustCompile(`^(?:我?[要想]?(?:充值|充钱|充)|topup|top-up|recharge)(?:校园卡|饭卡|卡)?` + numberLike + currency)
	aloneNumber = regexp.MustCompile(`^` + numberLike + currency)
	wellFormed  = regexp.MustCompile(`^(?:[0-9]+|[0-9]{1,3}(?:[,，][0-9]{3})+)(?:\.[0-9]{1,2})?$`)
	separators  = strings.NewReplacer(",", "", "，", "")
	hugeNumber  = regexp.MustCompile(`[一二两三四五六七八九兩0-9]千[万萬]|[0-9]{4}[万萬w]|[一二两三四五六七八九十百千万萬兩0-9][亿億]`)
	oddNumber   = regexp.MustCompile(`[0-9]\.[0-9]{3}|[0-9]\.[0-9]+\.[0-9]|[0-9]e[0-9]`)
)

// turnAmount makes a wish to top up by an amount that is malformed, or that no
// top-up has, one that is answered with a word about that.
func (a *Apps) turnAmount(ctx context.Context, t *turn) {
	text := strings.ReplaceAll(identity.NormalDigits(plain(t.Message.Content)), "．", ".")
	switch t.Said.Intent {
	case "topup":
		t.Said.Odd = oddNumber.MatchString(text)
		t.Said.Huge = t.Said.Amount == 0 && hugeNumber.MatchString(text)
	case "none", "help":
	default:
		return
	}
	found := afterTopUp.FindStringSubmatch(text)
	if found == nil && t.Said.Intent != "topup" {
		if found = aloneNumber.FindStringSubmatch(text); found == nil || a.topic(ctx, t).Intent != "topup" {
			return
		}
	}
	switch {
	case found == nil:
	case !wellFormed.MatchString(found[1]):
		t.Said = Said{Intent: "topup", Odd: true}
	case t.Said.Amount == 0:
		amount, err := ledger.ParseYuan(separators.Replace(found[1]))
		huge := errors.Is(err, ledger.ErrTooMuch)
		t.Said = Said{Intent: "topup", Amount: amount, Huge: huge, Odd: !huge && amount == 0}
	}
}
