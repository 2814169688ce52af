package guide

import "errors"

// text says something in a language.
func text(lang, key string) (string, error) {
	said, ok := catalogue[key]
	if !ok {
		return "", errors.New("no text " + key)
	}
	return said.in(lang), nil
}

// catalogue has every text of the guide. Words about where money is are those
// of the chat, the pages and the machines.
var catalogue = map[string]Words{
	"title":    {"校园一卡通使用指南", "Campus card guide"},
	"lead":     {"在企业微信里查余额、充值、看账单、挂失，动动手指就好。", "Your balance, top-ups, statements and loss reports, all in WeCom."},
	"who":      {"校园一卡通只供有学工号（学号或工号）的本校师生使用。", "The campus card is only for members of the university with a student or staff number (学工号)."},
	"contents": {"目录", "Contents"},
	"other":    {"English", "中文"},
	"phone":    {"手机画面", "On the phone"},

	"join":         {"加入企业微信", "Join in WeCom"},
	"join.code":    {"用微信扫这个二维码，按提示加入学校的企业微信。", "Scan this code with WeChat and follow the steps to join the university in WeCom."},
	"join.alt":     {"加入学校企业微信的二维码", "QR code to join the university in WeCom"},
	"join.office":  {"到受理中心要加入学校企业微信的二维码，用微信扫一扫，按提示加入。", "Ask the card office for the QR code of the university in WeCom, scan it with WeChat and follow the steps."},
	"join.number":  {"填写姓名和学工号。学校确认以后，你就能看到里面的应用。", "Enter your name and number. Once the university has confirmed you, you see its apps."},
	"join.apps":    {"打开企业微信的“工作台”，找到两个应用：企业小助手和校园一卡通。", "Open the workbench of WeCom (工作台). There are two apps: the assistant (企业小助手) and the campus card (校园一卡通)."},
	"verify":       {"验证身份", "Verify it is you"},
	"verify.open":  {"打开企业小助手，发“验证”。", "Open the assistant (企业小助手) and send “verify”."},
	"verify.way":   {"选择邮箱或手机，点“发送验证码”。验证码发到学校登记的地址。", "Choose e-mail or phone and send the code. It goes to the address the university has on record."},
	"verify.code":  {"把收到的 6 位验证码发回聊天里，5 分钟内有效。", "Send the six-digit code back in the chat. It is valid for five minutes."},
	"verify.note":  {"换了手机号或邮箱？带上证件到受理中心改登记。", "A new phone or e-mail? Have it changed at the card office, with an ID."},
	"bind":         {"绑定校园卡", "Bind your card"},
	"bind.open":    {"验证通过后，校园一卡通会发来欢迎卡片，点它去绑定。", "Once verified, the campus card app sends a welcome card. It leads to the form."},
	"bind.fill":    {"填写姓名、学工号或卡号、查询密码。没有改过的话，查询密码是 123456。", "Enter your name, your student or card number, and the query password. If you never changed it, it is 123456."},
	"bind.change":  {"马上换成自己的 6 位查询密码：初始密码谁都知道。", "Choose your own six digits at once: everybody knows the initial ones."},
	"bind.note":    {"查询密码不是银行卡密码，也不是统一身份认证密码。我们不会在聊天里问你要密码。", "The query password is neither your bank's nor your university login's. We never ask for it in the chat."},
	"home":         {"余额与首页", "Balance and home"},
	"home.say":     {"在校园一卡通里发“余额”，或者打开首页。", "Send “balance” to the campus card app, or open its home page."},
	"home.means":   {"“卡上余额”是卡里能刷的钱，“待领”是付过款、还没有领到卡上的钱。", "“On your card” is what you can spend; “To collect” is paid and not on the card yet."},
	"home.asof":    {"没有联网的机器会晚一点上传，所以余额写着截至什么时候。", "Tills that were offline report later, so a balance says as of when it is."},
	"topup":        {"微信充值", "Top up"},
	"topup.choose": {"发“充值 50”，或在首页点“微信充值”，选一个金额。", "Send “top up 50”, or choose an amount under “Top up”."},
	"topup.pay":    {"用微信支付付款。在电脑上会显示二维码，用微信扫一扫。", "Pay with WeChat Pay. On a computer a QR code appears; scan it with WeChat."},
	"topup.paid":   {"付款后显示“已付款，待领取”。再领取一次，钱就到卡上。", "It then says “Paid, waiting to be collected”. Collect it, and it is on your card."},
	"topup.note":   {"没有领取的充值，可以在“领取与记录”里原路退款。", "A top-up you have not collected can be refunded under “Transfers”."},

	"claim":             {"领取到卡", "Collect it onto the card"},
	"claim.machine":     {"在圈存机（自助服务机）上领取", "At a kiosk"},
	"claim.menu":        {"点“微信企业号”，再点“领取转账金额”，把卡放上去。", "Choose 微信企业号 (WeCom), then 领取转账金额 (Collect transfers), and put the card down."},
	"claim.password":    {"输入卡密码（就是查询密码），点“确定”。看到待领金额，点“确定领取”。", "Enter the card password, which is your query password, and press 确定 (OK). You see what waits; press 确定领取 (Collect)."},
	"claim.wait":        {"显示“正在写卡，请勿移开卡片”时不要动卡。显示“已到卡”就好了。", "Do not move the card while it says “Writing to your card”. Done when it says “On your card”."},
	"claim.swipe":       {"在食堂刷卡领取", "At a canteen"},
	"claim.swiped":      {"在食堂刷卡付款时，待领的钱会自动领到卡上，不用做别的。", "When you pay with the card at a canteen, what waits is put on it by itself."},
	"claim.note":        {"写到一半拿走了卡？钱没有丢，下次刷卡自动核对。", "Took the card away too soon? Your money is safe; the next tap settles it."},
	"machines":          {"圈存机在哪里", "Where the kiosks are"},
	"transactions":      {"交易明细", "Transactions"},
	"transactions.say":  {"发“明细”，或在首页点“交易明细”。", "Send “transactions”, or choose it on the home page."},
	"transactions.list": {"每笔都有商户、金额和时间；支出是 −6.50，到卡的钱是 +50.00。", "Each has its merchant, amount and time; spending is −6.50, money put on the card +50.00."},
	"transactions.more": {"可以按月看，按类型和商户筛选，也可以导出 Excel 或打印。", "Go month by month, filter by kind and merchant, export to Excel or print."},
	"statement":         {"账单", "Statement"},
	"statement.say":     {"发“账单”或“上个月账单”。每月 1 日也会收到上个月的账单。", "Send “statement” or “last month's statement”. On the 1st, last month's comes by itself."},
	"statement.shows":   {"花了多少、花在哪里、哪一餐，和上月比多了还是少了。", "What you spent, where, at which meal, and how it compares with the month before."},
	"loss":              {"卡挂失", "Report a lost card"},
	"loss.say":          {"发“挂失”，或在首页点“卡挂失”，输入查询密码，提交后马上生效。", "Send “lost my card”, or choose it on the home page, and enter the query password. It takes effect at once."},
	"loss.receipt":      {"你会得到回执号，能看到多少台终端已经生效。卡里的钱还在账上。", "You get a receipt and see how many terminals know. Your money is still on the books."},
	"loss.found":        {"找到卡了？用查询密码和一个新的验证码解挂。找不到就到受理中心补卡。", "Found it? Cancel the report with the query password and a fresh code. If not, get a new card at the card office."},

	"help":          {"常见问题", "Questions"},
	"help.forgot":   {"忘了查询密码，或者被锁了", "Forgot the query password, or locked out?"},
	"help.forgot.a": {"在“查询密码”里用验证码设一个新的，马上解锁。", "Set a new one with a code under “Password”. That unlocks it at once."},
	"help.pos":      {"付了款，刷卡却说余额不足", "Paid, and the till says there is too little?"},
	"help.pos.a":    {"充值的钱要先领取才在卡上。那台机器没有联网的话，换一台或到圈存机领取。", "A top-up has to be collected first. If that till is offline, use another one or a kiosk."},
	"help.quiet":    {"消息太多", "Too many messages?"},
	"help.quiet.a":  {"在“设置”里逐项关掉。安全通知一直会发。", "Switch them off one by one under “Settings”. Security messages always come."},
	"office":        {"还有问题，找人帮忙", "People who help"},
	"office.phone":  {"电话", "Phone"},
	"office.hours":  {"时间", "Hours"},

	"alt.verify":       {"企业小助手里选择邮箱、收到验证码、验证通过的聊天", "The chat with the assistant: choosing e-mail, sending the code, verified"},
	"alt.bind":         {"绑定页面：姓名、学工号或卡号、查询密码", "The form to bind a card: name, number, query password"},
	"alt.home":         {"首页：卡上余额、待领金额和各项功能", "The home page: balance, money to collect, and what you can do"},
	"alt.topup":        {"充值页面：选择金额", "The top-up page: choosing an amount"},
	"alt.paid":         {"付款之后：已付款，待领取", "After paying: paid, waiting to be collected"},
	"alt.kiosk":        {"圈存机的屏幕：待领金额和转账列表", "The kiosk's screen: what waits to be collected"},
	"alt.claimed":      {"聊天里的通知：已到卡", "A message in the chat: on your card"},
	"alt.transactions": {"交易明细：每天的商户和金额", "Transactions: merchants and amounts by day"},
	"alt.statement":    {"账单：当月消费和每天的柱状图", "The statement: the month's spending and a chart by day"},
	"alt.loss":         {"挂失回执：受理时间、生效终端数和回执号", "The receipt of a loss report: time, terminals and number"},
}
