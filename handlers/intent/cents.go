package intent

// spokenParts reads what is said in jiao or fen alone: 8 mao, 3 mao 3, 90 fen. Parts of a fen make it 0.
func (t *token) spokenParts(r []rune, after int, value int64) (fen int64, ok bool) {
	parts, per := match(r, after, []string{"jiao", "mao"}), int64(10)
	if parts == 0 {
		parts, per = match(r, after, []string{"fen"}), 100
	}
	if parts == 0 || at(r, after-1) != ' ' {
		return 0, false
	}
	t.explicit, t.lone, t.end = true, false, after+parts
	if value%per != 0 {
		return 0, true
	}
	if per == 10 {
		fen = t.lastFen(r)
	}
	return value/per + fen, true
}

// lastFen reads the single figure that may follow mao: 3 mao 3.
func (t *token) lastFen(r []rune) int64 {
	d := at(r, t.end+1)
	if at(r, t.end) != ' ' || !isDigit(d) || isWordRune(at(r, t.end+2)) {
		return 0
	}
	t.end += 2
	return int64(d - '0')
}

// spokenCents reads what may follow yuan: ten yuan fifty, eight kuai eight mao, 8 kuai 5.
func (t *token) spokenCents(r []rune, value int64) (int64, bool) {
	from := t.end
	and := match(r, from, []string{" and"})
	from += and + 1
	var n int64
	end := from
	for ; isDigit(at(r, end)) && end < from+2; end++ {
		n = n*10 + int64(r[end]-'0')
	}
	if isASCIILetter(at(r, from)) {
		fen, last, ok, _ := englishNumber(r, from)
		if n, end = fen/100, last; !ok {
			end = from
		}
	}
	if at(r, from-1) != ' ' || end <= from || n == 0 || n > 99 {
		return value, true
	}
	if k := match(r, end, []string{" jiao", " mao"}); k > 0 && n < 10 {
		t.end = end + k
		return value + n*10 + t.lastFen(r), true
	}
	if k := match(r, end, []string{" fen"}); k > 0 {
		t.end = end + k
		return value + n, true
	}
	follows := at(r, end) == ' ' && (isDigit(at(r, from)) || match(r, end+1, []string{"to", "on", "onto", "into", "please", "pls"}) == 0)
	if and > 0 || follows || isWordRune(at(r, end)) {
		return value, true // 50 yuan 2 times, and not seven yuan fifty to my card
	}
	t.end = end
	if n < 10 {
		n *= 10
	}
	return value + n, true
}

// cents reads what may follow 块: 五, 半, 五毛, 零五分.
func (t *token) cents(r []rune, value int64, certain bool) (int64, bool) {
	digit := func(i int) (int64, bool) {
		c := at(r, i)
		if isDigit(c) {
			return int64(c - '0'), !isDigit(at(r, i+1))
		}
		n, ok := hanDigits[c]
		_, more := hanUnits[at(r, i+1)]
		return n, ok && !more
	}
	switch c := at(r, t.end); {
	case c == '半':
		t.end++
		return value + 50, certain
	case c == '几' || c == '多':
		t.end++
		return value, false
	}
	if isDigit(at(r, t.end)) && isDigit(at(r, t.end+1)) && !isDigit(at(r, t.end+2)) && value%100 == 0 { // 3块50
		t.end += 2
		return value + int64(r[t.end-2]-'0')*10 + int64(r[t.end-1]-'0'), certain
	}
	if zero := at(r, t.end); (zero == '零' || zero == '〇') && (at(r, t.end+2) == '毛' || at(r, t.end+2) == '角') {
		t.end++ // 十块零五毛
	}
	jiao, ok := digit(t.end)
	if !ok || value%100 != 0 || match(r, t.end+1, counters) > 0 {
		return value, certain
	}
	t.end++
	dimes := at(r, t.end) == '毛' || at(r, t.end) == '角'
	if dimes {
		t.end++
	}
	value += jiao * 10
	if fen, ok := digit(t.end); ok && (at(r, t.end+1) == '分' || jiao == 0 || dimes) {
		t.end++
		value += fen
	}
	if at(r, t.end) == '分' {
		t.end++
	}
	return value, certain
}
