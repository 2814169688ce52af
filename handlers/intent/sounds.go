package intent

import "strings"

// sounds are the characters typed, or written by a dictation, for one another because they sound alike: their common pinyin,
// then the characters.
var sounds = strings.Fields(`
	bang帮绑邦梆 bang绑邦帮梆榜棒傍磅 bi闭必笔毕避币 chong充冲虫宠崇重 cun存村寸 dai待代带袋贷呆 dan单丹但担淡蛋旦弹 ding定订顶丁盯钉
	dong冻动东懂洞栋 e额饿鹅厄恶俄鄂 fan饭反返翻犯范 fei费飞非肥废 fu服复付负福 gong工公功共攻供 gua挂褂卦瓜刮寡 guan关管官观惯
	ji记计纪寄机 jie结解节 jie解姐揭接结节界借街 ka卡咔喀咖 ke客克课科可刻 kuan款宽 ling领岭零令灵另玲铃 liu流留刘柳
	ming明名命鸣 qian钱前千签欠浅 qu取去娶曲趣 quan圈全权券泉劝 ren人任认仁忍 shi失实矢是时师石湿十试市式 shui水睡谁税
	shuo说硕 suan算酸蒜 le了乐勒 ti提题体替踢 tong通同痛童桶 wen文问闻纹稳 xi细系戏西洗息 xiao消肖效校小销 xing醒行型形性姓 yan验演严言盐炎研
	ying英应影硬赢 yu余于鱼语雨遇预宇与 yu语雨余预于鱼 yan言严研盐 ce册策侧测 zeng增赠曾 zhang账帐涨张章长掌丈 zheng证正政争整征
	zhi值直植职置止知之只治至质 zhi知直值只 zhong中终种钟重 zhu助住祝主注猪 zhu注住主助`)

// byEar are the words looked for as they sound, too. All have two characters.
var byEar = strings.Fields(`
	余额 充值 充钱 挂失 解挂 账单 明细 流水 绑定 绑卡 解绑 验证 领款 领取 领钱 待领 帮助 取消 人工 客服 通知 提醒 冻结 解冻 饭卡 增值
	消费 语言 英文 中文 关闭 圈存 注册 说明 算了`)

// addByEar lists a word as it may be heard or typed: with other characters of its sounds, and with one or both syllables in
// pinyin (chongzhi, 充zhi). What is a word of its own stays that.
func (t *trie) addByEar(word string) {
	meaning := t.find(word)
	characters, latin := []string{""}, []string{""}
	for _, r := range word {
		pinyin, alike := soundOf(r)
		var written, typed []string
		for _, s := range characters {
			for _, other := range alike {
				written = append(written, s+string(other))
			}
		}
		for _, s := range latin {
			typed = append(typed, s+string(r))
			for _, p := range slips(pinyin) {
				typed = append(typed, s+p)
				if s != "" && s[len(s)-1] < 0x80 {
					typed = append(typed, s+" "+p)
				}
			}
		}
		characters, latin = written, typed
	}
	for _, variant := range append(characters, latin...) {
		if t.find(variant) != (set{}) {
			continue
		}
		for c := range concepts {
			if meaning.has(c) {
				t.add(variant, c)
			}
		}
	}
}

// soundOf returns the pinyin of a character and those that sound like it, itself first.
func soundOf(r rune) (pinyin, alike string) {
	for _, group := range sounds {
		n := strings.IndexFunc(group, isHan)
		if strings.HasPrefix(group[n:], string(r)) {
			return group[:n], group[n:]
		}
	}
	return "", string(r)
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
