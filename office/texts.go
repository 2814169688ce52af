package office

import (
	"fmt"

	"xiaoka/ledger"
)

// said is one text in both languages.
type said struct{ zh, en string }

// text returns a text of the catalogue. A test holds that every key that is
// used exists.
func text(lang ledger.Lang, key string, args ...any) string {
	s := catalogue[key].zh
	if lang == ledger.English {
		s = catalogue[key].en
	}
	if len(args) > 0 {
		return fmt.Sprintf(s, args...)
	}
	return s
}

// named says one of the program's own words in the reader's; a word that is
// newer than the catalogue as it is.
func named(lang ledger.Lang, family, word string) string {
	if name := text(lang, family+"."+word); name != "" {
		return name
	}
	return word
}

var catalogue = map[string]said{
	"app.name":   {"小卡 · 值班台", "xiaoka · operations"},
	"nav.home":   {"总览", "Overview"},
	"nav.as_of":  {"截至 %s", "As of %s"},
	"nav.reload": {"刷新", "Refresh"},
	"nav.leave":  {"退出", "Leave"},
	"nav.again":  {"重新进入", "Enter again"},

	"role.viewer":  {"查看", "viewer"},
	"role.auditor": {"审计", "auditor"},

	"title.overview":  {"总览 · 小卡值班台", "Overview · xiaoka operations"},
	"title.day":       {"对账 · 小卡值班台", "Reconciliation · xiaoka operations"},
	"title.person":    {"个人 · 小卡值班台", "Person · xiaoka operations"},
	"title.not_found": {"没有这个页面", "There is no such page"},
	"title.entry":     {"没能进入", "The login did not work"},
	"title.internal":  {"出了点问题", "Something went wrong"},
	"title.left":      {"已退出", "You have left"},

	"message.not_found": {"地址可能写错了。", "The address may be mistyped."},
	"message.entry":     {"请在企业微信里打开本页，再试一次。", "Open this page inside WeCom and try once more."},
	"message.internal":  {"请稍后再试；日志里有这次请求的编号（响应头 X-Request-Id）。", "Try again later; the log has this request by its number (response header X-Request-Id)."},
	"message.left":      {"关掉页面即可。", "You can close the page."},

	"age.seconds": {"%d 秒", "%d s"},
	"age.minutes": {"%d 分钟", "%d min"},
	"age.hours":   {"%d 小时", "%d h"},
	"age.days":    {"%d 天", "%d days"},

	"state.good": {"正常", "fine"},
	"state.look": {"留意", "look"},
	"state.bad":  {"处理", "act"},

	"tile.oldest":      {"最久 %s", "oldest %s"},
	"tile.ago":         {"%s前", "%s ago"},
	"tile.held":        {"%d 笔要人工判断", "%d for a person to decide"},
	"tile.of":          {"在用 %d 台", "of %d in service"},
	"tile.suspended":   {"%d 台暂停验密码", "%d take no passwords now"},
	"tile.outbox":      {"待入队 %d", "on their way in: %d"},
	"tile.transfers":   {"%d 笔", "transfers: %d"},
	"tile.never":       {"还没有记录", "none on record"},
	"tile.reconciled":  {"账单一致", "agrees with the bill"},
	"tile.differences": {"%d 处差异", "differences: %d"},
	"tile.late":        {"过期了", "overdue"},

	"tile.name.doubts":    {"结果未知的写卡", "Claims in doubt"},
	"tile.name.cases":     {"待处理事项", "Open cases"},
	"tile.name.dead":      {"没送达的消息", "Undelivered messages"},
	"tile.name.jobs":      {"排队任务", "Jobs waiting"},
	"tile.name.terminals": {"一小时没动静的终端", "Terminals silent for an hour"},
	"tile.name.blacklist": {"黑名单落后的终端", "Terminals behind on the blacklist"},
	"tile.name.days":      {"最近对账", "Last reconciled"},
	"tile.name.proof":     {"账本自检", "Ledger check"},
	"tile.name.pending":   {"待领取", "Unclaimed money"},

	"proof.proven":     {"账平", "proven"},
	"proof.broken":     {"不平", "broken"},
	"proof.rows":       {"核对 %d 行", "%d rows"},
	"proof.violations": {"%d 处违例", "violations: %d"},

	"more.shown": {"只列出 %d 条，共 %d 条", "%d of %d are listed"},
	"more.full":  {"全部：", "All of them:"},

	"section.doubts":    {"结果未知的写卡", "Claims of unknown outcome"},
	"section.cases":     {"事项", "Cases"},
	"section.dead":      {"没送达的消息", "Undelivered messages"},
	"section.jobs":      {"任务队列", "Job queues"},
	"section.terminals": {"终端", "Terminals"},
	"section.days":      {"对账", "Reconciliations"},

	"hint.doubts":    {"钱没有丢：卡再次出现时由芯片定；标“人工”的要 xiaoka claim settle。", "No money is lost: the chip decides when the card is seen again; what is held needs xiaoka claim settle."},
	"hint.cases":     {"处理：xiaoka case settle 编号 --how … --note “谁决定的，依据什么”", "Settle with xiaoka case settle ID --how … --note \"who decided, on what\""},
	"hint.dead":      {"修好原因后：xiaoka push replay 编号", "Once the reason is mended: xiaoka push replay ID"},
	"hint.terminals": {"先列出要看的。", "Those to look at come first."},

	"none.doubts":    {"没有结果未知的写卡", "No claim is in doubt"},
	"none.cases":     {"没有事项", "No cases"},
	"none.dead":      {"消息都送达了", "Every message went out"},
	"none.jobs":      {"队列是空的", "The queues are empty"},
	"none.terminals": {"还没有登记终端", "No terminal is registered yet"},
	"none.days":      {"还没有对账记录", "No reconciliation on record"},
	"none.transfers": {"没有转账", "No transfers"},
	"none.lines":     {"每一笔都一致", "Every line agrees"},

	"col.card":      {"卡", "Card"},
	"col.amount":    {"金额", "Amount"},
	"col.terminal":  {"终端", "Terminal"},
	"col.age":       {"多久了", "Age"},
	"col.state":     {"状态", "State"},
	"col.kind":      {"类别", "Kind"},
	"col.detail":    {"说明", "Detail"},
	"col.id":        {"编号", "ID"},
	"col.tries":     {"次数", "Tries"},
	"col.reason":    {"原因", "Reason"},
	"col.when":      {"时间", "When"},
	"col.queue":     {"队列", "Queue"},
	"col.count":     {"数量", "Count"},
	"col.oldest":    {"最久", "Oldest"},
	"col.place":     {"位置", "Place"},
	"col.seen":      {"上次联系", "Last seen"},
	"col.blacklist": {"黑名单版本", "Blacklist"},
	"col.day":       {"日期", "Day"},
	"col.by":        {"由", "By"},
	"col.payments":  {"付款", "Payments"},
	"col.refunds":   {"退款", "Refunds"},
	"col.mended":    {"已修复", "Mended"},
	"col.differ":    {"差异", "Differences"},
	"col.ours":      {"我方", "Ours"},
	"col.theirs":    {"微信", "WeChat Pay"},
	"col.order":     {"订单", "Order"},
	"col.who":       {"谁", "Who"},
	"col.what":      {"做了什么", "What"},
	"col.title":     {"名称", "Title"},

	"doubt.held":   {"人工", "for a person"},
	"doubt.waits":  {"等卡出现", "waits for the card"},
	"case.open":    {"待处理", "open"},
	"case.settled": {"已了结：%s", "settled %s"},
	"case.itself":  {"自行了结：%s", "settled itself, %s"},
	"person.open":  {"查看持卡人", "holder"},

	"terminal.never":     {"从未", "never"},
	"terminal.silent":    {"没动静", "silent"},
	"terminal.suspended": {"暂停验密码至 %s", "no passwords until %s"},
	"terminal.behind":    {"落后 %s", "behind by %s"},
	"terminal.fine":      {"正常", "fine"},

	"kind.kiosk": {"自助机", "kiosk"},
	"kind.pos":   {"POS", "till"},

	"job.available": {"等待", "waiting"},
	"job.running":   {"进行中", "running"},
	"job.retryable": {"待重试", "retrying"},
	"job.scheduled": {"定时", "scheduled"},
	"job.pending":   {"待定", "pending"},
	"job.cancelled": {"已放弃", "given up"},
	"job.discarded": {"试尽", "out of tries"},

	"queue.default": {"消息", "messages"},
	"queue.urgent":  {"安全通知", "security notices"},
	"queue.tick":    {"定时任务", "periodic tasks"},

	"day.daily":   {"每日", "daily"},
	"day.command": {"命令", "command"},
	"day.no_bill": {"当天没有账单", "no bill of this day"},
	"day.mended":  {"已修复", "mended"},
	"day.title":   {"%s 的对账", "Reconciliations of %s"},

	"class.matched":        {"一致", "matched"},
	"class.missing here":   {"我方缺少", "missing here"},
	"class.missing there":  {"微信缺少", "missing there"},
	"class.amount differs": {"金额不一致", "amount differs"},
	"class.refund differs": {"退款不一致", "refund differs"},
	"class.foreign":        {"非本系统", "foreign"},

	"case.payment_mismatch":   {"付款与订单不符", "payment differs from its order"},
	"case.trade_type":         {"付款方式不是所下单的", "payment made in another way than ordered"},
	"case.unknown_order":      {"不认识的订单付了款", "payment of an unknown order"},
	"case.paid_twice":         {"一单付了两次", "order paid twice"},
	"case.refund_mismatch":    {"退款与记录不符", "refund differs from ours"},
	"case.refund_after_close": {"关闭后又退款", "refund after its close"},
	"case.refund_abnormal":    {"退款异常", "abnormal refund"},
	"case.refund_closed":      {"退款被关闭", "refund closed"},
	"case.refund_refused":     {"退款被拒", "refund refused"},
	"case.platform_refund":    {"商户平台上的退款", "refund made on the merchant platform"},
	"case.unknown_refund":     {"不认识的退款", "unknown refund"},
	"case.chip_out_of_step":   {"芯片与账不符", "chip out of step"},
	"case.conflict":           {"消费记录与已有的矛盾", "purchase contradicts a record"},
	"case.card_not_found":     {"消费记录的卡不在册", "purchase by an unknown card"},
	"case.invalid_time":       {"消费记录的时间不可能", "purchase at an impossible time"},
	"case.invalid_seq":        {"消费记录的序号不是从 1 起的整数", "purchase whose number is no whole number from 1"},
	"case.replaced_card":      {"旧卡不够扣的消费", "purchase beyond what a replaced card had left"},
	"case.not_reconciled":     {"没能对账", "day not reconciled"},
	"case.day_differs":        {"对账有差异", "day differs"},

	"how.noted":       {"已知悉", "as noted"},
	"how.refund":      {"全额退回", "by a refund"},
	"how.retry":       {"重新退款", "by another refund"},
	"how.accept-chip": {"采信芯片", "by the chip"},
	"how.book":        {"补记入账", "by booking it"},

	"event.topup_paid":       {"充值成功", "top-up paid"},
	"event.claimed":          {"领取", "claimed"},
	"event.consumption":      {"消费", "purchase"},
	"event.subsidy":          {"补助", "subsidy"},
	"event.corrected":        {"消费冲正", "purchase reversed"},
	"event.refunded":         {"退款", "refund"},
	"event.low_balance":      {"余额不足", "low balance"},
	"event.claim_failed":     {"领取失败", "failed claim"},
	"event.unusual":          {"异常消费", "unusual spending"},
	"event.reminder":         {"待领提醒", "reminder"},
	"event.statement":        {"月账单", "statement"},
	"event.reconciled":       {"对账结果", "reconciliation"},
	"event.verified":         {"验证", "verification"},
	"event.bound":            {"绑卡", "binding"},
	"event.loss":             {"挂失", "loss"},
	"event.loss_cancelled":   {"解挂", "loss cancelled"},
	"event.password_changed": {"改密码", "password changed"},
	"event.password_locked":  {"密码锁定", "password locked"},
	"event.unbound":          {"解绑", "unbinding"},
	"event.spent_after_loss": {"挂失后消费", "spent after loss"},

	"person.heading":    {"持卡人", "Card holder"},
	"person.audited":    {"这次查看已记入审计日志，本人可见。", "This look is in the audit log, and the holder sees it."},
	"person.student_no": {"学工号", "Number"},
	"person.department": {"单位", "Department"},
	"person.card":       {"校园卡", "Campus card"},
	"person.balance":    {"账面余额", "Balance in the books"},
	"person.pending":    {"待领取", "To collect"},
	"person.in_flight":  {"写卡中", "Being written"},
	"person.doubt":      {"结果未知", "outcome unknown"},
	"person.missing":    {"还缺 %d 笔消费记录", "%d purchases still missing"},
	"person.no_card":    {"没有在用的卡", "no card in use"},
	"person.transfers":  {"转账", "Transfers"},
	"person.audit":      {"谁看过、动过", "Who looked, who acted"},

	"card.normal": {"正常", "normal"},
	"card.lost":   {"已挂失", "lost"},
	"card.frozen": {"已冻结", "frozen"},
	"card.closed": {"已注销", "closed"},

	"transfer.pending":   {"待领取", "to collect"},
	"transfer.in_flight": {"写卡中", "being written"},
	"transfer.in_doubt":  {"结果未知", "outcome unknown"},
	"transfer.claimed":   {"已领取", "collected"},
	"transfer.refunding": {"退款中", "being refunded"},
	"transfer.refunded":  {"已退款", "refunded"},
}
