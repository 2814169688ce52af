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
		case prev == 'n' && next == 't' && !isASCIILetter(at(in, i+2)) && strings.ContainsRune(";,\"“”:‘", r): // don;t
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
	return contract(space(out))
}

// contract spells "do not" as don't is spelled: dont.
func contract(in []rune) []rune {
	out := in[:0]
	for i := 0; i < len(in); i++ {
		out = append(out, in[i])
		if n := match(in, i, negations); n > 0 && !isASCIILetter(at(in, i-1)) {
			verb := strings.TrimSuffix(strings.TrimSuffix(string(in[i:i+n]), "not"), " ")
			switch verb {
			case "can", "will":
				verb = map[string]string{"can": "ca", "will": "wo"}[verb]
			}
			out = append(append(out[:len(out)-1], []rune(verb)...), 'n', 't')
			i += n - 1
		}
	}
	return out
}

var negations = []string{"cannot", "can not", "will not", "do not", "does not", "did not", "has not", "have not", "had not", "is not", "are not", "was not",
	"were not", "could not", "would not", "should not"}

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
var simplified = pairs(`値值 餘余 馀余 額额 頟额 錢钱 帳账 賬账 帐账 單单 細细 掛挂 領领 轉转 綁绑 語语 言言 幫帮 證证 驗验 認认 識识 機机
號号 聯联 絡络 開开 關关 閉闭 閂关 闩关 鎖锁 凍冻 結结 丟丢 遺遗 見见 覓觅 張张 飯饭 學学 園园 電电 話话 費费 買买 賣卖 還还 沒没 裡里
裏里 個个 萬万 塊块 圓圆 儲储 這这 麼么 麽么 問问 題题 樣样 點点 邊边 請请 謝谢 給给 讓让 對对 時时 間间 過过 來来 從从 應应 該该
會会 後后 無无 報报 設设 簡简 體体 壹一 貳二 贰二 參三 叁三 肆四 伍五 陸六 陆六 柒七 捌八 玖九 佰百 仟千 兩两 圖图 書书 館馆
廳厅 廠厂 員员 為为 爲为 啟启 啓启 動动 復复 嗎吗 麽么 妳你 們们 啲些 睇看 俾给 畀给 攞领 搵找 啱刚 係是 喺在 冇没 咗了 嘅的 咩啥
噉这 咁这 嚟来 嗰那 佢他 仲还 唔不 尋寻 歸归 終终 確确 計计 詳详 歷历 記记 錄录 統统 總总 數数 據据 換换 選选 擇择 註注 冊册
銷销 釋释 鏈链 連连 紀纪 鐘钟 風风 訊讯 頭头 實实 際际 網网 賓宾 氣气 車车 軌轨 輕轻 鐵铁 銀银 東东 師师 長长 辦办 處处 補补 發发
訂订 閱阅 靜静 聲声 煩烦 擾扰 隊队 預预 約约 試试 驚惊 虛虚 誤误 錯错 鑰钥 傘伞 錶表 腦脑 狀状 態态 畫画 級级 愛爱 歡欢 樂乐 親亲
媽妈 爺爷 價价 優优 贈赠 獎奖 減减 滿满 須须 繳缴 稅税 務务 專专 業业 課课 圍围 護护 醫医 療疗 險险 購购 幾几 揾找 賺赚 邏逻 輸输
刪删 戶户 裝装 訴诉 熱热 線线 窗窗 櫃柜 櫃柜 臺台 灣湾 節节 馬马 嘗尝 壞坏 礙碍 說说 講讲 讀读 寫写 傳传 儘尽 內内 劃划 勝胜 勞劳 區区 協协 卻却 參参 雙双 變变 喫吃 嚴严 團团 場场 夠够 寶宝 將将 屬属 嶺岭 幣币 廣广 廢废 異异 強强 彈弹 徵征 惡恶 慣惯
憑凭 懷怀 戲戏 拋抛 掃扫 採采 損损 搶抢 撈捞 撥拨 擔担 擺摆 敗败 斷断 於于 暫暂 曆历 條条 樓楼 標标 橋桥 檔档 檢检 權权 殺杀 毀毁 決决 沖冲 況况 測测 準准 溫温 漢汉 漲涨
潔洁 災灾 爭争 獨独 獲获 產产 畢毕 當当 盜盗 盡尽 監监 盤盘 眾众 碼码 種种 稱称 穩稳 窮穷 竊窃 筆笔 簽签 紅红 純纯 紙纸 組组 絕绝 經经 維维 綠绿 緊紧 編编 緩缓 練练 縮缩 績绩 織织
罰罚 習习 聽听 脫脱 臉脸 臨临 與与 舊旧 著着 藥药 術术 衛卫 衝冲 覺觉 覽览 觀观 規规 視视 觸触 訪访 評评 詞词 詢询 誌志 誰谁 調调 談谈 諮咨 議议 譯译 貓猫 負负 財财 責责 貨货
貴贵 貸贷 貼贴 賞赏 賴赖 賽赛 贏赢 趕赶 跡迹 較较 載载 輪轮 農农 迴回 週周 進进 遊游 運运 達达 違违 遞递 遠远 適适 遲迟 郵邮 針针 鈔钞 鋪铺 鍵键 鎮镇 閃闪 閒闲 離离 雖虽 雲云 靈灵
響响 頁页 順顺 飛飞 飽饱 餓饿 駕驾 騎骑 騙骗 鬆松 鬧闹 鮮鲜 齊齐 喇啦 囉啰 掟扔 嗌叫 揀拣 別别 歲岁 爾尔 雞鸡 麵面 鍋锅 湯汤 藍蓝 綫线 擋挡 軟软 壓压 厭厌 陽阳 陰阴 隱隐 隻只 霧雾 養养 騷骚 髮发 魚鱼 黨党 證证 遠远 溝沟 稅税 塊块 頓顿 麼么 妝妆 塵尘 夾夹 婦妇 孿孪 屆届 崗岗 幹干 乾干 捨舍 攜携 暈晕 樹树 歐欧 灘滩 爛烂 瑪玛 癢痒 筍笋 籌筹 糾纠 膩腻 菸烟 蓋盖 蕩荡 蝦虾 襪袜 親亲 詩诗 賊贼 賭赌 躍跃 遙遥 鏡镜 陣阵 雖虽 靜静 頸颈 颱台 飄飘 餅饼 館馆 駐驻 髒脏 鴨鸭 鹹咸 搣撕 瞓睡 葉叶 顯显 顧顾 願愿 類类 飲饮 質质 隨随 雜杂 難难`)

func pairs(table string) map[rune]rune {
	m := map[rune]rune{}
	for pair := range strings.FieldsSeq(table) {
		both := []rune(pair)
		m[both[0]] = both[1]
	}
	return m
}
