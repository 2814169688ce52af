package intent

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// phrases are the words that sentences in pinyin are read as; of those that sound alike, the first. What is not among them is
// not read at all, so it has those who and what a card may be taken for, and all that makes a wish none.
var phrases = strings.Fields(`
	体重 只到了 只到 我 你 他 的 了 吗 吧 呢 啊 卡 在 这 请 是 有 想 要 就 都 也 给 帮 替 看 查 充 不 别 没 丢 花 谁 用 我们 你好 谢谢
	我的 你的 他的 他们 你们 自己 别人 别人的 有人 人家 同学 室友 舍友 朋友 女朋友 男朋友 老师 爸爸 妈妈 哥哥 姐姐 弟弟 妹妹 我爸 我妈 我哥 我姐 我弟 我妹
	给妈 给爸 帮妈 帮爸 替妈 替爸 妈的 爸的 哥的 姐的 弟的 妹的 老婆 老公 对象 学长 学姐 学弟 学妹 大家
	帮我 给我 替我 我要 我想 想要 需要 麻烦 一下 一点 快点 赶紧 马上 立刻 现在 级的 防止 可以 可不可以 能 能不能 可以吗 行吗
	是不是 不要 不用 不是 不想 不能 没有 别给 千万 算了 取消 刚才 已经 之前 以前 上次 昨天 前天 去年 明天 后天 下次 以后 过了 如果 要是 万一 为什么 怎么
	怎么办 怎样 多久 什么 什么时候 哪里 在哪 什么是 还能 会不会 还是 或者 失败 不了 手续费 收费 免费
	校园卡 饭卡 一卡通 学生卡 卡里 卡上 我卡 张卡 水卡 电卡 油卡 房卡 浴室卡 公交卡 地铁卡 门禁卡 手机卡 信用卡 会员卡 医保卡 社保卡 健身卡 游泳卡 电话卡
	绑定邮箱 邮箱 每月 每个月 每周 自动 手机号 话费 电费 水费 网费 手机 钱包 身份证 学生证 耳机 游戏 支付宝 微信 重置密码 密码 充电 充电宝 充分 补卡 补办
	余额 查询 其实 就是 查余额 看余额 多少 多少钱 钱 还有 还剩 剩 剩下 剩余 有钱 没钱 没钱了 够不够 够吗
	充值 充钱 充点钱 充卡 充了 充值了 挂失 挂失了 解挂 冻结 解冻 锁卡 停卡 解锁 恢复 取消挂失 取消充值 解除挂失
	丢了 弄丢了 弄丢 搞丢了 掉了 不见了 不见 找不到 找不到了 找不着 没找到 被偷了 被偷 偷了 遗失 丢失 丢过 丢在 没丢 不丢 没挂失 不挂失
	找到 找到了 找回 找回来了 捡到 捡到了 拿回来了 家里 宿舍
	账单 明细 流水 消费 消费记录 记录 交易 花了 花了多少 今天 本月 这个月 上个月 上月 一月 二月 三月 四月 五月 六月 七月 八月 九月 十一月 十二月
	绑定 绑卡 解绑 验证 验证码 领款 领取 领钱 待领 圈存 到账 没到 没到账 帮助 人工 客服 转人工 通知 提醒 关闭 开启 打开`)

// characters are the words of [phrases], and amounts up to a thousand, by their pinyin; the longest has longestPhrase letters.
var characters, longestPhrase = func() (m map[string]string, longest int) {
	m = map[string]string{}
	add := func(words ...string) {
		for _, word := range words {
			sound := soundOf(word)
			if _, taken := m[sound]; !taken && sound != "" {
				m[sound] = word
				longest = max(longest, len(sound))
			}
		}
	}
	add(phrases...)
	numerals := strings.Split("一二三四五六七八九两", "")
	for _, n := range numerals {
		add(n+"块", n+"元", n+"百", n+"百块", n+"百元", n+"十块", n+"十元", "充"+n+"十", "充值"+n+"十", "十"+n+"块", "十"+n+"元", "百"+n)
		if n != "七" && n != "九" && n != "四" { // 其实, 就是, 似是
			add(n + "十")
		}
		for _, ones := range numerals {
			add(n+"十"+ones, n+"十"+ones+"块", n+"百"+ones+"十")
		}
	}
	add("一千", "十块", "十元", "充十块", "块", "块钱")
	for _, c := range slices.Sorted(maps.Keys(chinese)) {
		for word := range strings.FieldsSeq(chinese[c]) {
			if utf8.RuneCountInString(word) > 1 && !strings.ContainsFunc(word, func(r rune) bool { return !isHan(r) }) {
				add(word)
			}
		}
	}
	return m, longest
}()

// soundOf spells a word in pinyin; empty if a character has no known sound.
func soundOf(word string) string {
	var out strings.Builder
	for _, r := range word {
		if pinyin[r] == "" {
			return ""
		}
		out.WriteString(pinyin[r])
	}
	return out.String()
}

// written writes what is typed in pinyin, joined (wodekadiule) or spaced (wo de ka diu le), as the characters it sounds like.
// A run of Latin words is taken as a whole if it all reads so, else only those of its words that are not listed.
func written(r []rune) []rune {
	if !slices.ContainsFunc(r, isASCIILetter) {
		return r
	}
	r = untoned(r)
	out := make([]rune, 0, len(r))
	for i := 0; i < len(r); {
		if !isASCIILetter(r[i]) {
			out = append(out, r[i])
			i++
			continue
		}
		end := i + 1
		for isASCIILetter(at(r, end)) || at(r, end) == ' ' && isASCIILetter(at(r, end+1)) {
			end++
		}
		out = append(out, writtenRun(r[i:end])...)
		i = end
	}
	return out
}

// untoned drops the figures of the tones where two syllables or more have one: gua4 shi1.
func untoned(r []rune) []rune {
	var tones []int
	begin := 0
	for i, c := range r {
		switch {
		case isASCIILetter(c):
			continue
		case c >= '1' && c <= '5' && i > begin && !isDigit(at(r, i+1)) && homophones[string(r[begin:i])] != "":
			tones = append(tones, i)
		}
		begin = i + 1
	}
	if len(tones) < 2 {
		return r
	}
	out := make([]rune, 0, len(r))
	for i, c := range r {
		switch {
		case len(tones) == 0 || i != tones[0]:
			out = append(out, c)
		default:
			tones = tones[1:]
			if isASCIILetter(at(r, i+1)) {
				out = append(out, ' ')
			}
		}
	}
	return out
}

// shortestSentence is how many letters in pinyin are taken for a sentence: fewer may be a name or a slip of the finger.
const shortestSentence = 6

func writtenRun(run []rune) []rune {
	if len(run) < shortestSentence {
		return run
	}
	parts := strings.Split(string(run), " ")
	if len(parts) > 2 {
		if whole, ok := readAloud(strings.Join(parts, "")); ok {
			return []rune(whole)
		}
	}
	changed := false
	for i, part := range parts {
		if len(part) < shortestSentence || englishNumbers[part] != 0 || words().find(part) != (set{}) {
			continue
		}
		if sentence, ok := readAloud(part); ok {
			parts[i], changed = sentence, true
		}
	}
	if !changed {
		return run
	}
	return []rune(strings.Join(parts, " "))
}

// readAloud cuts pinyin wholly into the fewest words of [phrases]; of as few, those with the longest last.
func readAloud(sound string) (string, bool) {
	type cut struct{ from, words int }
	if len(sound) > maxRunes {
		return "", false
	}
	var cuts [maxRunes + 1]cut
	reached := 0
	for end := 1; end <= len(sound); end++ {
		if end-reached > longestPhrase {
			return "", false
		}
		for from := max(0, end-longestPhrase); from < end; from++ {
			if from > 0 && cuts[from].words == 0 || cuts[end].words != 0 && cuts[end].words <= cuts[from].words+1 {
				continue
			}
			if _, ok := characters[sound[from:end]]; ok {
				cuts[end] = cut{from, cuts[from].words + 1}
				reached = end
			}
		}
	}
	if cuts[len(sound)].words == 0 {
		return "", false
	}
	said := ""
	for end := len(sound); end > 0; end = cuts[end].from {
		said = characters[sound[cuts[end].from:end]] + said
	}
	return said, true
}

// mumbled reports three or more syllables of pinyin in a row that cannot be read aloud: whose card they name, or what takes a
// wish beside them back, is not known.
func mumbled(r []rune) bool {
	unread := func(sound string) bool {
		if len(sound) < shortestSentence || syllables(sound) < 3 {
			return false
		}
		_, ok := readAloud(sound)
		return !ok
	}
	for run := range strings.FieldsFuncSeq(string(r), func(c rune) bool { return !isASCIILetter(c) && c != ' ' }) {
		if parts := strings.Fields(run); len(parts) > 1 && unread(strings.Join(parts, "")) { // rechage is listed
			return true
		}
		before := ""
		for word := range strings.FieldsSeq(run) {
			place := before == "in" || before == "at" || before == "near" // my card was stolen in wudaokou
			if !place && words().find(word) == (set{}) && unread(word) {
				return true
			}
			before = word
		}
	}
	return false
}

// syllables counts the fewest syllables of pinyin that make up a word; none if it is not wholly of them.
func syllables(word string) int {
	if len(word) > maxRunes {
		return 0
	}
	var fewest [maxRunes + 1]int
	for end := 1; end <= len(word); end++ {
		for from := max(0, end-len("zhuang")); from < end; from++ {
			if _, ok := homophones[word[from:end]]; ok && (from == 0 || fewest[from] > 0) && (fewest[end] == 0 || fewest[from]+1 < fewest[end]) {
				fewest[end] = fewest[from] + 1
			}
		}
	}
	return fewest[len(word)]
}
