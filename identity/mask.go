package identity

import (
	"strings"
	"unicode/utf8"

	"xiaoka/ledger"
)

// Masks show enough of a thing for its owner to recognise it and too little for anybody else to use it.

// MaskEmail shows z***@example.edu.cn.
func MaskEmail(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" {
		return "***"
	}
	_, size := utf8.DecodeRuneInString(local)
	return local[:size] + "***@" + domain
}

// MaskPhone shows 138****0000, without the country code of the mainland.
func MaskPhone(phone string) string {
	phone = mainlandPhone(phone)
	if len(phone) < 8 {
		return "****"
	}
	return phone[:3] + "****" + phone[len(phone)-4:]
}

// MaskName shows 张*, whatever the length of the name.
func MaskName(name string) string {
	name = strings.TrimSpace(name)
	_, size := utf8.DecodeRuneInString(name)
	return name[:size] + "*"
}

// MaskNumber shows 20****01, for student and staff numbers.
func MaskNumber(number string) string {
	if len(number) < 6 {
		return "****"
	}
	return number[:2] + "****" + number[len(number)-2:]
}

// CardTail shows the last four digits of a campus card's number, fewer if that would be half of it.
func CardTail(cardNo string) string {
	return cardNo[len(cardNo)-min(4, len(cardNo)/2):]
}

func maskAddress(channel ledger.Channel, to string) string {
	if channel == ledger.Phone {
		return MaskPhone(to)
	}
	return MaskEmail(to)
}

// mainlandPhone drops spaces, dashes and +86, so that two spellings of a number are one.
func mainlandPhone(phone string) string {
	plain := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, phone)
	plain = strings.TrimPrefix(plain, "+86")
	if len(plain) == 15 {
		plain = strings.TrimPrefix(plain, "0086")
	}
	return plain
}
