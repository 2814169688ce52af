package cards

// key names one text of the catalogue.
type key string

// words is one text in both languages; verbs (%s, %d) come in the same order in both.
type words struct{ zh, en string }

// catalogue holds every text this package shows. A row's name has five characters at most, a button's and a link's text
// ten and eighteen: longer ones are cut by the client. Money waiting to be claimed is never called 到账.
var catalogue = map[key]words{
	kPair:      {"%s：%s", "%s: %s"},
	kOpen:      {"查看", "Open"},
	kMore:      {"详情", "More"},
	kMinutes:   {"%d 分钟", "%d minutes"},
	kOneMinute: {"1 分钟", "1 minute"},

	kSourceCard:      {"校园一卡通", "Campus Card"},
	kSourceAssistant: {"企业小助手", "Assistant"},

	// What the forms without buttons say instead of them.
	kSettingsTyped:    {"要改，打开设置的网页", "To change them, open the settings page"},
	kPushTyped:        {"可以回复：是的、不用了", "You can reply: yes, no"},
	kLossTyped:        {"可以回复：是的、取消", "You can reply: yes, cancel"},
	kVerifyTypedEmail: {"回复“邮箱”，就发送验证码", "Reply “email” to get the code"},
	kVerifyTypedPhone: {"回复“手机”，就发送验证码", "Reply “phone” to get the code"},

	kRowReturned: {"退款", "Back"},
	kReturned:    {"其中 %s 已退或正在退", "%s refunded or on its way"},
	kOffCard:     {"待领取、写卡中和退款的钱不在卡上，不算交易，见“领取与记录”。", "What waits to be collected, is being written or went back is not on the card, so it is no transaction."},

	kRowCard:    {"卡号", "Card"},
	kRowStatus:  {"状态", "State"},
	kRowPending: {"待领取", "Claim"},
	kRowLast:    {"最近一笔", "Last"},
	kRowName:    {"姓名", "Name"},
	kRowTime:    {"时间", "Time"},
	kRowOrder:   {"订单号", "Order"},
	kRowPlace:   {"地点", "Where"},
	kRowEmail:   {"邮箱", "Mail"},
	kRowPhone:   {"手机", "Phone"},
	kRowSentTo:  {"发送到", "To"},
	kRowValid:   {"有效期", "Valid"},
	kRowMore:    {"其他", "More"},
	kRowReceipt: {"回执号", "Ref."},
	kRowNumber:  {"学工号", "No."},

	kStatusNormal: {"正常", "Normal"},
	kStatusLost:   {"已挂失", "Reported lost"},
	kStatusFrozen: {"已冻结", "Frozen"},
	kStatusClosed: {"已注销", "Closed"},

	kBalanceTitle:      {"校园卡余额", "Campus card balance"},
	kBalanceAsOf:       {"截至 %s", "As of %s"},
	kBalanceOnCard:     {"卡上余额", "On your card"},
	kBalanceAbout:      {"卡上余额约", "On your card, about"},
	kBalanceMissing:    {"截至 %s，另有 %d 笔未上传", "As of %s; %d records not received yet"},
	kBalanceOneMissing: {"截至 %s，另有 1 笔未上传", "As of %s; 1 record not received yet"},
	kJumpTopUp:         {"去充值", "Top up"},
	kJumpDetails:       {"交易明细", "Transactions"},
	kJumpPending:       {"待领取的钱", "Money to collect"},
	kJumpHome:          {"我的一卡通", "My campus card"},

	kTopUpChoicesTitle: {"充多少", "How much to top up"},
	kTopUpChoicesDesc:  {"选一个金额，用微信支付", "Choose an amount, pay with WeChat Pay"},
	kTopUpOther:        {"其他金额", "Other"},
	kTopUpTitle:        {"充值校园卡", "Top up your card"},
	kTopUpAmount:       {"充值金额", "Amount"},
	kTopUpHint:         {"付款后，到任意食堂刷卡或圈存机领取。", "After paying, tap at any canteen or a kiosk to collect it."},
	kTopUpPay:          {"去支付", "Pay"},
	kTopUpPaidTitle:    {"已付款，待领取", "Paid, waiting to be collected"},
	kTopUpPaidDesc:     {"到任意食堂刷卡或圈存机领取", "Tap at any canteen or a kiosk"},
	kTopUpPaidState:    {"已付款", "Paid"},

	kVerifyTitle:      {"验证身份", "Verify who you are"},
	kVerifyDesc:       {"验证码发到哪里", "Where shall we send your code?"},
	kVerifyByEmail:    {"发到邮箱", "By e-mail"},
	kVerifyByPhone:    {"发到手机", "By phone"},
	kVerifyOnPage:     {"也可以在网页上验证", "You can also verify on the web page"},
	kCodeSentTitle:    {"验证码已发送", "Code sent"},
	kCodeSentDesc:     {"收到后，把六位数字发到这里", "Type the six digits here"},
	kCodeSentHint:     {"没有收到时，看看垃圾邮件，或一分钟后再发一次。", "Nothing there? Look in the spam folder, or ask again after a minute."},
	kCodeSentPage:     {"在网页上填写", "Enter on the page"},
	kVerifiedTitle:    {"验证成功", "You are verified"},
	kVerifiedDesc:     {"下一步：绑定校园卡", "Next: bind your campus card"},
	kWelcomeTitle:     {"欢迎使用校园一卡通", "Welcome to Campus Card"},
	kWelcomeNamed:     {"%s，欢迎使用校园一卡通", "Welcome to Campus Card, %s"},
	kWelcomeDesc:      {"绑定校园卡后就能查余额、充值", "Bind your card to see and top it up"},
	kWelcomeHint:      {"绑定需要姓名、学号或卡号，和六位查询密码。", "You need your name, student or card number, and the six-digit query password."},
	kBindGo:           {"去绑定", "Bind my card"},
	kNotVerifiedTitle: {"先验证身份", "Verify first"},
	kNotVerifiedDesc:  {"到“企业小助手”发送“验证”", "Send “verify” to the Assistant app"},
	kVerifyGo:         {"去验证", "Verify"},
	kNotBoundTitle:    {"还没有绑定校园卡", "No card bound yet"},
	kNotBoundDesc:     {"绑定后就能使用这个功能", "Bind your card to use this"},
	kBoundTitle:       {"绑定成功", "Card bound"},
	kBoundDesc:        {"试试发送“余额”或“充值 50”", "Try “balance” or “top up 50”"},
	kBoundPassword:    {"请先设置自己的查询密码，初始密码只能用于挂失。", "Choose your own query password first: the initial one serves only to report a loss."},
	kPasswordGo:       {"设置查询密码", "Set my password"},
	kPasswordTitle:    {"请设置查询密码", "Set your query password"},
	kPasswordDesc:     {"密码只在网页上填写，不要发到聊天里", "Only on the page, never in chat"},

	kPendingTitle:    {"待领取", "Waiting to be collected"},
	kPendingTotal:    {"待领取", "To collect"},
	kPendingDesc:     {"共 %d 笔", "Transfers: %d"},
	kPendingWhere:    {"到任意食堂刷卡或圈存机领取", "Tap at any canteen or a kiosk"},
	kPendingPlaces:   {"到任意食堂刷卡或圈存机领取。圈存机：%s", "Tap at any canteen or a kiosk. Kiosks: %s"},
	kPendingNone:     {"没有待领取的钱", "Nothing to collect"},
	kPendingNoneDesc: {"刚付过款的话，两分钟内会显示在这里", "Just paid? It shows here within two minutes"},
	kPendingMore:     {"另有 %d 笔", "%d more"},
	kPendingList:     {"领取与记录", "Transfers"},
	kPlacesOf:        {"%s等 %d 处", "%s … (%d in all)"},
	kPlaceSeparator:  {"、", ", "},
	kClaimedTitle:    {"已到卡", "On your card"},
	kClaimedDesc:     {"领取成功", "Collected"},
	kClaimedBalance:  {"卡上现有", "Now"},
	kInDoubtTitle:    {"写卡结果待确认", "We are checking the last write"},
	kInDoubtDesc:     {"钱没有丢，下次刷卡自动核对", "Your money is safe; the next tap settles it"},
	kReleasedTitle:   {"未写入，已退回待领", "Not written; back to waiting"},
	kReleasedDesc:    {"可以再领一次", "You can collect it again"},

	kLossConfirmTitle: {"要挂失这张卡吗", "Report this card as lost?"},
	kLossConfirmDesc:  {"挂失后马上停用，找到了可以解挂", "It stops at once; cancel this if you find it"},
	kLossConfirmHint:  {"确认后，在网页上填查询密码。没有改过的话，初始密码也可以。", "After you confirm, a page asks for your query password. If you never changed it, the initial one will do."},
	kLossConfirmYes:   {"确认挂失", "Report"},
	kLossConfirmNo:    {"取消", "Cancel"},
	kLossNextTitle:    {"还差一步：填查询密码", "One more step: your query password"},
	kLossNextDesc:     {"在网页上提交之后，卡才算挂失", "The card is reported once you submit it"},
	kLossNextGo:       {"填密码，完成挂失", "Finish"},
	kLostDesc:         {"从这时起停用，直到解挂", "Stopped from then on, until you cancel it"},
	kLostAccepted:     {"挂失已受理 %s", "Loss reported %s"},
	kLostActive:       {"挂失已受理 %s，已有 %d/%d 台终端生效", "Loss reported %s; active on %d of %d terminals"},
	kLostFollow:       {"查看生效情况", "See its progress"},
	kLostCancel:       {"找到卡了，解挂", "I have found it"},

	kPushOnTitle:  {"要打开消费通知吗", "Hear about each purchase?"},
	kPushOffTitle: {"要关掉消费通知吗", "Stop hearing about purchases?"},
	kPushDesc:     {"这里只改“消费”这一种通知", "This is about purchases only"},
	kPushHint:     {"挂失、密码这类安全通知一直会发。其他通知可以在设置里一项一项选。", "Security messages, such as loss and password, always come. Every other kind has its own switch in the settings."},
	kPushOnDo:     {"打开消费通知", "Turn on"},
	kPushOffDo:    {"关掉消费通知", "Turn off"},
	kPushSettings: {"逐项设置", "Settings"},

	kNewcomerHint: {"如果登记了这个学工号，验证码会发到它登记的地址。", "If this number is on record, a code goes to its address."},

	kNewcomerTitle: {"验证学工号 %s", "Verify number %s"},
	kNewcomerDesc:  {"登记过的学工号，才会收到验证码", "A code goes out if it is on record"},
	kVerifyPress:   {"发送验证码", "Send code"},
	kVerifyTyped:   {"也可以直接回复“邮箱”或“手机”", "Or simply reply “email” or “phone”"},

	kAskWhichTitle: {"你是想…", "Did you mean…"},
	kAskWhichDesc:  {"点一个，或者换个说法", "Tap one, or say it another way"},
	kAskWhichHelp:  {"都不是", "Neither"},

	kGreetMorning:   {"早上好，%s", "Good morning, %s"},
	kGreetNoon:      {"中午好，%s", "Hello, %s"},
	kGreetAfternoon: {"下午好，%s", "Good afternoon, %s"},
	kGreetEvening:   {"晚上好，%s", "Good evening, %s"},
	kGreetHint:      {"想做什么，直接说就行，比如“充值 50”“上个月的账单”。", "Just say what you need, such as “top up 50” or “last month's statement”."},

	kRowSpent:     {"消费", "Spent"},
	kRowToppedUp:  {"充值", "Added"},
	kRowGranted:   {"补助", "Grant"},
	kRowCollected: {"领到卡上", "Card"},
	kCollected:    {"%s", "%s collected"},
	kRowDays:      {"用卡", "Days"},
	kRowWriting:   {"写卡中", "Write"},
	kRowDoubt:     {"待确认", "Check"},
	kRowLang:      {"语言", "Lang."},
	kRowStyle:     {"消息样式", "Style"},
	kRowLow:       {"余额提醒", "Alert"},
	kDoubtOf:      {"%s，钱没有丢，下次刷卡自动核对", "%s, safe; tap to settle"},
	kStatementOf:  {"%s账单", "Statement for %s"},
	kSpentTotal:   {"消费", "Spent"},
	kOnePurchase:  {"%s，1 笔", "%s, 1 purchase"},
	kAskLang:      {"语言", "Language"},
	kAskStyle:     {"消息样式", "Message style"},
	kAskLow:       {"余额提醒", "Low balance"},
	kAskTyped:     {"可以回复：%s", "You can reply: %s"},
	kPurchases:    {"%s，%d 笔", "%s, %d purchases"},
	kDaysCount:    {"%d 天", "%d"},
	kMoreThan:     {"比上月多花 %s", "%s more than the month before"},
	kLess:         {"比上月少花 %s", "%s less than the month before"},
	kSame:         {"和上月花得一样多", "As much as the month before"},
	kMoreSoFar:    {"与上月同期相比多花 %s（都算到 %d 日）", "%s more than by day %d of last month"},
	kLessSoFar:    {"与上月同期相比少花 %s（都算到 %d 日）", "%s less than by day %d of last month"},
	kSameSoFar:    {"与上月同期相比一样多（都算到 %d 日）", "As much as by day %d of last month"},
	kFirstSoFar:   {"上月同期（到 %d 日）没有消费，无从比较", "Last month: nothing spent by day %d"},
	kFirst:        {"上月没有消费，无从比较", "The month before: nothing spent"},
	kNothingSpent: {"这个月没有消费", "Nothing spent this month"},
	kMerchants:    {"花得最多的地方", "Where most of it went"},
	kJumpBill:     {"完整账单", "Full statement"},
	kJumpMonth:    {"当月明细", "Transactions"},

	kTransactionsTitle: {"最近 %d 笔", "Latest transactions: %d"},
	kTransactionsOf:    {"%s，最后 %d 笔", "%s, the last %d"},
	kNoTransactionsOf:  {"%s没有交易", "No transactions in %s"},
	kNoTransactions:    {"还没有交易", "No transactions yet"},
	kNoTransactionsSay: {"领取到卡的钱和消费会显示在这里。", "What you collect and what you spend will show here."},

	kSettingsTitle:    {"设置", "Settings"},
	kSettingsDesc:     {"选好后点保存", "Choose, then save"},
	kSettingsSave:     {"保存", "Save"},
	kSettingsSaved:    {"已保存", "Saved"},
	kSettingsAll:      {"全部设置", "All settings"},
	kLangZh:           {"中文", "中文"},
	kLangEn:           {"English", "English"},
	kAskLanguageTitle: {"用哪种语言 · Language", "Which language? · 语言"},
	kAskLanguageDesc:  {"聊天、通知和网页都会用它", "For the chat, messages and pages"},
	kAskLanguageTyped: {"可以回复：中文、English", "You can reply: English, 中文"},
	kStyleCard:        {"卡片", "Cards"},
	kStyleTextCard:    {"文字，微信里也能看", "Text, for WeChat"},
	kStyleHint:        {"在微信里看不到卡片时，把消息样式换成文字。", "If you read this inside WeChat and see no cards, switch the style to text."},
	kLowOff:           {"不提醒", "Off"},
	kLowBelow:         {"低于 %s 时", "Below %s"},
	kPushKindsTitle:   {"要收哪些通知", "What shall we tell you about?"},
	kPushKindsDesc:    {"挂失、密码这类安全通知一直会发", "Security messages always come"},
	kPushKindsSaved:   {"通知已设好", "Notifications saved"},
	kPushKindsOn:      {"会通知你：%s", "You will hear about: %s"},
	kPushKindsNone:    {"除了安全通知，都不再发。", "Only security messages will come."},

	kLowUnset: {"还没有设金额，先不提醒", "None until you set an amount"},
	kLowSet:   {"设提醒金额", "Set the amount"},

	kKindConsumption: {"消费", "Purchases"},
	kKindTopUpPaid:   {"充值付款", "Top-ups paid"},
	kKindClaimed:     {"领取", "Money collected"},
	kKindRefunded:    {"退款", "Refunds"},
	kKindLowBalance:  {"余额提醒", "Low balance"},
	kKindClaimFailed: {"领取没有成功", "Failed collecting"},
	kKindUnusual:     {"异常消费", "Unusual spending"},
	kKindReminder:    {"领取提醒", "Reminders"},
	kKindSubsidy:     {"补助", "Grants"},
	kKindCorrected:   {"消费冲正", "Reversals"},
	kKindStatement:   {"月账单", "Monthly statement"},

	kMuteMenu:     {"这类通知", "This kind of message"},
	kMuteDo:       {"不再通知", "Mute these"},
	kMuteSettings: {"通知设置", "Settings"},
	kMutedTitle:   {"不再通知你：%s", "Muted: %s"},
	kMutedDesc:    {"记录都在，随时可以重新打开", "Nothing is lost; turn it on any time"},
	kMutedUndo:    {"重新打开", "Turn on"},
	kUnmutedTitle: {"重新通知你：%s", "Back on: %s"},
	kUnmutedDesc:  {"以后这类消息会照常发给你", "These messages will come again"},

	kHelpCardTitle:   {"可以这样问我", "What you can say"},
	kRowHelpSee:      {"看看", "See"},
	kHelpSee:         {"余额 · 明细 · 账单 · 待领", "balance · statement · pending"},
	kRowHelpPay:      {"充值", "Pay"},
	kHelpPay:         {"充值 · 充值 50 · 到哪里领款", "top up 50 · where to collect"},
	kRowHelpLost:     {"丢卡", "Lost"},
	kHelpLost:        {"挂失 · 解挂", "report loss · cancel loss"},
	kRowHelpCard:     {"卡", "Card"},
	kHelpCard:        {"绑定 · 解绑 · 修改密码", "bind · unbind · password"},
	kRowHelpSet:      {"设置", "Set"},
	kHelpSet:         {"设置 · 通知设置 · English", "settings · notifications · 中文"},
	kRowHelpHuman:    {"找人", "Ask"},
	kHelpHuman:       {"人工 · 窗口在哪里", "human · opening hours"},
	kHelpCardDesc:    {"用自己的话说也行，或用下面的菜单", "In your own words, or by the menu below"},
	kHelpVerifyTitle: {"我帮你验证身份", "I help you verify"},
	kHelpVerifyDesc:  {"发送“验证”开始", "Send “verify” to start"},
	kHelpVerifyText:  {"验证码会发到学校登记的邮箱或手机。收到后，把六位数字发给我。", "A code goes to the e-mail or phone the school has on record. Type its six digits here."},
	kNoticeTitle:     {"提示", "Notice"},
	kSorry:           {"抱歉，刚才没有办成。钱和卡都没有动，请过一会儿再试。", "Sorry, that did not work. Your money and card are untouched. Please try again in a moment."},
	kSorryID:         {"抱歉，刚才没有办成。钱和卡都没有动，请过一会儿再试。（编号 %s）", "Sorry, that did not work. Your money and card are untouched. Please try again in a moment. (Ref. %s)"},
	kBusy:            {"上一条还在处理，请稍等片刻再发。", "Your last message is still being handled. Please send this one again in a moment."},
	kSlow:            {"还在处理，钱是安全的。过一会儿再问一次，就能看到结果。", "Still working on it, and your money is safe. Ask again in a moment to see the result."},
	kRefused:         {"这张卡片不是发给你的，不能操作。", "This card was not sent to you, so its buttons do nothing."},
	kUsed:            {"这个按钮已经按过了。想知道现在怎样，再问一次就好。", "This button was pressed already. Ask again to see how things stand."},
	kExpired:         {"这张卡片已过期，请重新发送你的问题。", "This card has expired. Please ask again."},
}

// Sorry is the sentence for a fault on our side; requestID, when given, lets the operator find the log lines.
func Sorry(lang Lang, requestID string) string {
	if requestID == "" {
		return say(lang, kSorry)
	}
	return say(lang, kSorryID, requestID)
}

// Busy is the sentence when the person's previous message is still being handled.
func Busy(lang Lang) string { return say(lang, kBusy) }

// Slow is the sentence when handling takes longer than WeCom waits.
func Slow(lang Lang) string { return say(lang, kSlow) }

// Refused is the sentence for a button of somebody else's card.
func Refused(lang Lang) string { return say(lang, kRefused) }

// Used is the sentence for a button that has had its effect.
func Used(lang Lang) string { return say(lang, kUsed) }

// Expired is the sentence for a button of an old card.
func Expired(lang Lang) string { return say(lang, kExpired) }
