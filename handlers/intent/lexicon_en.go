package intent

// latin lists English words and phrases, pinyin and its initials by what they mean, parted by commas, without apostrophes
// ([normalize] takes them away: dont, whats → what). Words here match whole words only; the longest phrase counts.
var latin = map[concept]string{
	neg: `
		i have not, i havent, i did not, i do not, i dont, not, dont, do not, didnt, did not, never, no, isnt, is not, wasnt, arent,
		without, no need, no need to, dont want, do not want, dont need, didnt mean, didnt ask, wont, wouldnt, havent, have not, hasnt,
		stop trying to, refuse, almost, nearly, thought, i thought, rather than, instead of, buyao, bu yao, bie, bu, bu shi, bushi,
		meiyou, mei`,
	or: `or, nor, and, either`,
	correct: `
		actually, no wait, wait no, i mean, i meant, make it, make that, sorry, oops, rather, actually make it, change to, scratch that,
		correction`,
	imperative: `
		please, pls, plz, plss, kindly, asap, now, right now, immediately, quick, quickly, urgent, urgently, i want, i want to, i wanna,
		i need, i need to, i would like, id like, want to, wanna, need to, help me, let me, lets, gimme, bang wo, wo yao, woyao,
		wo xiang, woxiang, qing`,
	done:   `already, ive already, have already`,
	refund: `refund, refunded, money back, refunds`,
	polite: `can you, could you, can i, could i, please, pls`,
	past:   `already, yesterday i, have already, before, previously, earlier, ago, last time, days ago, weeks ago`,
	ifWord: `
		should i, when should i, when should, if, what if, what happens, what would happen, what will happen, suppose, supposing,
		someday, in case, in the future, one day, would i, afraid, worried, worry, should i lose, when i lose, whenever, unless,
		hypothetically, after i, after reporting, after it`,
	why: `why, how come, what for, reason`,
	fee: `
		fee, fees, charge for, charge a fee, cost to, cost money, cost anything, free, for free, free of charge, how much does it cost,
		how much is it to, is there a charge, price, does it cost, do i have to pay, do you charge`,
	howLong: `
		how long, how soon, how fast, how quickly, when will, when does, when do, when is, what time, when can, how many days,
		how many hours, take effect`,
	limit: `maximum, max, minimum, min, limit, limits, at most, at least, how many times, the most i can, upper limit`,
	promo: `bonus, discount, cashback, promotion, promo, reward, gift, coupon, extra, offer, offers, deal`,
	stillCan: `
		still use, still work, can i still, can it still, affect, will it, will my, is it safe, safe, does it, do i still, can it`,
	whatIs: `
		what is a, what does, what do you mean, mean, means, meaning, definition, explain, difference, difference between,
		what is the point, what is the difference, define, purpose`,
	requirement: `
		is it possible, possible to, without a password, without password, later, documents, document, required, do i need, requirement,
		requirements, process, procedure, policy, rules, allowed to, who can, in person, id required, conditions,
		is it possible for others`,
	trouble: `
		fail, failed, fails, failing, error, errors, cannot, cant, can not, unable, broken, not working, doesnt work, didnt work,
		isnt working, wont work, wont load, stuck, bug, crash, crashed, damaged, demagnetized, problem, issue, wrong`,
	where: `where, which, nearest, closest, location, where do i, where can i, where to, zai na, nali, nar`,
	how:   `how, how do i, how to, how can i, how do you, how does one, zenme, ruhe, zen me`,
	who: `
		friend, friends, roommate, roommates, classmate, classmates, someone, somebody, someones, somebodys, anyone, someone elses,
		another person, other people, everyone, everybody, his, her, him, she, he, hers, their, theirs, them, they, mom, mum, dad,
		mother, father, mothers, fathers, brother, sister, brothers, sisters, girlfriend, boyfriend, husband, wife, colleague, teacher,
		teachers, son, daughter, parents, parent, buddys, neighbor, all cards, all users, student no, student id`,
	whose: `for, on behalf of`,
	mine:  `my, mine, my own, myself, wo, wo de, wode`,
	product: `
		the page, webpage, website, frame, weather, theorem, phone, phones, mobile, cellphone, sim, sim card, umbrella, laptop,
		computer, tablet, ipad, wallet, purse, key, keys, bag, backpack, book, books, textbook, notebook, glasses, bottle, watch, ring,
		earphones, headphones, airpods, charger, power bank, battery, bike, bicycle, scooter, car, bank, bank card, bank account,
		credit card, debit card, visa, mastercard, metro, metro card, subway, subway card, bus, bus card, transit, transit card, train,
		taxi, id card, identity card, passport, license, driver license, library card, library, gym, gym card, water, water card,
		electricity, electric, power, gas, rent, tuition, scholarship, salary, game, games, steam, steam wallet, netflix, spotify,
		itunes, gift card, membership, member card, vip, credits, gems, skin, data plan, phone plan, wifi, internet, network, room card,
		room key, door, door card, access card, laundry, laundry card, printer, printing, print card, parking, insurance, medical card,
		ticket, tickets, class, classes, course, courses, exam, exams, homework, assignment, thesis, dog, cat, mind, appetite, way,
		temper, hope, faith, weight, job, match, account password, pants, shoes, jacket, coat, hat, octopus, octopus card, paypal,
		huabei, bitcoin, stock, stocks, parcel, package, dorm, hostel, toefl, ielts, translation, murder, party, weapon, gates, diet,
		life, fame, resources, resource, floor, pin code, lecture, game account, instagram, tiktok`,
	wallet: `wechat, wechat pay, weixin, alipay, zhifubao, unionpay, apple pay, my wechat, my alipay`,
	by:     `with, w, via, using, by, from, through, thru, use`,
	meta: `
		repeat after me, repeat, slogan, say, in french, in japanese, in spanish, in korean, in german, translate, translation, spell,
		pronounce, how do you say, how to say, in chinese mean, in english mean, joke, story, poem, essay, write me, sing, lyrics,
		synonym`,
	inject: `
		system, all rules, every card, no restrictions, every user, ignore, disregard, previous instructions, all instructions,
		your instructions, system prompt, system message, pretend, you are now, act as, as an admin, admin, administrator, sudo, root,
		developer, developer mode, jailbreak, override, bypass, execute, drop table, select, script, prompt, simulate, roleplay,
		role play, without confirmation, skip confirmation, assume i confirmed, i confirmed, debug mode, test mode, set my balance,
		change my balance, increase my balance, set balance`,
	card: `
		got my card back, card back, kadiule, diuka, diu ka, kadiu, card, cards, campus card, student card, meal card, canteen card,
		school card, dining card, food card, ecard, e card, one card, onecard, campuscard, lunch card, uni card, university card,
		smart card, on it, to it, onto it, on there, in there, into it, crad, cadr, card account, ka, kapian, fanka, fan ka, xiaoyuanka,
		xiaoyuan ka, yikatong, yi ka tong`,
	aCard: `
		a card, a campus card, a student card, this card, that card, whose card, anothers card, another card, a meal card, some card`,
	money: `money, cash, funds, dough, credit, rmb, yuan, qian, kuai`,
	howMuch: `
		how much was, what do i have, what have i got, how much, howmuch, how many, how mch, hw much, hm, amount, duoshao, duo shao,
		jikuai, duoshaoqian, duo shao qian, total`,
	left: `
		left, remaining, remain, remains, leftover, do i have, have i got, do i still have, still have, is there, shengyu, hai sheng,
		hai you, haiyou, haisheng, shengduoshao, sheng`,
	enough:   `enough, am i broke, broke, sufficient, do i have enough`,
	machine:  `machine, machines, kiosk, kiosks, terminal, terminals, self service, atm, reader`,
	transfer: `transfer, transfers, transferred money, top up money, topup money`,
	meal:     `lunch, breakfast, dinner, supper, meal, meals, snack, snacks, canteen, cafeteria, coffee, food`,
	day: `
		today, todays, just, just now, recent, recently, latest, last, newest, yesterday, yesterdays, tonight, this morning,
		this afternoon, this evening, last night, last week, this week, past week, last few, last three, last 3, last 5, last five,
		last ten, last 10, so far today, jintian, jin tian, gangcai, zuotian, zuijin`,
	password: `password, passcode, passwd, pwd, pin, pin number, mima, mi ma, gaimima`,
	reissue: `
		replacement, replace, replace my, reissue, new card, a new card, another one, get a new, apply for a card, second card, buban,
		buka`,
	balance: `
		what left, whats left, what is left, yecx, cxye, ckye, kye, check funds, balance, balances, blance, balanc, balence, balans,
		ballance, blanace, baalnce, bal, funds left, credit left, my funds, yue, yu e, ye, kayue, ka yue, chayue, cha yue, cye, cyue,
		yuer, yve`,
	bill: `
		zdcx, cxzd, bill, bills, statement, statements, stament, statment, statemnt, monthly report, spending report, expense report,
		spending summary, summary, monthly summary, zhangdan, zhang dan, zd, duizhangdan, yuezhangdan, invoice`,
	spend: `
		spend, spent, spending, spendings, spendng, pay, paid, paying, payment, payments, expense, expenses, expenditure, cost, charged,
		charge me, buy, bought, purchase, purchases, purchased, consumption, deducted, taken off, money go, money went, all my money go,
		xiaofei, xiao fei, huale, hua le, zhichu, debited`,
	detail: `
		mxcx, cxmx, that charge, the charge, list transactions, charged twice, double charged, overcharged, deducted, transaction,
		transactions, transations, trasactions, transction, history, records, record, details, detail, charges, activity,
		list of payments, mingxi, ming xi, mx, liushui, liu shui, ls, jilu, jiaoyi, xfjl, jyjl`,
	topUp: `
		czfk, fkcz, xykcz, top upp, topuup, tup, top up with, topup with, tpup, top up, topup, tops up, topping up, top me up,
		top it up, top up my, tpo up, top uo, top pu, tup up, topp up, to up, top my card up, top my campus card up, top that up,
		recharge, recharging, recharg, rechage, rechrage, reharge, recahrge, reacharge, recharge up, reload, reloading, refill,
		refilling, fill up, fill it up, load up, load money, add money, add funds, add cash, put money, add some money, put some money,
		deposit money, add credit, chongzhi, chong zhi, cz, congzhi, cong zhi, chongqian, chong qian, cq, congqian, wo chong, chongka,
		chongfanka, zengzhi, czhi`,
	topUpWeak: `load, charge, fill, fund, credit, chong, cong, top`,
	addMoney:  `add, deposit, put, plus, another, jia, cun, lai`,
	moveMoney: `transfer, send, stick, throw, move, drop, zhuan, da`,
	topUpPast: `
		charged but, deducted but, paid yet, topped up, topped, ive topped up, toped up, recharged, reloaded, loaded, added, deposited,
		refilled, my top up, my topup, my recharge, my deposit, the top up i made, top up didnt, top up hasnt, top up not, topup not,
		recharge not, i paid, i have paid, was charged, has been charged, paid but, chongle, chong le, chong guo`,
	notArrived: `
		didnt arrive, not arrived, hasnt arrived, havent arrived, have not arrived, has not arrived, didnt come, not come, hasnt come,
		not received, havent received, didnt receive, have not received, not showing, isnt showing, doesnt show, hasnt shown, not shown,
		not credited, wasnt credited, not there, isnt there, isnt on, not on my card, nothing on my card, not on the card,
		nothing on card, hasnt changed, didnt change, not updated, hasnt updated, didnt go through, not gone through, nowhere,
		still not, still nothing, not appear, not appeared, didnt show up, not showed up, when will my top up, when will my money,
		when will it arrive, meidao, mei dao, meidaozhang`,
	lowMoney: `
		need money, want money, card is empty, no money, out of money, no cash, no credit, running low, insufficient, low balance,
		zero balance, no funds, meiqianle, mei qian le, mei qian`,
	claim: `
		claim, claims, claiming, collect, collecting, pick up, pickup, redeem, get my transfer, get the transfer, get my money,
		get the money, load the transfer, receive the money, receive my money, money onto my card, money on to my card,
		transfer to my card, withdraw, lingkuan, ling kuan, lingqian, ling qian, lingqu, ling qu, lk, quancun, quan cun, lq`,
	waiting: `
		unclaimed, pending, uncollected, waiting, to be claimed, waiting to be claimed, waiting to be collected, to be collected,
		can i claim, can i collect, left to claim, to claim, yet to be claimed, dailing, dai ling, dl, weiling, wei ling, dailingjine,
		dlje, meiling, mei ling`,
	loss: `
		gsxyk, xykgs, kdl, dkl, mark my card as lost, report loss, report lost, report the loss, report a loss, loss report,
		lost report, report my card, report it lost, report card, report my campus card, report my student card, report as lost,
		report a lost, report it as lost, report a stolen, report it, report missing, guashi, gua shi, gs, guasi, gua si, baoshi, gsi`,
	lossPast: `frozen, blocked, locked, disabled, suspended, deactivated, reported, been reported, got frozen, got blocked`,
	lost: `
		cant seem to find, can not seem to find, unable to find, lost, lose, losing, missing, gone, stolen, stole, steal, steals,
		misplaced, misplace, lsot, losst, cant find, can not find, cannot find, couldnt find, dont find, dropped, disappeared, vanished,
		left my, left it, forgot my card at, got stolen, nowhere to be found, no idea where, dont know where, diu, diule, diu le, diuka,
		diu ka, diuka le, kadiule, nongdiu, bujian, bu jian, bujianle, bu jian le, zhaobudao, zhao bu dao, beitou, bei tou`,
	freeze:     `freeze, freez, freze, dongjie, dong jie, suoka, suo ka`,
	freezeWeak: `block, lock, disable, suspend, deactivate, stop, shut down, hotlist, blacklist, bolck, blcok`,
	unloss: `
		unfreeze, unfreez, unfreze, unfreezing, unblock, unblok, reactivate, reenable, re enable, re activate, cancel loss,
		cancel the loss, cancel lost, cancel my loss, cancel loss report, cancel the loss report, undo the loss, undo loss,
		undo loss report, withdraw the loss, withdraw loss, revoke the loss, unreport, un report, unlost, lift the loss,
		lift the freeze, lift the block, lift freeze, remove the lost, remove lost, remove the loss, remove the freeze, remove freeze,
		remove the block, un freeze, un block, thaw, defrost my, jiegua, jie gua, jg, jiedong, jie dong, quxiaoguashi, quxiao guashi,
		qu xiao gua shi, qxgs, jcgs`,
	resume: `restore, enable, activate, unlock, resume, turn back on, back on, make my card work, unlok`,
	found: `
		found, found it, i found, got it back, got my card back, got back, recovered, retrieved, located, turned up, showed up,
		have it back, card back, is back, zhaodao, zhao dao, zhaodaole, zhao dao le, zhaohui`,
	pickedUp: `
		picked up, found a card, found a campus card, found a student card, found someones, found someone elses, found this card,
		found somebodys, found another, jiandao, jian dao`,
	verify: `
		code please, code pls, a code, want a code, verification code, didnt get the code, didnt receive the code, no code,
		never got the code, havent received the code, havent got the code, code again, code not received, not verified, verify,
		verification, verifying, verifcation, verfy, verfication, verificaton, authenticate, authentication, otp, identity check,
		prove my identity, prove who i am, yanzheng, yan zheng, yz, yzm, sfyz, sfrz, renzheng, ren zheng, yanzhengma, shenfenyanzheng,
		shimingrenzheng, send code, send a code, send me a code, send me the code, send the code, send me code, resend, resend code,
		resend the code, new code, another code, need a code, the code, get a code, get code`,
	codeWord: `code, my code, the code, code is, otp, passcode is, yzm, yanzhengma`,
	bind: `
		bdxyk, bdfk, bind, binding, bnd, bidn, link, linking, connect, connecting, register, registration, regist, sign up, signup,
		sign me up, enroll, enrol, pair, attach, add my card, add card, add a card, bangding, bang ding, bangka, bang ka, bd, bk,
		bangdin, bding, zhuce, zhu ce, guanlian`,
	unbind: `
		jbxyk, remove the binding, remove binding, cancel binding, unbind, unbinding, unbnd, unlink, unlinking, disconnect, detach,
		delink, unpair, remove my card, remove card, remove the card, delete my card, unregister, de register, jiebang, jie bang, jb,
		jbd, jiebangding, zhuxiao, zhu xiao, huanbang`,
	language: `qhyy, language, languages, lang, langauge, languge, lanuage, lenguage, yuyan, yu yan, qiehuanyuyan`,
	languageName: `
		english, chinese, mandarin, simplified chinese, englsh, englis, chinease, zhongwen, zhong wen, yingwen, ying wen, yingyu, eng,
		en, zh`,
	switchTo: `switch, switch to, change, change to, speak, talk in, use, set, set to, in, display, qiehuan, qie huan`,
	notify: `
		gbtz, kqtz, gbtx, dktz, kqtx, let me know every time, let me know each time, notified of, alerting me, notifying me, notified,
		notifying, alert me, inform me, let me know when, mute, unsubscribe, opt out, notification, notifications, notifs, notif,
		notificaiton, notifcations, alert, alerts, reminder, reminders, notify, notify me, push, pushes, push messages, messages,
		message me, texts, texting me, texting, text me, messaging me, updates, tongzhi, tong zhi, tixing, ti xing, tuisong, pinging me,
		ping me, spam, spamming, spamming me, sending me, tell me every`,
	on: `
		kqtz, dktz, kqtx, let me know every time, let me know each time, send me, each payment, each purchase, each transaction,
		every payment, every purchase, every transaction, on, notified of, turn on, switch on, enable, subscribe, resume, activate,
		back on, turn back on, start, start sending, i want, every time, each time, whenever, for every, when i, kaiqi, dakai, kai,
		open, allow`,
	off: `
		gbtz, gbtx, turn off, turn them off, turn it off, turn those off, switch off, switch them off, disable, mute, unsubscribe, stop,
		stop sending, silence, shut up, quiet, no more, annoying, too many, opt out, off, stop the, pause, guanbi, guan bi, guandiao,
		guan diao, guan, tuiding, close, cancel, dont send, do not send, dont text, do not text, dont want any`,
	help: `
		what else can you do, what you can do, list features, what can this bot do, what can the bot do, what can it do,
		how does this bot work, how does the bot work, how does it all work, what can i ask you, what can i ask, what can i say,
		how do you work, help, hlep, halp, hepl, help me, menu, guide, manual, tutorial, instructions, commands, command, options,
		features, functions, faq, how to use, how to use this, how do i use this, how do i use, how does this work, how does it work,
		how this works, what can you do, what do you do, what can this do, what can i do here, what are you, who are you, user guide,
		usage, get started, bangzhu, bang zhu, bz, gongneng, caidan, zenmeyong, zenme yong, zen me yong`,
	human: `
		zrgkf, office number, number of the office, human, real human, real person, person, agent, live agent, operator, representative,
		staff, customer service, customer support, support, phone number, telephone, telephone number, hotline, speak to, speak with,
		talk to, talk with, chat with, call someone, who can i call, who do i call, number to call, complain, complaint, contact,
		contact us, contact info, contact number, office, card office, office hours, helpdesk, help desk, manager, someone real,
		to someone, to somebody, rengong, ren gong, rg, kefu, ke fu, kf, zrg, zhuanrengong, zhuan rengong, rgkf`,
	robot: `bot, robot, chatbot, machine learning, ai`,
	cancel: `
		i made a mistake, my mistake, cancel, cancle, cancell, cacnel, cancel that, cancel it, nvm, nm, never mind, nevermind, nvrmind,
		forget it, forget about it, forget that, no thanks, no thank you, abort, quit, exit, stop, stop it, undo, undo that,
		changed my mind, change my mind, actually no, actually never mind, not now, maybe later, later, not anymore, no longer, drop it,
		leave it, quxiao, qu xiao, qx, suanle, suan le, sl, buyaole, bu yao le, buyong le, buyongle, mei shi le, meishile`,
	greeting: `
		hi, hello, hey, hiya, yo, good morning, good afternoon, good evening, good night, thanks, thank you, thx, ty, cheers, bye,
		goodbye, nihao, ni hao, xiexie, ok, okay, k, yes, yeah, yep, sure, cool, great, lol, haha, hahaha, sorry, nice, good, fine`,
	filler: `
		monthly, month, mode, prefer, reply, respond, answer, settings, setting, email, my email, version, nah, a number,
		student number, can you, could you, can u, could u, would you, will you, can i, could i, may i, i, im, ive, id, ill, me,
		understand, dont understand, dont know, not sure, a, an, the, is, it, its, are, was, were, am, be, been, being, do, does, did,
		has, had, have, having, will, would, can, could, should, shall, may, might, must, to, of, in, at, as, on, that, this, there,
		here, these, those, then, so, but, also, too, very, really, actually, any, some, all, more, again, ever, got, get, getting,
		want, like, wish, need, know, think, tell, show, see, check, view, look, lookup, find out, display, give, take, make, made, let,
		go, going, what, who, when, you, your, u, ur, we, our, us, one, two of, up, down, out, about, over, under, into, onto, off of,
		than, rn, bro, dude, man, mate, buddy, guys, sir, madam, dear, um, uh, hmm, well, account, app, wecom, system, campus, school,
		uni, university, student, current, currently, available, total of, exact, exactly, amount of, fast, soon, help pls, anywhere,
		everywhere, somewhere, anymore, yet, somehow, maybe, probably, think i, i think, looks like, seems, quick question, possible,
		possibly, able, way to, how about, worth, worth of, via app, le, ma, ba, de, ne, ah, cha, kan, kankan, chaxun, yixia, xia, shi,
		zhe, na, dian, ge, zai, qu, dao, li, twice, once, time, times, day, days, minute, another time, quickly please, bit, little,
		lot, lots, whole, entire, thing, stuff, something, anything, nothing, everything, people, round, sound, pound, clock, black,
		change of, breeze, lock screen, side, inside, outside, bed, pocket, seat, table, desk, sofa, room, street, road, near,
		by mistake, accident, accidentally, btw, fyi, tbh, gonna, gotta, lemme, dunno, cuz, because, since, until, after, before that`,
}
