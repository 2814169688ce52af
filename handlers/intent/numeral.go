package intent

import "slices"

var (
	hanDigits = map[rune]int64{'零': 0, '〇': 0, '一': 1, '二': 2, '两': 2, '俩': 2, '三': 3, '仨': 3, '参': 3, '四': 4, '五': 5, '六': 6, '七': 7, '八': 8, '九': 9}
	hanUnits  = map[rune]int64{'十': 10, '拾': 10, '百': 100, '千': 1000, '万': 10000}
	// englishNumbers below 20 and tens add up; hundred and thousand multiply.
	englishNumbers = map[string]int64{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
		"ten": 10, "tenner": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
		"nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fivty": 50, "fity": 50, "thrity": 30, "twety": 20, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
		"ershi": 20, "sanshi": 30, "sishi": 40, "wushi": 50, "liushi": 60, "qishi": 70, "bashi": 80, "jiushi": 90, "yibai": 100, "erbai": 200, "liangbai": 200, "sanbai": 300, "wubai": 500}
	englishUnits = map[string]int64{"hundred": 100, "hundreds": 100, "thousand": 1000, "grand": 1000}
)

// mixed reports a number in figures and characters by turns: 2百5, 5十. Of 1.5万 and 20块 the figures are all.
func mixed(r []rune, i int) bool {
	return isDigit(r[i]) && hanUnits[at(r, i+1)] != 0 && !isDigit(oneScript(r, i)[i])
}

// oneScript spells the figures of a mixed number at i as characters, unless two stand side by side: 2百50 may be read in two ways.
func oneScript(r []rune, i int) []rune {
	figures, units, end := false, false, i
	for ; isDigit(at(r, end)) || hanUnits[at(r, end)] != 0 || isHanDigit(r, end); end++ {
		if isDigit(r[end]) && isDigit(at(r, end+1)) {
			return r
		}
		figures, units = figures || isDigit(r[end]), units || hanUnits[r[end]] != 0
	}
	if !figures || !units {
		return r
	}
	out := slices.Clone(r)
	for j := i; j < end; j++ {
		if isDigit(r[j]) {
			out[j] = []rune("零一二三四五六七八九")[r[j]-'0']
		}
	}
	return out
}

// isHanDigit tells a numeral. 俩 and 仨 are some only in a number: 俩百, and not 他俩.
func isHanDigit(r []rune, i int) bool {
	_, ok := hanDigits[at(r, i)]
	return ok && (r[i] != '俩' && r[i] != '仨' || hanUnits[at(r, i+1)] != 0 || at(r, i+1) == '块')
}

// hanNumber reads 五十, 一百五, 两千零二十, 廿五, 半百. certain is false for 几十 and 五六十; lone says it is one numeral.
func hanNumber(r []rune, i int) (fen int64, end int, certain, lone bool) {
	switch at(r, i) {
	case '廿', '卅':
		tens := int64(20)
		if r[i] == '卅' {
			tens = 30
		}
		if n, ok := hanDigits[at(r, i+1)]; ok {
			return (tens + n) * 100, i + 2, true, false
		}
		return tens * 100, i + 1, true, false
	case '半':
		switch {
		case at(r, i+1) == '百':
			return 5000, i + 2, true, false
		case at(r, i+1) == '块' && at(r, i-1) != '个':
			return 50, i + 1, true, false
		}
		return 0, 0, false, false
	}
	certain = true
	var total, section, digit, lastUnit int64
	pendingDigit, zero, positional := false, false, true
	j := i
	for ; ; j++ {
		c := at(r, j)
		if c == '几' && (hanUnits[at(r, j+1)] != 0 || j > i) {
			certain = false
			continue
		}
		if n := hanDigits[c]; isHanDigit(r, j) {
			if n == 0 {
				zero = true
			}
			if pendingDigit && !zero {
				certain = false // 五六十
			}
			digit, pendingDigit = digit*10*b2i(pendingDigit)+n, n != 0 || pendingDigit
			continue
		}
		unit, ok := hanUnits[c]
		if !ok || j == i && c != '十' && c != '百' {
			break
		}
		if n := hanDigits[at(r, j+1)]; c == '百' && j == i && n < 2 { // 百五, but 百 alone is 百度, 百货
			break
		}
		positional = false
		if lastUnit != 0 && unit >= lastUnit && unit != 10000 {
			certain = false // two numbers: 两百两百
		}
		if !pendingDigit {
			digit = 1
		}
		if unit == 10000 {
			total += (section + digit*b2i(pendingDigit)) * unit
			section = 0
		} else {
			section += digit * unit
		}
		digit, pendingDigit, zero, lastUnit = 0, false, false, unit
	}
	if j == i {
		return 0, 0, false, false
	}
	if tenth, ok := hanDigits[at(r, j+1)]; ok && at(r, j) == '点' && (at(r, j+2) == '元' || at(r, j+2) == '块') && (positional || zero || !pendingDigit || lastUnit == 10) {
		return (total+section+digit)*100 + tenth*10, j + 2, certain, false // 零点五元
	}
	switch {
	case positional && j-i == 1:
		return digit * 100, j, digit > 0, true
	case positional:
		// 五零, 一二三: figures read out; two without a zero are 五六, about five.
		return digit * 100, j, zero || j-i > 2 && certain, false
	case pendingDigit && !zero && lastUnit > 10:
		digit *= lastUnit / 10 // 一百五
	}
	return (total + section + digit) * 100, j, certain, false
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// englishNumber reads ten, twenty five, a hundred, two hundred and fifty. certain is false for what is no number by grammar, or
// may be two: one two three, one fifty, a couple hundred.
func englishNumber(r []rune, i int) (fen int64, end int, certain, lone bool) {
	var total, section int64
	count := 0
	certain = true
	for j := i; ; {
		word, n := latinWord(r, j)
		value, isNumber := englishNumbers[word]
		unit, isUnit := englishUnits[word]
		next, _ := latinWord(r, j+n+1)
		switch {
		case isNumber:
			certain = certain && (section%100 == 0 || section%100 >= 20 && section%10 == 0 && value < 10)
			section += value
		case isUnit:
			certain = certain && section < 100
			section = max(section, 1) * unit
			if unit == 1000 {
				total, section = total+section, 0
			}
		case vague[word] && englishUnits[next] != 0:
			certain = false
		case (word == "a" || word == "an") && count == 0 && (englishUnits[next] != 0 || vague[next]), (word == "and" || word == "n") && count > 0 && englishNumbers[next] != 0:
			j += n + 1
			continue
		case word == "and" && count > 0 && match(r, j+n, []string{" a half"}) > 0:
			return (total+section)*100 + 50, j + n + len(" a half"), certain, false
		case word == "point" && count > 0 && englishNumbers[next] > 0 && englishNumbers[next] < 10:
			return (total+section)*100 + englishNumbers[next]*10, j + n + 1 + len(next), certain, false
		default:
			return (total + section) * 100, end, certain, count == 1 && total == 0 && section < 10
		}
		count++
		end = j + n
		if at(r, end) != ' ' {
			return (total + section) * 100, end, certain, count == 1 && total == 0 && section < 10
		}
		j = end + 1
	}
}

// vague multiply a hundred or a thousand by nobody knows what.
var vague = map[string]bool{"couple": true, "few": true, "several": true, "some": true}
