package handlers

import (
	"fmt"
	"time"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// phrase is one sentence in both languages; verbs come in the same order.
// Money that waits is never called 到账.
type phrase struct{ zh, en string }

func (p phrase) in(lang cards.Lang, args ...any) string {
	text := p.zh
	if lang == cards.En {
		text = p.en
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// notice is a title and what follows from it.
type notice struct{ title, body phrase }

// wait writes how long to wait, rounded up: "45 秒", "3 分钟", "2 小时".
func wait(lang cards.Lang, d time.Duration) string {
	switch {
	case d <= time.Minute:
		return wSeconds.in(lang, max(1, int64((d+time.Second-1)/time.Second)))
	case d <= time.Hour:
		return cards.Minutes(lang, d)
	}
	return wHours.in(lang, int64((d+time.Hour-1)/time.Hour))
}

var (
	wSeconds   = phrase{"%d 秒", "%d s"}
	wHours     = phrase{"%d 小时", "%d h"}
	wSeparator = phrase{"、", ", "}
)

// Names of rows: five characters at most.
var (
	wRowCard    = phrase{"卡号", "Card"}
	wRowTitle   = phrase{"名称", "What"}
	wRowAmount  = phrase{"金额", "Sum"}
	wRowBalance = phrase{"卡上现有", "Now"}
	wRowTime    = phrase{"时间", "Time"}
	wRowPlace   = phrase{"地点", "Where"}
	wRowPhone   = phrase{"电话", "Phone"}
	wRowHours   = phrase{"开放时间", "Hours"}
	wRowOffice  = phrase{"窗口", "Desk"}
	wRowReceipt = phrase{"回执号", "Ref."}
	wRowNumber  = phrase{"学工号", "No."}
	wRowCount   = phrase{"笔数", "Count"}
	wRowSince   = phrase{"最早一笔", "Since"}
	wRowLatest  = phrase{"最近一笔", "Last"}
)

// Words on links.
var (
	wOpenHome     = phrase{"我的一卡通", "My campus card"}
	wBind         = phrase{"去绑定", "Bind my card"}
	wVerifyPage   = phrase{"在网页上验证", "Verify on the page"}
	wPasswordPage = phrase{"查询密码页面", "Password page"}
	wMonthHistory = phrase{"当月明细", "Transactions"}
	wTransfers    = phrase{"领取与记录", "Transfers"}
	wTopUp        = phrase{"去充值", "Top up"}
	wChooseAmount = phrase{"选择金额", "Choose amount"}

	wLossPage       = phrase{"去挂失", "Report the loss"}
	wLossStatus     = phrase{"查看生效情况", "See its progress"}
	wCancelLossPage = phrase{"去解挂", "Cancel the report"}
	wUnbindPage     = phrase{"去解绑", "Unbind my card"}
	wPushSettings   = phrase{"逐项设置", "All settings"}
	wBindAgain      = phrase{"重新绑定", "Bind again"}
)

// Verification.
var (
	wCodeTooSoon     = phrase{"稍等一下再发", "One moment, please"}
	wCodeTooSoonBody = phrase{"刚发过的验证码，没有过期或作废就还能用。要再发一个，请过 %s，再发送“验证”。", "The code already sent still serves unless it has expired or is void. For another one, wait %s, then send “verify”."}
	wCodeTooMany     = notice{phrase{"现在要验证码的人太多", "Too many people are asking"}, phrase{"请过 %s，再发送“验证”。着急的话，请联系受理中心。", "Please wait %s, then send “verify”. If it cannot wait, please ask the card office."}}
	wCodeNotSent     = phrase{"验证码没有发出去", "The code could not be sent"}
	wCodeNotSentBody = phrase{"是我们这边的问题。请过 %s，再发送“验证”。", "The fault is ours. Please wait %s, then send “verify”."}
	wCodeOfSix       = phrase{"验证码是六位数字，看看有没有少打或多打。", "A code has six digits. Is one missing, or one too many?"}
	wCodeWrong       = phrase{"验证码不对，还可以试 %d 次。看看是不是最新收到的那一条。", "That code is not right. Tries left: %d. Is it the newest one you received?"}
	wCodeBurnt       = phrase{"错误次数太多，这个验证码作废了", "Too many wrong tries, this code is void"}
	wCodeExpired     = phrase{"验证码过期了", "The code has expired"}
	wCodeAgain       = phrase{"发送“验证”，再要一个新的。", "Send “verify” to get a new one."}
	wAlreadyVerified = phrase{"你已经验证过了", "You are verified already"}
	wHelpVerified    = notice{phrase{"我能帮你的", "What I can do"},
		phrase{"我负责验证身份，你已经验证过了。在这里还可以发送“人工”或“语言”。余额、充值、挂失这些，到“校园一卡通”里说。", "You are verified. Here you can still send “human” or “language”. For balance, top-ups or a lost card, use the Campus Card app."}}
	wBindThere     = phrase{"那里还没有绑定校园卡，先绑定。", " Bind your card there first."}
	wGoCardApp     = phrase{"查余额、充值，请到“校园一卡通”。", "For balance and top-ups, open the Campus Card app."}
	wNowBind       = phrase{"下一步：绑定校园卡。", "Next: bind your campus card."}
	wInCardApp     = phrase{"这件事请到“校园一卡通”", "Please ask the Campus Card app"}
	wInCardAppBody = phrase{"我只负责验证身份。同样的话，在“校园一卡通”里说就行。", "I only verify who you are. Say the same in the Campus Card app."}
	wNoAddress     = phrase{"没有可以接收验证码的邮箱或手机", "No address for your code"}
	wNoAddressBody = phrase{"请联系受理中心，登记你的邮箱或手机。", "Please ask the card office to register your e-mail or phone."}
	wNoSecrets     = phrase{"验证码和密码请填在网页上", "Codes and passwords: on the page"}
	wNoSecretsBody = phrase{"刚才的数字没有保存。为了安全，请不要把密码发到聊天里。", "The digits were not kept. For your safety, please never send a password in chat."}
	wNumberOfSix   = phrase{"如果是六位的学工号，前面加上“学工号”三个字再发。", "If it was a staff number of six digits, send it again with the word “number” before it."}
)

// A member who is not on record.
var (
	wAskNumber = notice{phrase{"先告诉我你的学工号", "Your student or staff number?"},
		phrase{"你的企业微信账号还没有对应的登记。把学工号发到这里，验证码会发到它登记的地址。", "Your WeCom account is not on record yet. Send your number here, and a code goes to the address on record for it."}}
	wAskNumberThere = phrase{"你的企业微信账号还没有对应的登记。请在网页上，或到“企业小助手”里，用学工号验证。", "Your WeCom account is not on record yet. Please verify with your number on the page, or in the Assistant app."}
	wNumberTaken    = notice{phrase{"请查收验证码", "Look for the code"},
		phrase{"如果登记了这个学工号，验证码已经发往它登记的地址。收到后，把六位数字发到这里。没有收到？看看学工号有没有写错，或联系受理中心。", "If this number is on record, a code is on its way to its address. Type the six digits here. Nothing there? Check the number, or ask the card office."}}
	wNumberTooSoon = notice{phrase{"发得太频繁了，先等一会儿", "Too many requests for now"},
		phrase{"请过 %s 再试，或联系受理中心。", "Please try again in %s, or ask the card office."}}
	wNumberOrCodeWrong = phrase{"验证码不对，或者已经失效。看看是不是最新收到的那一条；要换一个，把学工号再发一次。",
		"That code is wrong or no longer valid. Is it the newest one? To get another, send your number again."}
)

// Loss.
var (
	wLossDropped = notice{phrase{"没有挂失，卡没有停用", "Nothing was reported or frozen"}, phrase{"照常刷卡就好。要挂失，随时发送“挂失”。", "The card works as before. To report it, send “report loss” at any time."}}
	wCancelLoss  = notice{phrase{"解挂", "Cancel the loss report"}, phrase{"在网页上填查询密码和验证码，卡就能重新使用。请先确认卡在你手里。", "Enter your query password and a code on the page, and the card works again. Be sure to have it in your hand first."}}
	wFrozen      = notice{phrase{"这张卡被冻结了，不是挂失", "Your card is frozen, not lost"}, phrase{"卡上的钱还在。要恢复使用，请联系受理中心。", "The money on it is safe. To use it again, please ask the card office."}}
	wLostNoTopUp = notice{phrase{"卡已挂失，暂时不能充值", "A lost card cannot be topped up"}, phrase{"找到了卡，先解挂再充值；要补卡，请到受理中心。卡里的钱还在账上。", "Found it? Cancel the loss report first. For a new card, see the card office. Your money is kept on the books."}}
	wNoTopUp     = notice{phrase{"这张卡现在不能充值", "This card cannot be topped up"}, phrase{"它现在不是正常状态，请联系受理中心。卡里的钱还在账上。", "It is not in its normal state; please ask the card office. Your money is kept on the books."}}
	wNotLost     = notice{phrase{"这张卡没有挂失", "This card is not reported lost"}, phrase{"不用解挂，照常使用就好。", "There is nothing to cancel."}}
)

// The card app.
var (
	wNudge            = phrase{"你还在用初始查询密码，别人也知道。换一个自己的：%s", "You still have the initial query password, which everybody knows. Choose your own: %s"}
	wAlreadyBound     = phrase{"校园卡已经绑定", "Your card is bound already"}
	wTryIt            = phrase{"试试发送“余额”或“充值 50”。", "Try “balance” or “top up 50”."}
	wNoCard           = phrase{"没有找到在用的校园卡", "No card in use"}
	wNoCardBody       = phrase{"你名下没有在用的校园卡，请联系受理中心。", "There is no card in use under your name. Please ask the card office."}
	wPassword         = phrase{"查询密码", "Query password"}
	wPasswordBody     = phrase{"在网页上修改。忘记了也可以用验证码重设。密码不要发到聊天里。", "Change it on the page. If you forgot it, a code sets a new one. Never send it in chat."}
	wUnbind           = notice{phrase{"解绑校园卡", "Unbind your campus card"}, phrase{"解绑后，这里不再显示余额，也不再发消息。卡照常使用，钱不受影响。要在网页上填查询密码。", "Then no balance is shown and no messages come. The card keeps working and your money is not touched. The page asks for your query password."}}
	wPushNowOn        = phrase{"消费通知已打开", "Purchase messages are on"}
	wPushNowOff       = phrase{"消费通知已关掉", "Purchase messages are off"}
	wPushAlreadyOn    = phrase{"消费通知本来就是开的", "Purchase messages are already on"}
	wPushAlreadyOff   = phrase{"消费通知本来就是关的", "Purchase messages are already off"}
	wPushRest         = phrase{"挂失、密码这类安全通知一直会发。其他通知在设置里一项一项选。", "Security messages, such as loss and password, always come. Every other kind has its own switch in the settings."}
	wAmountLimits     = phrase{"一次可以充 %s 到 %s", "One top-up can be %s to %s"}
	wAmountLimitsBody = phrase{"你说的是 %s，换一个金额就行。", "You said %s. Please choose another amount."}
	wAmountHuge       = phrase{"你说的太多了，换一个金额就行。", "What you said is far more. Please choose another amount."}
	wAmountOdd        = phrase{"金额写成 50 或 12.50 这样就行，小数最多两位，要大于零。", "Write the amount like 50 or 12.50: above zero, at most two decimals."}
	wNoSuchMonth      = phrase{"没有这个月份，一年只有十二个月", "There is no such month"}
	wMonthToCome      = phrase{"%s还没有到，没有账单", "%s has not begun yet"}
	wOtherMonth       = phrase{"要看的是哪个月？说“10月账单”或“上个月”就行，也可以先看这个月的。", "Which month do you mean? Say “October statement” or “last month”, or open this month's."}
	wThisMonth        = phrase{"这个月的账单", "This month"}
	wWriting          = phrase{"正在写卡，请勿移开卡片", "Writing to your card. Do not move it"}
	wWritingBody      = phrase{"写好后会告诉你。", "We will tell you when it is done."}
	wTopUpTransfer    = phrase{"微信充值", "Top-up"}
	wGrant            = phrase{ledger.GrantWord, "Grant"}
	wCorrection       = phrase{"消费冲正", "Purchase reversed"}
	wStateClaimed     = phrase{"已到卡", "Collected"}
	wStatePending     = phrase{"待领取", "To collect"}
	wStateWriting     = phrase{"写卡中", "Being written"}
	wStateDoubt       = phrase{"待确认", "Being checked"}
	wStateRefunding   = phrase{"退款中", "Being refunded"}
	wStateRefunded    = phrase{"已退款", "Refunded"}
	wToday            = phrase{"今天消费 %s，%d 笔", "Spent today: %s (%d×)"}
	wSpent            = phrase{"消费 %s，%d 笔", "Spent: %s (%d×)"}
	wSpentNone        = phrase{"没有消费", "Nothing spent"}
	wTodayNone        = phrase{"今天还没有消费记录", "No purchases recorded today"}
	wRefund           = notice{phrase{"退款", "Refund"}, phrase{"还没有领取的微信充值，可以在“领取与记录”里原路退款。已到卡的钱不能退，可以继续用。", "A WeChat top-up you have not collected can go back the way you paid, on the transfers page. Money that is on your card stays there to be spent."}}
	wWelcome          = phrase{"不客气。还想查什么，直接说就行。", "You're welcome. Just say what else you need."}
	wFine             = phrase{"好的。想查什么，直接说就行，比如“余额”“充值 50”。", "All right. Just say what you need, such as “balance” or “top up 50”."}
	wSay              = phrase{"想查什么，直接说就行，比如“余额”“充值 50”。", "Just say what you need, such as “balance” or “top up 50”."}
	wBye              = phrase{"再见，有事随时找我。", "Goodbye. I'm here whenever you need me."}
	wOnlyText         = phrase{"图片、语音、位置和文件我还看不懂，打字告诉我就行。不知道怎么说，就发送“帮助”。", "I can only read text: no pictures, voice, places or files. Please type what you need, or “help” to see what I can do."}
	wHuman            = phrase{"人工服务", "Talk to a person"}
	wMachines         = phrase{"圈存机在：%s", "Kiosks: %s"}
	wLanguageSet      = phrase{"好的，以后用中文。想换成英文，发送“English”。", "Done. I will speak English from now on. Send “中文” to change to Chinese."}
	wNothingUnderWay  = phrase{"现在没有进行中的事情，不用取消。", "Nothing is under way, so there is nothing to cancel."}
)

// What 取消 says.
var (
	wTopUpDropped      = phrase{"好的，不充了。没有付款的订单会自动关闭，不会扣钱。", "All right, no top-up. An order that was not paid closes by itself and costs nothing."}
	wCancelLossDropped = phrase{"好的，先不解挂。", "All right, the loss report is left as it is."}
	wUnbindDropped     = phrase{"好的，先不解绑。", "All right, no unbinding."}
	wBindDropped       = phrase{"好的，先不绑定。想绑定时，发送“绑定”。", "All right, not now. Send “bind” when you are ready."}
	wVerifyDropped     = phrase{"好的，先不验证。想验证时，发送“验证”。", "All right, not now. Send “verify” when you are ready."}
	wPushDropped       = phrase{"好的，通知就先这样。", "All right, notifications stay as they are now."}
	wWhichDropped      = phrase{"好的。换个说法再告诉我，或者发送“帮助”。", "All right. Say it another way, or send “help”."}
	wSettingsDropped   = phrase{"好的，设置就先这样。", "All right, settings stay as they are now."}
)

// askNames are the asks in a word or two, for buttons: ten characters at most.
var askNames = map[string]phrase{
	"balance":            {"查余额", "Balance"},
	"topup":              {"充值", "Top up"},
	"statement":          {"月账单", "Statement"},
	"transactions_today": {"交易明细", "History"},
	"report_loss":        {"挂失", "Lost card"},
	"cancel_loss":        {"解挂", "Card found"},
	"claim":              {"怎么领取", "Collect"},
	"pending":            {"待领取的钱", "Waiting"},
	"verify":             {"验证身份", "Verify"},
	"bind":               {"绑定校园卡", "Bind card"},
	"unbind":             {"解绑校园卡", "Unbind"},
	"change_language":    {"换语言", "Language"},
	"notifications_on":   {"打开通知", "Alerts on"},
	"notifications_off":  {"关掉通知", "Mute"},
	"help":               {"帮助", "Help"},
	"human":              {"人工服务", "A person"},
}

// transferRows name the lines of 明细 that are not on the card: five characters
// at most. In Chinese that is how far they have come, which English says after.
var transferRows = map[ledger.TransferState]string{
	ledger.TransferPending: "待领取", ledger.TransferInFlight: "写卡中", ledger.TransferInDoubt: "待确认",
	ledger.TransferRefunding: "退款中", ledger.TransferRefunded: "已退款",
}

// transferKinds name them in English.
var transferKinds = map[string]string{
	ledger.KindTopUp: "Paid", ledger.KindSubsidy: "Grant", ledger.KindCorrection: "Fixed", ledger.KindReplacement: "Moved",
}

// Events.
var (
	wOnCard            = phrase{"卡上余额", "On your card"}
	wConsumption       = notice{phrase{"校园卡消费", "Purchase"}, phrase{"", ""}}
	wPurchaseLate      = phrase{"补记了 1 笔消费", "1 purchase was recorded late"}
	wPurchasesLate     = phrase{"补记了 %d 笔消费", "%d purchases were recorded late"}
	wPurchasesLateBody = phrase{"终端刚刚传来的，按刷卡那天入账。", "Sent by the terminal just now, and counted on the day you tapped."}
	wPurchasesTotal    = phrase{"合计", "In all"}
	wSubsidy           = notice{phrase{"补助已发放，待领取", "A grant waits for you"}, phrase{"到任意食堂刷卡或圈存机领取。", "Tap at any canteen or a kiosk to collect it."}}
	wCorrected         = notice{phrase{"消费已冲正，待领取", "A purchase was reversed"}, phrase{"多扣的钱到任意食堂刷卡或圈存机领回。", "Tap at any canteen or a kiosk to get the money back."}}
	wOldCard           = phrase{"旧卡余额", "From the old card"}
	wReplaced          = notice{phrase{"新校园卡可以用了", "Your new card is ready"}, phrase{"旧卡已停用，不能再恢复。旧卡上剩下的钱，等终端把记录传齐后转入待领取。不是你本人办的？请马上联系受理中心。", "The old one is stopped for good. What is left on it waits to be collected once the terminals have sent everything. Not you? Please call the card office at once."}}
	wReplacedEmpty     = phrase{"旧卡已停用，不能再恢复。不是你本人办的？请马上联系受理中心。", "The old one is stopped for good. Not you? Please call the card office at once."}
	wMoved             = notice{phrase{"旧卡余额已转出，待领取", "Money from your old card waits"}, phrase{"用新卡到任意食堂刷卡或圈存机领取。", "Tap your new card at any canteen or a kiosk to collect it."}}
	wRefunded          = notice{phrase{"已原路退款", "Refunded the way you paid"}, phrase{"", ""}}
	wUnusual           = phrase{"这笔消费和平时不一样", "An unusual purchase"}
	wUnusualAmount     = phrase{"近两个月你最大的一笔是 %s。不是你本人？请马上挂失，再联系受理中心。", "Your largest one in two months was %s. Not you? Report the card lost at once, then call the card office."}
	wUnusualCount      = phrase{"%d 分钟里的第 %d 笔。不是你本人？请马上挂失，再联系受理中心。", "Within %d minutes, purchase number %d. Not you? Report the card lost at once, then call the card office."}
	wUnusualAmountOld  = phrase{"近两个月你最大的一笔是 %s。这张卡已停用，不用再挂失。不是你本人？请马上联系受理中心。", "Your largest one in two months was %s. That card is stopped already. Not you? Please call the card office at once."}
	wUnusualCountOld   = phrase{"%d 分钟里的第 %d 笔。这张卡已停用，不用再挂失。不是你本人？请马上联系受理中心。", "Within %d minutes, purchase number %d. That card is stopped already. Not you? Please call the card office at once."}
	wCollectLater      = phrase{"卡停用中，现在领不了。解挂、恢复或者补卡之后再领，钱一直在。", "Your card is stopped and cannot collect it now. Lift the report or get a new card first. The money stays."}
	wReminder          = notice{phrase{"还有钱没有领取", "Money still waits for you"}, phrase{"到任意食堂刷卡或圈存机领取。微信充值的钱不想领了，在“领取与记录”里可以原路退款。", "Tap at any canteen or a kiosk. If you no longer want it, the transfers page sends a top-up back the way you paid."}}
	wReminderPlaces    = phrase{"到任意食堂刷卡或圈存机领取。圈存机：%s。不想领的充值，在“领取与记录”里可以原路退款。", "Tap at any canteen or a kiosk. Kiosks: %s. Unwanted top-ups can go back the way you paid."}
	wLowBalance        = notice{phrase{"卡上余额不多了", "Your balance is low"}, phrase{"低于你设的 %s。", "It is below the %s you set."}}
	wLoss              = notice{phrase{"已挂失", "Your card is reported lost"}, phrase{"挂失已受理 %s。不是你本人操作？请马上联系受理中心。", "Loss reported %s. Not you? Please call the card office at once."}}
	wSpentAfterLoss    = notice{phrase{"挂失之后有一笔消费", "A purchase after your loss report"}, phrase{"这笔钱已单独记录。是不是你本人，都请联系受理中心。", "It is kept apart. Whether it was you or not, please talk to the card office."}}
	wSpentCampus       = phrase{"刷卡的终端当时还没有收到挂失名单，拟由学校承担。是不是你本人，都请联系受理中心。", "The terminal did not have the list of lost cards yet, so the campus is expected to cover it. Whether it was you or not, please talk to the card office."}
	wSpentMerchant     = phrase{"刷卡的终端当时已有挂失名单，拟由商户承担。是不是你本人，都请联系受理中心。", "The terminal had the list of lost cards, so the merchant is expected to cover it. Whether it was you or not, please talk to the card office."}
	wUnbound           = notice{phrase{"校园卡已解绑", "Your campus card is unbound"}, phrase{"以后不再发消息。不是你本人操作？请马上联系受理中心。", "No more messages will come. Not you? Please call the card office at once."}}
	wLossCancelled     = notice{phrase{"已解挂", "Loss report cancelled"}, phrase{"个别终端可能要过一会儿才认。不是你本人操作？请马上联系受理中心。", "Some terminals may need a while to know. Not you? Please call the card office at once."}}
	wPasswordChanged   = notice{phrase{"查询密码已修改", "Your query password was changed"}, phrase{"不是你本人操作？请马上重设密码，并联系受理中心。", "Not you? Please set a new one at once and call the card office."}}
	wPasswordLocked    = notice{phrase{"查询密码输错太多次，已锁定", "Your query password is locked"}, phrase{"用验证码设置新密码可以马上解锁。不是你本人操作？请联系受理中心。", "Too many wrong tries. Setting a new one with a code unlocks it. Not you? Please call the card office."}}
)

// What operators are told.
var (
	wDayAgrees  = phrase{"%s 对账一致", "%s is reconciled"}
	wDayEmpty   = phrase{"%s 没有微信账单，也没有交易", "%s: no bill and no business"}
	wDayDiffers = phrase{"%s 对账有 %d 处差异", "%s: %d differences"}
	wDayDo      = phrase{"请在服务器上运行 xiaoka reconcile --date %s 查看。", "Run xiaoka reconcile --date %s on the server."}
	wDayFunds   = phrase{"资金账单与交易账单不完全一致，请财务看一眼。", " The fund-flow bill does not quite fit the trade bill; please have finance look."}
	wRowPaid    = phrase{"收款", "Paid"}
	wRowBack    = phrase{"退款", "Back"}
	wRowMended  = phrase{"已补记", "Mended"}
)
