package intent

import (
	"strings"
	"unicode/utf8"
)

// sounds are the characters of the word lists, and some that dictation writes for them, by their common pinyin.
var sounds = strings.Fields(`
	a阿啊 ai爱哎唉欸 an安俺案按 ao嗷 ba把吧爸八扒罢叭 bai拜败白百 ban办班板伴扮半版般 bang帮绑邦梆榜棒傍磅蚌 bao宝包报保胞爆
	bei备呗被背杯贝 ben本 beng甭镚绷 bi闭必笔毕避币畀壁鄙比蔽 bian边便变遍 biao表 bie别 bin宾 bing并 bo博播拨 bu不步部补布埠
	cai材财彩菜才 can餐惨 cao草操槽 ce册策侧测厕 ceng层 cha差查茶 chang常场 chao超钞吵 che车撤 cheng成程城称撑 chi吃迟持
	chong充冲虫宠崇重 chou抽瞅 chu处出储除触楚 chuang窗床 ci次磁刺词此 cong从 cui脆 cun存村寸 cuo错 da打大搭达哒 dai待代带袋贷呆
	dan单丹但担淡蛋旦弹 dang党档当 dao到导刀道盗倒 de得的 deng登等 di低地弟滴递底第 dian电点店垫 diao掉 die跌 ding定订顶丁盯钉
	diu丢 dong冻动东懂洞栋 dou豆抖都兜 du度读肚犊 duan段端短 dui对队 dun顿 duo多 e额饿鹅厄恶俄鄂 ei诶 er儿耳二而尔 fa法发
	fan饭反返翻犯范烦繁 fang方房放防 fei费飞非肥废啡 fen分份 feng风锋封 fou否 fu服复付负福傅父辅妇夫肤 ga旮嘎 gai该改概 gan赶干感
	gang钢刚 gao高稿告搞糕 ge个咯搁哥隔格歌各 gei给 gen跟 geng更 gong工公功共攻供宫 gou够购狗沟 gu姑股骨故估 gua挂褂卦瓜刮寡 guai怪
	guan关管官观惯馆 gui规闺贵柜跪 guo过果国 ha哈 hai还孩嗨 han汉喊 hao好号 he和何河核合喝 hei黑嘿 hen很 hong红 hou后候
	hu湖护户呼忽乎 hua话花划滑 huai坏 huan换缓唤 hui会回惠汇挥恢悔 hun婚魂 huo或活火伙霍嚯 ji记计纪寄机及即几基己季积鸡级绩急激继击
	jia驾假家加架 jian间件建健检见捡拣简 jiang将奖降讲 jiao叫教交缴脚较 jie结解节姐揭接界借街戒介截 jin禁紧尽进金近今
	jing经京镜静竟惊 jiu就久舅究救旧九 ju拒居局句据举具 jue绝觉 ka卡咔喀咖 kai开 kan看 kao靠考 ke客克课科可刻 kong空 kou扣口
	ku酷库苦哭裤 kuai快块 kuan款宽 kuang况 kui馈 kun捆 kuo扩 la啦旯拉 lai来 lan懒 lang浪 lao劳老佬姥 le了乐勒 li立理利里礼历离哩李
	lian链恋脸联怜 liang两量凉粮 liao料聊 lie列咧裂 lin邻 ling领岭零令灵另玲铃 liu流留刘柳六遛 lou楼漏喽 lu路录 luan乱 lun论
	luo攞落络 lve略 ma麻马吗嘛妈码 mai卖买埋 man满 mang忙 mao冇帽猫毛 me么 mei没每妹煤美 men们门 mi蜜密米 mian免面眠 miao苗 min民
	ming明名命鸣 mo莫模摸 mou某 mu母目 n嗯 na哪那拿呐 nai奶 nan男南难 nao脑 ne呢 nei内 neng能 ni你昵拟 nian年念 nie捏 nin您 niu钮
	nong弄农 nuan暖 nuo诺 nv女 o哦喔 ou偶 pa怕 pai拍 pan盘 pang旁 pao跑 pei沛 peng朋 pi皮 pian片 piao票 pin品拼频 ping凭平瓶坪屏
	po婆 pu谱铺普 qi期器其七戚妻起气奇启弃企骑 qian钱前千签欠浅 qiang抢 qiao瞧 qie窃切 qin亲寝琴勤 qing请情清 qiu求球 qu取去娶曲趣区
	quan圈全权券泉劝 que确 ran燃然 rang让 rao绕扰 re热 ren人任认仁忍 reng扔 ri日 rong荣容 ru如入 ruan软 ruo若 sa撒 sai赛塞噻
	san伞三 sao骚扫 sha啥沙 shai晒 shan闪 shang上 shao少烧绍 she设舍社 shen申什神身 sheng生甥声剩
	shi失逝世势适饰实矢是时师石湿十试市式使事示室视驶匙始食史拾似 shou收手授首受 shu书叔数束输 shua刷 shuang双 shui水睡谁税 shun顺 shuo说硕
	si思死四 song送松 su宿诉 suan算酸蒜 sui岁随 sun孙 suo锁所 ta他她它 tai太台态 tang倘堂趟 tao淘套 teng腾 ti提题体替踢梯屉 tian天
	tiao条调跳 tie铁贴 ting停厅挺听 tong通同痛童桶铜统 tou头投偷 tu图突土吐 tuan团 tui退腿推 tuo托 wa哇 wai外 wan万完弯晚玩
	wang网往王忘 wei为未位委微谓维喂伟 wen文问闻纹稳搵温蚊 wo我卧 wu唔勿无务误物午五呜 xi细系戏西洗息媳吸晰析熄 xia下
	xian先险现限显线 xiang想响象向享项像详箱相 xiao消肖效校小销笑宵 xie些鞋写谢协 xin心信新芯辛 xing醒行型形性姓星幸 xiong兄
	xiu休修 xu需许须续蓄虚序 xuan选炫 xue学血 xun讯寻询 ya押鸭呀 yan验演严言盐炎研眼燕 yang样羊养洋 yao要耀钥 ye也爷页业夜耶
	yi以一已意异姨医衣艺易疫译义遗翼 yin银印音因 ying英应影硬赢嘤营 yo哟 yong用泳 you有优友油游邮又由右
	yu余于鱼俞语雨遇预宇与浴寓狱育 yuan原员院园元远 yue岳月阅越约 yun云 za咋杂 zai再在仔 zan咱 zao早澡造糟 ze则责 zen怎 zeng增赠曾
	zhan站占 zhang账帐涨张章长掌丈 zhao找招照朝召 zhe着者折这 zhen真朕枕 zheng证正政争整征症
	zhi值直植职置止知之只治至质制支侄指智志殖执致 zhong中终种钟仲众 zhou周骤 zhu助住祝主注猪 zhua抓 zhuan转专 zhuang桩装状 zhun准
	zhuo桌 zi子自资字咨 zong总踪 zou走 zu组租足 zui最 zuo咗做座作昨左坐`)

// byEar are the words looked for as they sound, too.
var byEar = strings.Fields(`
	余额 充值 充钱 挂失 解挂 账单 明细 流水 绑定 绑卡 解绑 验证 领款 领取 领钱 待领 帮助 取消 人工 客服 通知 提醒 冻结 解冻 饭卡 增值
	校园卡 一卡通 消费 语言 英文 中文 关闭 圈存 注册 说明 算了`)

// pinyin of each character in sounds, and who sounds like it.
var pinyin, homophones = func() (map[rune]string, map[string]string) {
	of, alike := map[rune]string{}, map[string]string{}
	for _, group := range sounds {
		n := strings.IndexFunc(group, isHan)
		alike[group[:n]] = group[n:]
		for _, r := range group[n:] {
			of[r] = group[:n]
		}
	}
	return of, alike
}()

// addByEar lists a word as it may be dictated or typed: with other characters of its sounds, and with a syllable in pinyin
// (充zhi). What is a word of its own stays that.
func (t *trie) addByEar(word string) {
	variants := []string{""}
	mixed := []string{""}
	for _, r := range word {
		var written, typed []string
		for _, s := range variants {
			for _, alike := range homophones[pinyin[r]] {
				written = append(written, s+string(alike))
			}
		}
		for _, s := range mixed {
			typed = append(typed, s+string(r))
			for _, p := range slips(pinyin[r]) {
				typed = append(typed, s+p)
				if s != "" && s[len(s)-1] < utf8.RuneSelf {
					typed = append(typed, s+" "+p)
				}
			}
		}
		variants, mixed = written, typed
	}
	t.addVariants(t.find(word), append(variants, mixed...))
}

// inPinyin returns a word in pinyin, joined and spaced, and a long one that asks for something by its initials.
func inPinyin(word string, meaning set) []string {
	n := utf8.RuneCountInString(word)
	if n < 2 || n > 5 {
		return nil
	}
	var joined, spaced, initials strings.Builder
	for i, r := range word {
		p, ok := pinyin[r]
		if !ok {
			return nil
		}
		if i > 0 {
			spaced.WriteByte(' ')
		}
		joined.WriteString(p)
		spaced.WriteString(p)
		initials.WriteByte(p[0])
	}
	if n >= 4 && meaning.any(wishes.or(queries)) {
		return []string{joined.String(), spaced.String(), initials.String()}
	}
	return []string{joined.String(), spaced.String()}
}

// queries are the concepts that ask for an answer only.
var queries = setOf(balance, bill, detail, waiting, help, human, notify)

// addVariants lists other spellings of a word, except those that are words of their own.
func (t *trie) addVariants(meaning set, variants []string) {
	for _, variant := range variants {
		if t.find(variant) == (set{}) && englishNumbers[variant] == 0 {
			t.addAll(variant, meaning)
		}
	}
}

// slips are a syllable and how those spell it in whose speech z and zh, or n and ng, are one.
func slips(pinyin string) []string {
	out := []string{pinyin}
	for _, s := range [][2]string{{"zh", "z"}, {"ch", "c"}, {"sh", "s"}} {
		if strings.HasPrefix(pinyin, s[0]) {
			out = append(out, s[1]+pinyin[2:])
		}
	}
	for _, p := range out {
		if strings.HasSuffix(p, "ng") {
			out = append(out, p[:len(p)-1])
		}
	}
	return out
}
