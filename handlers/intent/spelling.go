package intent

// spelled are the English words worth recognising with one letter wrong, missing, too many or swapped. All have at least six
// letters: among shorter ones too many are one letter from another word.
var spelled = []string{"balance", "recharge", "statement", "transaction", "transactions", "spending", "history", "missing", "stolen", "freeze",
	"unfreeze", "unblock", "reactivate", "verify", "verification", "unbind", "unlink", "disconnect", "register", "language", "english", "chinese",
	"notification", "notifications", "subscribe", "unsubscribe", "disable", "enable", "pending", "unclaimed", "collect", "transfer", "campus",
	"student", "please", "operator", "support", "details", "expenses", "purchase", "binding", "reload", "refill", "cancel", "machine",
	"alerts", "lunch", "yesterday", "password", "account", "chongzhi", "zhangdan", "bangding", "jiebang", "yanzheng", "guashi", "mingxi"}

// correctSpelling gives the meaning of the listed word that an unlisted one was meant to be; empty if none is near.
func correctSpelling(word string) set {
	if len(word) < 5 || syllables(word) > 0 { // guashui is no slip for guashi
		return set{}
	}
	for _, right := range spelled {
		if len(right) >= 6 && len(word)-len(right) <= 1 && len(right)-len(word) <= 1 && oneSlip(word, right) {
			return words().find(right)
		}
	}
	return set{}
}

// oneSlip reports that b is a with one letter changed, dropped or added, or two neighbours swapped. The first letter must be
// right, which sets clearer words apart.
func oneSlip(a, b string) bool {
	if a[0] != b[0] {
		return false
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return true
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
