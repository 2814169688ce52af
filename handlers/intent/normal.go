package intent

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// boundary parts clauses in normalised text.
const boundary = '|'

// normalize brings a text to the one spelling that the word lists are in: NFKC, lower case, simplified characters, ASCII
// punctuation, clauses parted by [boundary], words by single spaces, no apostrophes, no ornaments.
func normalize(text string) []rune {
	if len(text) > 4*maxRunes*2 {
		return make([]rune, maxRunes+1) // too long whatever is in it
	}
	in := []rune(norm.NFKC.String(strings.ToLower(text)))
	out := make([]rune, 0, len(in)+4)
	for i, r := range in {
		if emoji, ok := emojis[r]; ok {
			out = append(out, []rune(emoji)...)
			continue
		}
		if plain, ok := simplified[r]; ok {
			r = plain
		}
		next := at(in, i+1)
		prev := at(out, len(out)-1)
		switch {
		case isWordRune(r):
			// Stretched words: pleaseee, 余额额额.
			if r == prev && r == at(out, len(out)-2) && !isDigit(r) {
				continue
			}
			out = append(out, r)
		case strings.ContainsRune("'’`´", r), unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
			// don't → dont, and invisible things
		case (r == '.' || r == ':' || r == '/' || r == '-') && isDigit(prev) && isDigit(next),
			r == '-' && isDigit(next) && !isASCIILetter(prev), r == '¥', r == '$', r == '%':
			out = append(out, r)
		case r == ',' && isDigit(prev) && thousands(in[i+1:]):
		case strings.ContainsRune("\"“”「」『』《》()[]【】<>*_#@+=&", r), unicode.IsSpace(r), r == '-', r == '/', unicode.Is(unicode.So, r), unicode.Is(unicode.Sk, r):
			out = append(out, ' ')
		default:
			out = append(out, boundary)
		}
	}
	return space(out)
}

// space reduces blanks to one, and to none between single characters (余 额) and single digits (5 0), which people space out.
func space(in []rune) []rune {
	out := make([]rune, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i] != ' ' && in[i] != boundary {
			out = append(out, in[i])
			continue
		}
		gap := in[i]
		for ; at(in, i+1) == ' ' || at(in, i+1) == boundary; i++ {
			if in[i+1] == boundary {
				gap = boundary
			}
		}
		prev, next := at(out, len(out)-1), at(in, i+1)
		spacedOut := isHan(prev) && isHan(next) && !isHan(at(out, len(out)-2)) && !isHan(at(in, i+2)) ||
			isDigit(prev) && isDigit(next) && !isDigit(at(in, i+2))
		if prev != 0 && next != 0 && (gap == boundary || !spacedOut) {
			out = append(out, gap)
		}
	}
	return out
}

// thousands reports exactly three digits before whatever follows.
func thousands(rest []rune) bool {
	return isDigit(at(rest, 0)) && isDigit(at(rest, 1)) && isDigit(at(rest, 2)) && !isDigit(at(rest, 3))
}

func at(s []rune, i int) rune {
	if i < 0 || i >= len(s) {
		return 0
	}
	return s[i]
}

func isDigit(r rune) bool       { return r >= '0' && r <= '9' }
func isASCIILetter(r rune) bool { return r >= 'a' && r <= 'z' }
func isHan(r rune) bool         { return r >= 0x3400 && r <= 0x9fff || r == '〇' }
func isWordRune(r rune) bool {
	return isASCIILetter(r) || isDigit(r) || unicode.IsLetter(r) || r == '〇'
}

// emojis that say something; all others part words.
var emojis = map[rune]string{
	'💰': "钱", '💵': "钱", '💴': "钱", '💳': "卡", '🔕': "关闭通知", '🔔': "通知", '🆘': "帮助", '❓': "|", '🚫': "不要", '❌': "不要",
}

// simplified maps the traditional and Cantonese characters that occur in the word lists.
var simplified = pairs(`餘余 馀余 額额 頟额 錢钱 帳账 賬账 帐账 單单 細细 掛挂 領领 轉转 綁绑 語语 言言 幫帮 證证 驗验 認认 識识 機机
號号 聯联 絡络 開开 關关 閉闭 閂关 鎖锁 凍冻 結结 丟丢 遺遗 見见 覓觅 張张 飯饭 學学 園园 電电 話话 費费 買买 賣卖 還还 沒没 裡里
裏里 個个 萬万 塊块 圓圆 儲储 這这 麼么 麽么 問问 題题 樣样 點点 邊边 請请 謝谢 給给 讓让 對对 時时 間间 過过 來来 從从 應应 該该
會会 後后 無无 報报 設设 簡简 體体 壹一 貳二 贰二 參三 叁三 肆四 伍五 陸六 陆六 柒七 捌八 玖九 拾十 佰百 仟千 兩两 圖图 書书 館馆
廳厅 廠厂 員员 為为 爲为 啟启 啓启 動动 復复 嗎吗 麽么 妳你 們们 啲些 睇看 俾给 畀给 攞领 搵找 啱刚 係是 喺在 冇没 咗了 嘅的 咩啥
噉这 咁这 嚟来 嗰那 佢他 返回 仲还 唔不 尋寻 歸归 終终 確确 計计 詳详 歷历 記记 錄录 統统 總总 數数 據据 換换 選选 擇择 註注 冊册
銷销 釋释 鏈链 連连 紀纪 鐘钟 風风 訊讯 頭头 實实 際际 網网 賓宾 氣气 車车 軌轨 輕轻 鐵铁 銀银 東东 師师 長长 辦办 處处 補补 發发
訂订 閱阅 靜静 聲声 煩烦 擾扰 隊队 預预 約约 試试 驚惊 虛虚 誤误 錯错 鑰钥 傘伞 錶表 腦脑 狀状 態态 畫画 級级 愛爱 歡欢 樂乐 親亲
媽妈 爺爷 價价 優优 贈赠 獎奖 減减 滿满 須须 繳缴 稅税 務务 專专 業业 課课 圍围 護护 醫医 療疗 險险 購购 幾几 揾找 賺赚 邏逻 輸输
刪删 戶户 裝装 訴诉 熱热 線线 窗窗 櫃柜 櫃柜 臺台 灣湾 節节 馬马 嘗尝 壞坏 礙碍 葉叶 顯显 顧顾 願愿 類类 飲饮 質质 隨随 雜杂 難难`)

func pairs(table string) map[rune]rune {
	m := map[rune]rune{}
	for pair := range strings.FieldsSeq(table) {
		both := []rune(pair)
		m[both[0]] = both[1]
	}
	return m
}
