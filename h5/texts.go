package h5

import (
	"fmt"
	"maps"

	"xiaoka/ledger"
)

// text says something in a language. A key that is not in the catalogue is
// shown as it is; a test keeps that from happening.
func text(lang ledger.Lang, key string, args ...any) string {
	said, ok := catalogue[key]
	if !ok {
		return key
	}
	format := said.zh
	if lang == ledger.English {
		format = said.en
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// both is one text in the two languages.
type both struct{ zh, en string }

// catalogue has every text of the pages, by subject in files of their own. Words
// about where money is are those the chat and the kiosk use; money that was paid
// and not collected has never "arrived".
var catalogue = joined(generalTexts, identityTexts, moneyTexts)

func joined(subjects ...map[string]both) map[string]both {
	all := map[string]both{}
	for _, s := range subjects {
		maps.Copy(all, s)
	}
	return all
}

// generalTexts are those of the home page, the settings, and what is said on any
// page.
var generalTexts = map[string]both{
	"app.name": {"校园一卡通", "Campus Card"},
	"nav.home": {"首页", "Home"},

	"module.topup":        {"微信充值", "Top up"},
	"module.transfers":    {"领取与记录", "Transfers"},
	"module.transactions": {"交易明细", "Transactions"},
	"module.statement":    {"账单", "Statement"},
	"module.loss":         {"卡挂失", "Lost card"},
	"module.password":     {"查询密码", "Password"},
	"module.settings":     {"设置", "Settings"},
	"module.guide":        {"使用指南", "Guide"},

	"card.normal": {"正常", "Normal"},
	"card.lost":   {"已挂失", "Reported lost"},
	"card.frozen": {"已冻结", "Frozen"},
	"card.closed": {"已注销", "Closed"},

	"home.title":           {"校园卡", "Campus card"},
	"home.card_no":         {"尾号 %s", "Card ending in %s"},
	"home.balance":         {"卡上余额", "On your card"},
	"home.balance_about":   {"卡上余额约", "On your card, about"},
	"home.as_of":           {"截至 %s", "as of %s"},
	"home.as_of_opening":   {"开户时的余额", "as opened"},
	"home.missing":         {"，另有 %d 笔未上传", "; records not received yet: %d"},
	"home.pending":         {"待领", "To collect"},
	"home.pending_stopped": {"卡停用中，解挂、恢复或补卡之后再领，钱一直在", "Your card is stopped. Collect it once it works again or you have a new one; the money stays"},
	"home.pending_how":     {"到任意食堂刷卡或圈存机领取", "Tap at any canteen or a kiosk"},
	"home.pending_none":    {"没有等待领取的钱", "Nothing is waiting"},
	"home.topup":           {"充值", "Top up"},
	"home.modules":         {"功能", "What you can do"},
	"home.lost":            {"已挂失。查看生效情况，或者解挂", "Reported lost. See its progress, or cancel the report"},
	"home.nudge":           {"查询密码还是初始的，换一个自己的更安全", "Your query password is still the initial one. Choose your own"},

	"settings.title":           {"设置", "Settings"},
	"settings.lang":            {"语言", "Language"},
	"settings.style":           {"消息样式", "Message style"},
	"settings.style_card":      {"卡片", "Cards"},
	"settings.style_card_hint": {"用企业微信客户端时选这个，可以直接点按钮", "For the WeCom app; buttons work in the message"},
	"settings.style_text":      {"文字", "Text"},
	"settings.style_text_hint": {"在微信里看消息、看不到卡片时选这个", "If you read messages inside WeChat and see no cards"},
	"settings.do":              {"保存", "Save"},
	"settings.pushes":          {"消息通知", "Notifications"},
	"settings.security":        {"挂失、密码、绑定这类安全通知一直会发，不能关掉。", "Security messages, about loss, password and binding, always come."},
	"settings.low":             {"余额低于", "Balance below"},
	"settings.low_off":         {"不提醒", "No alert"},
	"settings.low_hint":        {"单位是元。卡上余额低于这个数时提醒一次，留空就不提醒。", "In yuan. One alert when the balance on the card falls below it; empty for none."},
	"settings.low_malformed":   {"请填 0 到 %s 之间的金额，例如 20", "Please enter an amount from 0 to %s, for example 20"},
	"settings.accesses":        {"最近谁看过、改过我的资料", "Who looked at or changed my data"},
	"settings.accesses_hint":   {"只列最近 20 条。有不认识的，请联系受理中心。", "The latest 20. If you do not recognise one, please tell the card office."},
	"push.consumption":         {"消费", "Purchases"},
	"push.consumption.hint":    {"每次刷卡消费", "Each purchase with the card"},
	"push.topup":               {"充值付款", "Top-ups paid"},
	"push.topup.hint":          {"付款成功、等待领取", "Paid and waiting to be collected"},
	"push.claimed":             {"领取", "Money collected"},
	"push.claimed.hint":        {"钱已写到卡上", "Money was written to the card"},
	"push.claim_failed":        {"领取没有成功", "Failed collecting"},
	"push.claim_failed.hint":   {"终端没有写成，或结果待确认", "A terminal could not write, or the result is being checked"},
	"push.subsidy":             {"补助", "Grants"},
	"push.subsidy.hint":        {"补助已发放、等待领取", "Granted and waiting to be collected"},
	"push.corrected":           {"消费冲正", "Reversals"},
	"push.corrected.hint":      {"错扣的消费已冲正、等待领取", "A wrong purchase was reversed; its money waits to be collected"},
	"push.refunded":            {"退款", "Refunds"},
	"push.refunded.hint":       {"钱已原路退回", "Money went back the way you paid"},
	"push.low":                 {"余额提醒", "Low balance"},
	"push.low.hint":            {"低于下面填的金额；没有填就不提醒", "Below the amount set further down; without one, none comes"},
	"push.unusual":             {"异常消费", "Unusual spending"},
	"push.unusual.hint":        {"和平时不一样的消费", "Spending unlike your usual"},
	"push.reminder":            {"领取提醒", "Reminders"},
	"push.reminder.hint":       {"有钱一直没有领取", "Money still waits to be collected"},
	"push.statement":           {"月账单", "Monthly statement"},
	"push.statement.hint":      {"上个月的账单出来了", "The statement of last month is ready"},
	"access.by_you":            {"你自己", "You"},
	"access.by_another":        {"另一位成员", "Another member"},
	"access.by_terminal":       {"终端 %s", "Terminal %s"},
	"access.by_operator":       {"一卡通工作人员", "Card office staff"},
	"access.by_system":         {"系统", "The system"},
	"access.verified":          {"验证身份", "Identity verified"},
	"access.member_linked":     {"企业微信账号关联到你的资料", "WeCom account linked to your record"},
	"access.bound":             {"绑定校园卡", "Card bound"},
	"access.unbound":           {"解绑校园卡", "Card unbound"},
	"access.password_changed":  {"修改查询密码", "Query password changed"},
	"access.password_locked":   {"查询密码被锁定", "Query password locked"},
	"access.loss_reported":     {"挂失", "Card reported lost"},
	"access.loss_cancelled":    {"解挂", "Loss report cancelled"},
	"access.looked_up":         {"查询待领金额", "Waiting money looked up"},
	"access.claimed":           {"领取转账", "Transfers collected"},
	"access.exported":          {"导出交易记录", "Transactions exported"},
	"access.refund_requested":  {"申请退款", "Refund requested"},
	"access.corrected":         {"冲正了一笔消费", "A purchase was reversed"},
	"access.sessions_ended":    {"离开企业微信应用，登录已退出", "Left the app in WeCom and was signed out"},
	"access.spent_after_loss":  {"挂失之后有一笔消费", "A purchase after the loss report"},
	"access.push_replayed":     {"重新发了一条消息", "A message sent again"},
	"access.press_refused":     {"按了一张发给你的卡片，没有被接受", "A card sent to you was pressed, refused"},
	"access.card_replaced":     {"换了新卡，旧卡停用", "A new card issued, the old one stopped"},
	"access.record_changed":    {"更新了你的登记资料", "Your record was changed"},
	"access.other":             {"查看或更改了资料", "Data looked at or changed"},
	"settings.unknown":         {"没有这个选项，请重新选", "There is no such choice. Please choose again"},

	"notice.verified": {"验证通过，接着绑定校园卡", "Verified. Next, bind your campus card"},
	"notice.bound":    {"校园卡已绑定", "Your campus card is bound"},
	"notice.password": {"查询密码已更新，其他设备上的登录已退出", "Query password saved. Other devices are signed out"},
	"notice.settings": {"已保存", "Saved"},
	"notice.refund":   {"退款已提交", "Refund requested"},

	"error.title":      {"错误：%s", "Error: %s"},
	"error.go_on":      {"继续", "Continue"},
	"error.home":       {"回到首页", "To the home page"},
	"error.dates":      {"回到交易明细", "To the transactions"},
	"error.request_id": {"编号 %s", "Reference %s"},

	"error.not_found":       {"没有这个页面", "There is no such page"},
	"error.not_found.do":    {"地址可能写错了，或者内容不属于你。从首页再找找看。", "The address may be wrong, or it is not yours to see. Try again from the home page."},
	"error.bad_request":     {"没看懂这次提交", "That could not be understood"},
	"error.bad_request.do":  {"什么都没有改动。请回到首页再来一次。", "Nothing was changed. Please start again from the home page."},
	"error.internal":        {"我们这边出了点问题", "Something went wrong on our side"},
	"error.internal.do":     {"你的钱是安全的。请过一会儿再试；一直这样的话，把下面的编号告诉受理中心。", "Your money is safe. Please try again in a while; if it keeps happening, tell the card office the reference below."},
	"error.no_session":      {"登录已过期", "Your session has ended"},
	"error.no_session.do":   {"刚才的提交没有执行。点“继续”重新进入，再填一次。", "What you sent was not carried out. Tap Continue to sign in again, then fill in the form once more."},
	"error.csrf":            {"页面放得太久了", "This page is out of date"},
	"error.csrf.do":         {"刚才的提交没有执行。点“继续”打开新的页面，再提交一次。", "What you sent was not carried out. Tap Continue to open the page afresh, then send it again."},
	"error.cross_origin":    {"这次提交不是从我们的页面发出的", "This did not come from one of our pages"},
	"error.cross_origin.do": {"为了安全没有执行，什么都没有改动。请从企业微信里打开校园一卡通再操作。", "To be safe it was not carried out, and nothing was changed. Please open the campus card app in WeCom and do it there."},

	"error.bad_month":    {"没有这个月份的记录", "There is nothing for that month"},
	"error.bad_month.do": {"月份写成 2026-11 这样，从十年前到本月。回首页再选一个月就好。", "Write a month like 2026-11, not in the future and at most ten years ago. You can choose one from the home page."},
	"error.bad_range":    {"这段日期不能导出", "These dates cannot be exported"},
	"error.bad_range.do": {"从早到晚选两天，开始不晚于今天，一次最多一年。日期写成 2026-11-22 这样。", "Choose two days, the earlier one first and not after today, at most a year at a time. Write dates like 2026-11-22."},

	"error.oauth_state":          {"这个登录链接不能用了", "This sign-in link cannot be used"},
	"error.oauth_state.do":       {"链接只能用一次，几分钟内有效。点“继续”重新进入。", "It serves once and for a few minutes. Go on to enter again."},
	"error.oauth_code":           {"企业微信没有确认你的身份", "WeCom did not confirm who you are"},
	"error.oauth_code.do":        {"点“继续”再试一次；还不行的话，从企业微信的应用里重新打开。", "Go on to try again, or open the app in WeCom afresh."},
	"error.not_member":           {"你不是本校企业微信的成员", "You are not a member of this university in WeCom"},
	"error.not_member.do":        {"请用学校的企业微信账号打开。", "Please open it with your university account in WeCom."},
	"error.wecom_unreachable":    {"企业微信暂时没有回应", "WeCom is not answering"},
	"error.wecom_unreachable.do": {"你的钱是安全的。请过一会儿再试。", "Your money is safe. Please try again in a while."},

	"error.code_not_sent":    {"验证码没有发出去", "The code was not sent"},
	"error.code_not_sent.do": {"请过一分钟再试，或者换一个方式。", "Please try again in a minute, or choose the other way."},
	"error.no_card":          {"你名下还没有校园卡", "No campus card has been issued to you yet"},
	"error.card_frozen":      {"这张卡已被学校停用，不用再挂失", "The university has already stopped this card"},
	"error.card_frozen.do":   {"有疑问请联系受理中心。", "Please ask the card office if you have questions."},
	"error.no_card.do":       {"请先到受理中心领卡，再来绑定。", "Please collect one at the card office, then bind it."},

	"error.not_verified":             {"请先验证身份", "Please verify who you are first"},
	"error.not_bound":                {"请先绑定校园卡", "Please bind your campus card first"},
	"error.password_change_required": {"请先设置自己的查询密码", "Please choose your own query password first"},

	"error.no_openid":           {"你的企业微信还没有关联微信，请扫码付款", "Your WeCom account is not linked to WeChat. Please scan the code"},
	"error.already_paid":        {"这笔订单已经付款", "This order has been paid"},
	"error.order_closed":        {"这笔订单已关闭。请重新充值", "This order is closed. Please order again"},
	"error.payment_in_progress": {"另一种方式的付款还没有结束，请稍等几秒再试", "A payment the other way is still open. Please try again in a few seconds"},
	"error.try_later":           {"微信支付暂时没有回应。没有付款不会扣钱，请再试一次", "WeChat Pay is not answering. Nothing is taken until you pay. Please try again"},
	"error.payment_refused":     {"微信支付没有接受这笔订单，没有扣钱。请稍后再试", "WeChat Pay did not take this order, and no money. Please try later"},
}
