package intent

import "strings"

// maxYuan bounds what is read as an amount; larger ones are not certain.
const maxYuan = 10_000_000

var (
	yuanWords = []string{"块钱", "块", "元钱", "元", "圆", "蚊", "大洋", "软妹币", "圆整", "yuan", "rmb", "cny", "kuai", "bucks", "¥", "r"}
	// foreign money is named, so how many yuan it makes is not known.
	foreign = []string{"刀", "美元", "美金", "欧元", "欧", "英镑", "镑", "港币", "港元", "日元", "韩元", "卢布", "dollars", "dollar", "usd", "euros", "euro", "eur", "pounds", "quid", "gbp", "hkd", "yen", "won", "rupees"}
	// counters follow numbers that are no money.
	counters = []string{"个月", "个人", "个小时", "分钟", "小时", "次", "遍", "天", "年", "月", "日", "号", "点", "时", "秒", "度", "人", "位", "页", "台", "楼", "级", "期", "周", "斤", "米",
		"岁", "折", "倍", "瓶", "杯", "碗", "份", "室", "栋", "路", "食堂", "餐厅", "饭堂", "教", "门", "本", "顿", "笔", "条", "公里", "股", "分之", "排", "班", "名", "强", "公斤", "关", "圈", "集", "章", "%",
		"minutes", "minute", "mins", "min", "hours", "hour", "hrs", "days", "day", "weeks", "week", "months", "years", "times", "gb", "mb", "g", "km", "kg", "am", "pm",
		"th", "st", "nd", "rd", "percent", "people", "meals", "meal", "friends", "coffees", "pages", "oclock", "problems", "questions", "points"}
)

// parseNumber reads a number at i and what it counts: an amount of money, something else, or a string of digits such as a
// student number. Its end is 0 if there is none.
func parseNumber(r []rune, i int) token {
	t := token{start: i, han: isHan(r[i])}
	sign := r[i] == '¥' || r[i] == '$' || r[i] == '-' || r[i] == '负'
	j := i
	if sign {
		j++
		if at(r, j) == ' ' {
			j++
		}
	}
	var value, end = int64(0), 0 // value in fen
	minus := r[i] == '-' || r[i] == '负'
	certain := r[i] != '$' && !minus
	switch c := at(r, j); {
	case isDigit(c) && !mixed(r, j):
		var kind concept
		value, end, kind, certain = digits(r, j, certain)
		if kind != amount {
			return token{set: setOf(kind), start: i, end: end}
		}
	case sign && !isHan(c) && !isDigit(c):
		return t
	case strings.ContainsRune("百千万", c) && at(r, j+1) == '把' && at(r, j+2) == '块': // about so many
		return token{set: setOf(amount), start: i, end: j + 3, han: true, explicit: true}
	case isHan(c), isDigit(c):
		var ok bool
		if value, end, ok, t.lone = hanNumber(oneScript(r, j), j); end == 0 {
			return t
		}
		certain = certain && ok
	case (c == 'l' || c == 'o' || c == 'i') && isDigit(at(r, j+1)) && !isASCIILetter(at(r, j-1)): // l00: a letter for a figure
		for end = j; isDigit(at(r, end)) || at(r, end) == c; end++ {
		}
		certain = false
	case isASCIILetter(c) && !isASCIILetter(at(r, j-1)):
		half := match(r, j, []string{"half"})
		if half > 0 {
			half++ // and the blank
		}
		var ok bool
		if value, end, ok, t.lone = englishNumber(r, j+half); end == 0 {
			return t
		}
		certain = certain && ok
		if half > 0 {
			value /= 2
		}
	default:
		return t
	}
	for strings.ContainsRune("0123456789零〇二三四五六七八九十百千万亿", at(r, end)) { // 1百20, 三0, and what is too large
		certain, end, t.lone = false, end+1, false
	}
	t.end, t.set = end, setOf(amount)
	value, certain = t.unit(r, value, certain)
	certain = certain && !target(r, i)
	if !t.explicit && numbers(r, i) {
		t.set, t.lone = setOf(count), false
		return t
	}
	if r[i] == '¥' {
		t.explicit, t.lone = true, false
	}
	if !t.explicit && !t.has(amount) {
		return t
	}
	if minus || certain && value == 0 {
		t.fen = -1
	}
	if certain && value > 0 && value <= maxYuan*100 {
		t.fen = value
	}
	return t
}

// target reports that an amount is what shall be on the card in the end, so how much to add is not known: 充到100, top up to 100.
func target(r []rune, i int) bool {
	if at(r, i-1) == '整' {
		i--
	}
	return at(r, i-1) == '到' && strings.ContainsRune("充冲补加凑满", at(r, i-2)) || i >= len("up to ") && string(r[i-len("up to "):i]) == "up to "
}

// numbers reports that the word before a number makes it a name: building 10, 尾号 91.
func numbers(r []rune, i int) bool {
	if at(r, i-1) == '月' && i > 1 && (isDigit(at(r, i-2)) || isHanDigit(r, i-2)) { // 11月22
		return true
	}
	if at(r, i-1) == ' ' {
		i--
	}
	start := i
	for isASCIILetter(at(r, start-1)) {
		start--
	}
	if start < i {
		return numbered[string(r[start:i])] || i-start == 1 && r[start] != 'c' && isDigit(at(r, i)) && isDigit(at(r, i+1)) && isDigit(at(r, i+2)) // b1023
	}
	return i >= 2 && numbered[string(r[i-2:i])]
}

var numbered = map[string]bool{"building": true, "room": true, "gate": true, "bed": true, "seat": true, "table": true, "floor": true, "window": true, "bus": true, "page": true, "chapter": true,
	"unit": true, "lab": true, "dorm": true, "ends": true, "ending": true, "section": true, "exit": true, "platform": true, "question": true, "尾号": true, "学号": true, "房号": true, "工号": true}

// unit reads what follows a number: 块 元 yuan, with 毛 and the rest; or a counter, and then it is no money.
func (t *token) unit(r []rune, value int64, certain bool) (int64, bool) {
	after := t.end
	if at(r, after) == ' ' {
		after++
	}
	if n := match(r, after, foreign); n > 0 {
		t.explicit, t.lone, t.end = true, false, after+n
		return value, false
	}
	if fen, ok := t.spokenParts(r, after, value); ok {
		return fen, certain && fen > 0
	}
	if n := match(r, after, yuanWords); n > 0 {
		t.explicit, t.lone, t.end = true, false, after+n
		if isASCIILetter(r[t.end-1]) && certain && value%100 == 0 {
			return t.spokenCents(r, value)
		}
		return t.cents(r, value, certain)
	}
	switch at(r, after) {
	case '个', '张':
		if next := at(r, after+1); isDigit(next) || isHanDigit(r, after+1) { // 两个50
			t.lone, t.end = false, after+1
			return value, false
		}
		if at(r, after+1) == '半' && value%100 == 0 { // 四十个半
			t.explicit, t.lone, t.end = true, false, after+2
			return value + 50, certain
		}
	case '旧', '嚿': // 两旧水 are two hundred
		if value < 10_00 {
			t.explicit, t.lone, t.end = true, false, after+1
			if at(r, t.end) == '水' {
				t.end++
			}
			return value * 100, certain
		}
	case '毛', '角':
		t.explicit, t.lone, t.end = true, false, after+1
		n, ok := hanDigits[at(r, t.end)]
		if isDigit(at(r, t.end)) {
			n, ok = int64(r[t.end]-'0'), true
		}
		if ok && value < 10_00 && !isDigit(at(r, t.end+1)) && match(r, t.end+1, counters) == 0 { // 9毛9
			t.end++
			return value/10 + n, certain
		}
		return value / 10, certain && value%10 == 0
	case '分':
		switch {
		case value >= 10_00: // a mark, no money: 冲60分
			t.set, t.lone, t.end = setOf(count), false, after+1
			return value, certain
		case at(r, after+1) == '钱':
			t.explicit, t.lone, t.end = true, false, after+2
			return value / 100, certain && value%100 == 0
		case at(r, after+1) != '钟':
			t.lone, t.end = false, after+1
			return value, false
		}
	case '多', '来', '几':
		t.end = after + 1 // 五十多: about fifty
		if n := match(r, t.end, yuanWords); n > 0 {
			t.explicit, t.lone, t.end = true, false, t.end+n
		}
		return value, false
	}
	if n := match(r, after, counters); n > 0 && at(r, after+n) != '卡' {
		t.set, t.lone, t.end = setOf(count), false, after+n
	}
	return value, certain
}

// digits reads 50, 12.5, 1k, 50-100; long strings of digits are no amounts.
func digits(r []rune, i int, certain bool) (fen int64, end int, kind concept, _ bool) {
	j := i
	for isDigit(at(r, j)) {
		if j-i < 9 {
			fen = fen*10 + int64(r[j]-'0')
		}
		j++
	}
	long := j - i
	fen *= 100
	switch at(r, j) {
	case '.':
		scale := int64(10)
		k := j + 1
		for ; isDigit(at(r, k)); k++ {
			fen += int64(r[k]-'0') * scale
			scale /= 10
		}
		certain = certain && k-j <= 3 && at(r, k) != '.'
		for isDigit(at(r, k)) || at(r, k) == '.' {
			k++
		}
		j = k
	case '-', ':', '/':
		first := at(r, j)
		total := long
		for isDigit(at(r, j)) || at(r, j) == '-' || at(r, j) == ':' || at(r, j) == '/' {
			if isDigit(r[j]) {
				total++
			}
			j++
		}
		if first != '-' {
			return 0, j, count, false
		}
		if total >= 7 {
			return 0, j, longNumber, false
		}
		return 0, j, amount, false // a range
	}
	if long < 4 && at(r, j) == ' ' && string(r[j+1:min(j+4, len(r))]) == "000" && !isDigit(at(r, j+4)) {
		return fen * 1000, j + 4, amount, certain // 1 000
	}
	if r[i] == '0' && long > 1 && j == i+long {
		return 0, j, longNumber, false // the end of some number: 0091
	}
	apart := func(n int) bool { return isDigit(at(r, j+n)) }
	switch {
	case long == 3 && at(r, j) == ' ' && apart(1) && apart(2) && apart(3) && !apart(4): // code 889 012
		return 0, j + 4, sixDigits, false
	case long >= 7:
		return 0, j, longNumber, false
	case long == 6:
		return 0, j, sixDigits, false
	}
	switch c := at(r, j); {
	case c == 'k' && !isASCIILetter(at(r, j+1)), c == '千':
		return fen * 1000, j + 1, amount, certain
	case c == ' ' && match(r, j+1, []string{"hundred"}) > 0:
		return fen * 100, j + len(" hundred"), amount, certain
	case c == ' ' && match(r, j+1, []string{"thousand"}) > 0:
		return fen * 1000, j + len(" thousand"), amount, certain
	case c == 'w' && !isASCIILetter(at(r, j+1)), c == '万':
		return fen * 10000, j + 1, amount, certain
	case c == '百':
		return fen * 100, j + 1, amount, certain
	case c == '十' && long == 1:
		return fen * 10, j + 1, amount, certain
	case c == 'o' || c == 'l': // 5O: letters for digits
		k := j
		for at(r, k) == c {
			k++
		}
		if !isASCIILetter(at(r, k)) {
			return 0, k, amount, false
		}
	case c == '亿':
		return 0, j + 1, amount, false
	}
	return fen, j, amount, certain
}

// latinWord returns the run of ASCII letters at i.
func latinWord(r []rune, i int) (string, int) {
	end := i
	for isASCIILetter(at(r, end)) {
		end++
	}
	if end == i || end-i > 12 {
		return "", end - i
	}
	return string(r[i:end]), end - i
}

// match returns the length of the first of list that stands at i, whole if it is Latin.
func match(r []rune, i int, list []string) int {
	for _, word := range list {
		n := 0
		for _, c := range word {
			if at(r, i+n) != c {
				n = -1
				break
			}
			n++
		}
		if n > 0 && !(isASCIILetter(at(r, i+n-1)) && isASCIILetter(at(r, i+n))) {
			return n
		}
	}
	return 0
}
