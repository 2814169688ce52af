package handlers

import "regexp"

// What was begun is also left by denying it in so many words: 那我不挂失了. The
// understanding sees a denial and no wish; which one it denies, the topic tells.

// refusals are how each topic is denied, by the verbs that mean it.
var refusals = []struct {
	topic string
	words *regexp.Regexp
}{
	{"report_loss", refusing(`挂失|报失|冻结|停用|停卡|报`, `report|freeze|block|lock|stop|suspend`)},
	{"cancel_loss", refusing(`解挂|解冻|恢复|解除`, `cancel|unfreeze|unblock|lift|reactivate`)},
	{"topup", refusing(`充值|充钱|充|付|付款`, `top up|topup|recharge|pay`)},
	{"unbind", refusing(`解绑|解除绑定|解除`, `unbind|unlink`)},
	{"bind", refusing(`绑定|绑`, `bind|link`)},
	{"verify", refusing(`验证`, `verify`)},
}

func refusing(zh, en string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:那么?|算了|还是|我|就|先|暂时|现在|[，, ])*(?:不|别|不想|不要|不用|不必|不需要|没必要)再?(?:要|去|用)?(?:` + zh + `)(?:它|这张|校园|饭)?卡?(?:了|啦|吧|喽|哦)*$|` +
		`^(?:no|ok|okay|actually|then|so|well|never mind|oh|but|please|[,. ])*(?:i )?(?:do not|don['’]?t|won['’]?t|will not|no longer|rather not|not)(?: want to| wish to| wanna| need to| have to| going to)? (?:` + en +
		`)(?: it| that| the| this| my| a| card| loss| report| money| lost| as| back)*(?: any ?more| now| any longer| then| after all| please)*$`)
}

// refusedBy are the topics that a text denies; nil = none.
func refusedBy(text string) (topics map[string]bool) {
	for _, r := range refusals {
		if r.words.MatchString(text) {
			if topics == nil {
				topics = map[string]bool{}
			}
			topics[r.topic] = true
		}
	}
	return topics
}
