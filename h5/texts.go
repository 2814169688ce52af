package h5

import (
	"fmt"

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

// catalogue has every text of the pages. Words about where money is are those
// the chat and the kiosk use; money that was paid and not collected has never
// "arrived".
var catalogue = map[string]both{
	"app.name": {"校园一卡通", "Campus Card"},
	"nav.home": {"首页", "Home"},

	"module.topup":     {"微信充值", "Top up"},
	"module.transfers": {"领取与记录", "Transfers"},
	"module.password":  {"查询密码", "Password"},
	"module.settings":  {"设置", "Settings"},

	"card.normal": {"正常", "Normal"},
	"card.lost":   {"已挂失", "Reported lost"},
	"card.frozen": {"已冻结", "Frozen"},
	"card.closed": {"已注销", "Closed"},

	"home.title":         {"校园卡", "Campus card"},
	"home.card_no":       {"尾号 %s", "No. …%s"},
	"home.balance":       {"卡上余额", "On your card"},
	"home.balance_about": {"卡上余额约", "On your card, about"},
	"home.as_of":         {"截至 %s", "as of %s"},
	"home.as_of_opening": {"开户时的余额", "as opened"},
	"home.missing":       {"，另有 %d 笔未上传", "; records not received yet: %d"},
	"home.pending":       {"待领", "To collect"},
	"home.pending_how":   {"到任意食堂刷卡或圈存机领取", "Tap at any canteen or a kiosk"},
	"home.pending_none":  {"没有等待领取的钱", "Nothing is waiting"},
	"home.topup":         {"充值", "Top up"},
	"home.modules":       {"功能", "What you can do"},
	"home.nudge":         {"查询密码还是初始的，换一个自己的更安全", "Your query password is still the initial one. Choose your own"},

	"code.by_email":     {"发送到邮箱", "Send to my e-mail"},
	"code.by_phone":     {"发送到手机", "Send to my phone"},
	"code.again_email":  {"重新发送到邮箱", "Send to my e-mail again"},
	"code.again_phone":  {"重新发送到手机", "Send to my phone again"},
	"code.nowhere":      {"学校登记的资料里没有可用的邮箱或手机。请到受理中心补登", "The register has no e-mail or phone of yours. Please have it added at the card office"},
	"code.no_channel":   {"这个方式暂时不能用，请换一个", "This way cannot be used. Please choose another"},
	"code.too_soon":     {"发送得太快了，%s后可以再发", "That was quick. You can send another in %s"},
	"code.sent":         {"验证码已发送，请查收", "A code is on its way to you"},
	"code.sent_to":      {"验证码已发送到 %s", "A code is on its way to %s"},
	"code.label":        {"验证码", "Code"},
	"code.placeholder":  {"6 位数字", "6 digits"},
	"code.not_received": {"没有收到", "Nothing received"},
	"code.wrong":        {"验证码不对，还可以试 %d 次", "That is not the code. Tries left: %d"},
	"code.burnt":        {"试错太多次，这个验证码已作废。请重新发送", "Too many wrong tries, this code is void. Please send a new one"},
	"code.expired":      {"验证码已过期，请重新发送", "The code has expired. Please send a new one"},
	"code.none":         {"还没有可用的验证码，请先发送", "There is no code to check. Please send one first"},
	"code.format":       {"验证码是 6 位数字", "The code is six digits"},

	"wait.seconds": {"%d 秒", "%d s"},
	"wait.minutes": {"%d 分钟", "%d min"},
	"wait.hours":   {"%d 小时", "%d h"},

	"verify.title":      {"验证身份", "Verify it is you"},
	"verify.lead":       {"为了保护你的校园卡，先确认是你本人。我们把 6 位验证码发到学校登记的地址。", "To protect your campus card we first make sure it is you. A six-digit code goes to the address on record."},
	"verify.do":         {"确认", "Confirm"},
	"verify.unknown":    {"没有找到与你的企业微信账号对应的师生资料。", "Your WeCom account is not on record as a student or member of staff."},
	"verify.unknown_do": {"请在企业小助手里发送“验证”，按提示填写学工号；或到校园卡受理中心办理。", "Send 验证 to the assistant in WeCom and enter your student number, or ask at the card office."},

	"bind.title":       {"绑定校园卡", "Bind your campus card"},
	"bind.lead":        {"填写本人的资料，和卡上、登记的一致。", "Enter your own details as on the card and on record."},
	"bind.name":        {"姓名", "Name"},
	"bind.name_hint":   {"与登记的一致", "As on record"},
	"bind.number":      {"学工号或卡号", "Student or card no."},
	"bind.number_hint": {"任填一个", "Either one"},
	"bind.password":    {"查询密码", "Query password"},
	"bind.do":          {"绑定", "Bind"},
	"bind.hint":        {"没有改过的话，查询密码是初始密码 123456。", "If you never changed it, the query password is the initial 123456."},
	"bind.incomplete":  {"请把三项都填上", "Please fill in all three"},
	"bind.wrong":       {"填写的内容对不上，请检查姓名、号码和查询密码", "These do not match. Please check name, number and query password"},

	"password.title":       {"查询密码", "Query password"},
	"password.lead":        {"查询密码用于绑定、圈存机领款和挂失。", "The query password is for binding, kiosks and loss reports."},
	"password.initial":     {"你的查询密码还是大家都知道的初始密码 123456。先换成自己的，再继续使用。", "Your query password is still the initial 123456 that everybody knows. Choose your own first."},
	"password.by_code":     {"用验证码设置新的查询密码，不需要原密码。", "Set a new query password with a code; the old one is not needed."},
	"password.locked":      {"试错太多次，查询密码已锁定，%s后解锁", "Too many wrong tries. The query password is locked for %s"},
	"password.locked_do":   {"不想等的话，用验证码设置一个新密码，马上解锁。", "If you would rather not wait, set a new one with a code. That unlocks it at once."},
	"password.old":         {"原密码", "Old password"},
	"password.new":         {"新密码", "New password"},
	"password.again":       {"再输一次", "Once more"},
	"password.placeholder": {"6 位数字", "6 digits"},
	"password.rule":        {"6 位数字，不要连号、重复，也不要用学号、卡号、手机号的末尾。", "Six digits: no run, no repetition, and not the end of your student, card or phone number."},
	"password.do":          {"保存新密码", "Save"},
	"password.forgotten":   {"忘记密码，用验证码重设", "Forgotten? Set a new one with a code"},
	"password.wrong":       {"原密码不对，还可以试 %d 次", "That is not the old password. Tries left: %d"},
	"password.format":      {"密码是 6 位数字", "A password is six digits"},
	"password.run":         {"连号太容易猜到，换一个", "A run of digits is easily guessed. Choose another"},
	"password.repeat":      {"重复的数字太容易猜到，换一个", "Repeated digits are easily guessed. Choose another"},
	"password.on_record":   {"这是你登记号码的末尾，别人容易猜到，换一个", "That is the end of a number of yours on record. Choose another"},
	"password.differs":     {"两次输入的新密码不一样", "The two entries differ"},
	"password.same":        {"新密码和原密码一样，换一个", "The new one is the same as the old. Choose another"},

	"topup.title":        {"微信充值", "Top up"},
	"topup.lead":         {"卡上余额 %s", "On your card %s"},
	"topup.lead_pending": {"，待领 %s", ", to collect %s"},
	"topup.amount":       {"充值金额", "Amount"},
	"topup.own":          {"其他金额", "Other (¥)"},
	"topup.own_hint":     {"%s 到 %s 元", "%s to %s"},
	"topup.do":           {"去支付", "Go to payment"},
	"topup.next":         {"付款后到任意食堂刷卡或圈存机领取到卡上。", "After paying, tap at any canteen or a kiosk to collect it onto your card."},
	"topup.room":         {"卡上还能放 %s，超出的部分先留在待领。", "Your card has room for %s; what goes beyond waits to be collected."},
	"topup.choose":       {"请选一个金额", "Please choose an amount"},
	"topup.malformed":    {"金额没看懂，请写成 30 或 12.50 这样", "That is not an amount. Write it like 30 or 12.50"},
	"topup.bounds":       {"一次可以充 %s 到 %s 元", "One top-up is from ¥%s to ¥%s"},
	"topup.not_normal":   {"校园卡现在不是正常状态，暂时不能充值。", "Your campus card is not in its normal state and cannot be topped up."},

	"order.title":          {"充值订单", "Top-up order"},
	"order.waiting":        {"等待支付", "Waiting for payment"},
	"order.until":          {"请在 %s 前付款", "Please pay before %s"},
	"order.opening":        {"正在打开微信支付…", "Opening WeChat Pay…"},
	"order.confirming":     {"正在向微信确认付款…", "Confirming the payment with WeChat…"},
	"order.offline":        {"网络不太好，正在重试", "The network is poor, trying again"},
	"order.trouble":        {"微信支付暂时没有回应，请再试一次", "WeChat Pay does not answer. Please try again"},
	"order.qr_alt":         {"微信支付二维码", "WeChat Pay QR code"},
	"order.scan":           {"用微信“扫一扫”付款", "Scan with WeChat to pay"},
	"order.scan_hint":      {"在手机上的话，请换一台设备显示这个二维码。付款后本页自动更新。", "On the phone that pays, show this code on another device. This page updates by itself."},
	"order.pay":            {"立即支付", "Pay now"},
	"order.use_qr":         {"改用二维码", "Use a QR code"},
	"order.look_again":     {"刷新状态", "Look again"},
	"order.ending":         {"正在向微信核对", "Checking with WeChat"},
	"order.ending_hint":    {"付款时间已过。没有付款不会扣钱，已付的会算进来。", "The time to pay is over. Nothing is taken if you did not pay; if you did, it counts."},
	"order.paid":           {"已付款，待领取", "Paid, waiting to be collected"},
	"order.collect":        {"到任意食堂刷卡或圈存机领取", "Tap at any canteen or a kiosk"},
	"order.writing":        {"已付款，正在写卡", "Paid, writing to your card"},
	"order.doubt":          {"已付款，写卡结果待确认", "Paid, checking the last write"},
	"order.refunding_hint": {"退款由微信处理，通常几分钟内退回付款的账户", "WeChat handles it, usually within minutes, to the account that paid"},
	"order.closed":         {"已关闭", "Closed"},
	"order.closed_hint":    {"这笔订单没有付款，没有扣钱。", "This order was not paid. Nothing was taken."},
	"order.new":            {"重新充值", "Order again"},
	"order.transfers":      {"查看待领与记录", "See transfers"},
	"order.number":         {"订单号", "Order"},
	"order.created":        {"下单时间", "Ordered"},
	"order.paid_at":        {"付款时间", "Paid"},
	"order.claimed_at":     {"到卡时间", "On card since"},

	"transfers.title":   {"领取与记录", "Transfers"},
	"transfers.waiting": {"待领", "To collect"},
	"transfers.how":     {"到任意食堂刷卡，或在圈存机上选“领取转账金额”。", "Tap at any canteen, or choose 领取转账金额 at a kiosk."},
	"transfers.none":    {"还没有转账记录", "No transfers yet"},
	"transfers.full":    {"只显示最近 100 笔", "The latest 100 are shown"},

	"transfer.topup":     {"微信充值", "WeChat top-up"},
	"transfer.pending":   {"待领取", "Waiting to be collected"},
	"transfer.in_flight": {"正在写卡，请勿移开卡片", "Writing to your card. Do not move it"},
	"transfer.in_doubt":  {"写卡结果待确认。钱没有丢，下次刷卡自动核对", "We are checking the last write. Your money is safe; the next tap settles it"},
	"transfer.claimed":   {"已到卡", "On your card"},
	"transfer.refunding": {"正在原路退款", "Being refunded the way you paid"},
	"transfer.refunded":  {"已原路退款", "Refunded the way you paid"},

	"settings.title":           {"设置", "Settings"},
	"settings.lang":            {"语言", "Language"},
	"settings.style":           {"消息样式", "Messages"},
	"settings.style_card":      {"卡片", "Cards"},
	"settings.style_card_hint": {"用企业微信客户端时选这个，可以直接点按钮", "For the WeCom app; buttons work in the message"},
	"settings.style_text":      {"文字", "Text"},
	"settings.style_text_hint": {"在微信里看消息、看不到卡片时选这个", "If you read messages inside WeChat and see no cards"},
	"settings.do":              {"保存", "Save"},
	"settings.unknown":         {"没有这个选项，请重新选", "There is no such choice. Please choose again"},

	"notice.verified": {"验证通过，接着绑定校园卡", "Verified. Next, bind your campus card"},
	"notice.bound":    {"校园卡已绑定", "Your campus card is bound"},
	"notice.password": {"查询密码已更新，其他设备上的登录已退出", "Query password saved. Other devices are signed out"},
	"notice.settings": {"已保存", "Saved"},

	"error.go_on":      {"继续", "Go on"},
	"error.request_id": {"编号 %s", "Reference %s"},

	"error.not_found":       {"没有这个页面", "There is no such page"},
	"error.not_found.do":    {"地址可能写错了，或者内容不属于你。", "The address may be wrong, or it is not yours to see."},
	"error.bad_request":     {"请求没看懂", "The request was not understood"},
	"error.bad_request.do":  {"请回到首页重新操作。", "Please start again from the home page."},
	"error.internal":        {"系统开小差了", "Something went wrong on our side"},
	"error.internal.do":     {"你的钱没有受影响。请过一会儿再试；一直这样的话，把下面的编号告诉受理中心。", "Your money is not affected. Please try again in a while; if it stays, tell the card office the reference below."},
	"error.no_session":      {"登录已过期", "Your session has ended"},
	"error.no_session.do":   {"点“继续”重新进入，再填一次。", "Go on to enter again, then fill in the form once more."},
	"error.csrf":            {"页面放得太久了", "This page is out of date"},
	"error.csrf.do":         {"点“继续”打开新的页面，再提交一次。", "Go on to open it afresh, then submit again."},
	"error.cross_origin":    {"请求不是从本站页面发出的", "The request did not come from our pages"},
	"error.cross_origin.do": {"为了安全没有执行。请从企业微信里打开校园一卡通再操作。", "It was not carried out. Please open the campus card app in WeCom and do it there."},

	"error.oauth_state":          {"这个登录链接不能用了", "This sign-in link cannot be used"},
	"error.oauth_state.do":       {"链接只能用一次，几分钟内有效。点“继续”重新进入。", "It serves once and for a few minutes. Go on to enter again."},
	"error.oauth_code":           {"企业微信没有确认你的身份", "WeCom did not confirm who you are"},
	"error.oauth_code.do":        {"点“继续”再试一次；还不行的话，从企业微信的应用里重新打开。", "Go on to try again, or open the app in WeCom afresh."},
	"error.not_member":           {"你不是本校企业微信的成员", "You are not a member of this university in WeCom"},
	"error.not_member.do":        {"请用学校的企业微信账号打开。", "Please open it with your university account in WeCom."},
	"error.wecom_unreachable":    {"企业微信暂时没有回应", "WeCom does not answer"},
	"error.wecom_unreachable.do": {"请过一会儿再试。", "Please try again in a while."},

	"error.code_not_sent":    {"验证码没有发出去", "The code was not sent"},
	"error.code_not_sent.do": {"请过一分钟再试，或换一个方式。", "Please try again in a minute, or another way."},
	"error.no_card":          {"你名下还没有校园卡", "No campus card has been issued to you yet"},
	"error.no_card.do":       {"请先到受理中心领卡，再来绑定。", "Please collect one at the card office, then bind it."},

	"error.not_verified":             {"请先验证身份", "Please verify who you are first"},
	"error.not_bound":                {"请先绑定校园卡", "Please bind your campus card first"},
	"error.password_change_required": {"请先设置自己的查询密码", "Please choose your own query password first"},

	"error.no_openid":           {"你的企业微信还没有关联微信，请扫码付款", "Your WeCom account is not linked to WeChat. Please scan the code"},
	"error.already_paid":        {"这笔订单已经付款", "This order has been paid"},
	"error.order_closed":        {"这笔订单已关闭，请重新充值", "This order is closed. Please order again"},
	"error.payment_in_progress": {"另一种方式的付款还没有结束，请稍等几秒再试", "A payment the other way is still open. Please try again in a few seconds"},
	"error.try_later":           {"微信支付暂时没有回应，请再试一次", "WeChat Pay does not answer. Please try again"},
	"error.payment_refused":     {"微信支付没有接受这笔订单，请稍后再试", "WeChat Pay does not take this order. Please try later"},
}
