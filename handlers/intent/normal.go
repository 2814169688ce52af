package intent

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// boundary parts clauses in normalised text.
const boundary = '|'

// normalize brings a text to the one spelling that the word lists are in: NFKD without accents, lower case, simplified characters, ASCII
// punctuation, clauses parted by [boundary], words by single spaces, no apostrophes, no ornaments.
func normalize(text string) []rune {
	if len(text) > 4*maxRunes*2 {
		return make([]rune, maxRunes+1) // too long whatever is in it
	}
	in := []rune(norm.NFKD.String(strings.ToLower(text)))
	out := make([]rune, 0, len(in)+4)
	for i, r := range in {
		emoji, ok := emojis[r]
		if next := at(in, i+1); !ok && (next == '卡' || next == '费') {
			emoji, ok = productEmojis[r]
		}
		if ok {
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
		case strings.ContainsRune("'’", r) && !isWordRune(at(in, i-1)) && (next == '2' || next == '3') && isDigit(at(in, i+2)) && !isWordRune(at(in, i+3)):
			out = append(out, '2', '0') // oct '25
		case strings.ContainsRune("'’`´", r), unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r), unicode.Is(unicode.Cf, r):
			// don't → dont, and invisible things
		case (r == '.' || r == ':' || r == '/' || r == '-') && isDigit(prev) && isDigit(next),
			r == '-' && isDigit(next) && !isASCIILetter(prev), r == '¥', r == '$', r == '%':
			out = append(out, r)
		case r == '.' && isDigit(next) && (i == 0 || unicode.IsSpace(in[i-1]) || prev == '¥' || isHan(in[i-1])):
			out = append(out, '0', '.') // load .75
		case r == '-' && isASCIILetter(next) && prefixed(out):
			// un-lock, re-charge
		case r == ',' && isDigit(prev) && thousands(in[i+1:]):
		case (r == '+' || r == '=') && isDigit(prev) && isDigit(next):
			out = append(out, boundary) // no number: 1+1
		case strings.ContainsRune("\"“”「」『』《》()[]【】<>*_#@+=&", r), unicode.IsSpace(r), r == '-', r == '/', unicode.Is(unicode.So, r), unicode.Is(unicode.Sk, r):
			out = append(out, ' ')
		default:
			out = append(out, boundary)
		}
	}
	return retort(contract(space(out)))
}

// prefixed reports that a text ends in a syllable that belongs to the next word, whatever stands between.
func prefixed(out []rune) bool {
	n := len(out)
	return n >= 2 && !isASCIILetter(at(out, n-3)) && slices.Contains([]string{"un", "re", "de"}, string(out[n-2:]))
}

// retort spells 挂失什么挂失 as what it means, 别挂失.
func retort(r []rune) []rune {
	for i := 1; i+2 < len(r); i++ {
		if n := match(r, i, scorn); n > 0 {
			for width := 2; width > 0; width-- {
				before, after := max(0, i-width), min(len(r), i+n+width)
				if slices.Equal(r[before:i], r[i+n:after]) && isHan(r[before]) {
					return slices.Concat(r[:before], []rune("别"), r[i+n:])
				}
			}
		}
	}
	return r
}

var scorn = []string{"什么", "啥", "个屁", "个鬼", "个头"}

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
		gap, before := in[i], at(in, i-2)
		for ; at(in, i+1) == ' ' || at(in, i+1) == boundary; i++ {
			if in[i+1] == boundary {
				gap = boundary
			}
		}
		prev, next := at(out, len(out)-1), at(in, i+1)
		refusal := (prev == '不' || prev == '别') && len(out) > 1 && isDigit(at(in, i+2)) // 充100 不 充50
		spacedOut := isHan(prev) && isHan(next) && !isWordRune(before) && !isWordRune(at(in, i+2)) && !refusal ||
			isDigit(prev) && isDigit(next) && !isDigit(before) && !isDigit(at(in, i+2)) ||
			gap == ' ' && (isDigit(prev) && strings.ContainsRune("年月", next) || prev == '年' && isDigit(next)) ||
			gap == ' ' && (isDigit(prev) || isHanDigit(out, len(out)-1)) && strings.ContainsRune("十百千万块元", next) ||
			gap == ' ' && prev == '块' && isDigit(at(out, len(out)-2)) && isDigit(next) && !isWordRune(at(in, i+2)) // 88 块 8
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
	'💰': "钱", '💵': "钱", '💴': "钱", '💳': "卡", '🔟': "10", '🔕': "关闭通知", '🔔': "通知", '🆘': "帮助", '❓': "|", '🚫': "不要", '🙅': "不要", '⛔': "不要", '❌': "不要",
	'🔒': "锁", '🔓': "解锁",
}

// productEmojis say whose card or what fee it is; elsewhere they are ornaments.
var productEmojis = map[rune]string{
	'🚌': "公交", '🚇': "地铁", '🚗': "停车", '🔌': "电", '⚡': "电", '💡': "电", '💧': "水", '🚿': "浴室", '🏠': "房", '📱': "手机", '🏦': "银行", '🎮': "游戏", '🏋': "健身", '🏊': "游泳",
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
響响 頁页 順顺 飛飞 飽饱 餓饿 駕驾 騎骑 騙骗 鬆松 鬧闹 鮮鲜 齊齐 喇啦 囉啰 掟扔 嗌叫 揀拣 別别 歲岁 爾尔 雞鸡 麵面 鍋锅 湯汤 藍蓝 綫线 擋挡 軟软 壓压 厭厌 陽阳 陰阴 隱隐 隻只 霧雾 養养 騷骚 髮发 魚鱼 黨党 證证 遠远 溝沟 稅税 塊块 頓顿 麼么 妝妆 塵尘 夾夹 婦妇 孿孪 屆届 崗岗 幹干 乾干 捨舍 攜携 暈晕 樹树 歐欧 灘滩 爛烂 瑪玛 癢痒 筍笋 籌筹 糾纠 膩腻 菸烟 蓋盖 蕩荡 蝦虾 襪袜 親亲 詩诗 賊贼 賭赌 躍跃 遙遥 鏡镜 陣阵 雖虽 靜静 頸颈 颱台 飄飘 餅饼 館馆 駐驻 髒脏 鴨鸭 鹹咸 搣撕 瞓睡 葉叶 顯显 顧顾 願愿 類类 飲饮 質质 隨随 雜杂 難难
剛刚 現现 項项 續续 執执 撿捡 職职 彙汇 匯汇 複复 曉晓 層层 棟栋 驟骤 鉤钩 國国 則则 託托 棄弃 賠赔 資资 唸念
門门 淨净 極极 褲裤 傾倾 駁驳 撳按 諗想 禮礼 餸菜 餵喂 㗎的 哋们 嘥费 孭背 啩吧 喎哦 囖咯 瀏浏 爐炉 礦矿 鈕钮
鏟铲 闖闯 闊阔 閘闸 韓韩 頂顶 頻频 顏颜 顫颤 馮冯 驅驱 鬥斗 魯鲁 鳥鸟 麥麦 黃黄 齒齿 龍龙 龜龟 亞亚 亂乱 侖仑
俠侠 倉仓 偉伟 側侧 偵侦 傑杰 僅仅 僑侨 儀仪 億亿 償偿 兒儿 冪幂 劇剧 劉刘 劍剑 勁劲 勢势 勵励 勸劝 匱匮 華华
喬乔 喪丧 喚唤 嘆叹 嚇吓 囑嘱 堅坚 墊垫 墳坟 壘垒 壽寿 夢梦 奪夺 奮奋 姍姗 娛娱 婁娄 嬰婴 孫孙 寧宁 導导 岡冈
島岛 峽峡 巖岩 帶带 庫库 廚厨 彎弯 徹彻 恆恒 悅悦 悶闷 惱恼 慶庆 慮虑 憂忧 憐怜 憶忆 懇恳 懶懒 戰战 戀恋 掙挣
揚扬 揮挥 撐撑 撓挠 擁拥 擊击 擠挤 擬拟 擱搁 攔拦 敵敌 斃毙 晝昼 暢畅 曬晒 朧胧 棗枣 楊杨 槍枪 樁桩 欄栏 殘残
毆殴 氈毡 汙污 洩泄 涼凉 淚泪 淺浅 渦涡 溼湿 濕湿 滅灭 滯滞 漁渔 漸渐 潤润 濃浓 濾滤 瀉泻 灑洒 烏乌 煉炼 營营
燈灯 燒烧 爍烁 牆墙 牽牵 犧牺 猶犹 獅狮 獸兽 瑣琐 環环 瓊琼 畝亩 疊叠 瘋疯 瘡疮 盧卢 盞盏 睜睁 瞞瞒 矯矫 碩硕
磚砖 禍祸 禦御 稈秆 積积 穫获 窩窝 窺窥 競竞 簾帘 籃篮 籠笼 糧粮 紛纷 納纳 紗纱 紮扎 紹绍 絲丝 綜综 綱纲 緒绪
緣缘 縣县 縫缝 繞绕 繩绳 繪绘 罵骂 羅罗 羨羡 義义 聖圣 聞闻 聰聪 肅肃 脅胁 腫肿 腳脚 膚肤 膠胶 膽胆 臟脏 艙舱
艦舰 艱艰 莊庄 萊莱 蔣蒋 薦荐 薩萨 蘇苏 蘋苹 蘭兰 虧亏 蟲虫 蠟蜡 襯衬 覆复 訓训 許许 詐诈 誇夸 誠诚 誘诱 諒谅
諷讽 諾诺 謀谋 謎谜 謙谦 謠谣 譜谱 讚赞 貝贝 貞贞 貢贡 貧贫 貫贯 貶贬 貿贸 賀贺 賄贿 賤贱 賦赋 贊赞 趙赵 踐践
躉趸 軍军 軸轴 輝辉 輩辈 輯辑 轎轿 轟轰 辭辞 遷迁 邁迈 鄉乡 鄧邓 鄭郑 鄰邻 醜丑 醬酱 釀酿 釣钓 鈍钝 鈴铃 鉛铅
鋼钢 錦锦 錘锤 鍊链 鎚锤 鏽锈 鑑鉴 鑽钻 閣阁 闆板 闡阐 陳陈 階阶 頒颁 頗颇 頰颊 顆颗 飢饥 飾饰 餃饺 饒饶 馴驯
駝驼 駛驶 騰腾 驢驴 鴉鸦 鵝鹅 鹽盐 麗丽 羣群 傢家 佔占 ㄉ的 ㄋ呢 ㄧ一 ㄇ吗 ㄅ吧 ㄌ了 咭卡 併并 並并 祇只 佈布 揸拿 攰累 嬲气 夥伙 嚐尝 彆别 製制 僱雇 銬铐
鑒鉴 蓆席 榮荣 蓮莲 蕭萧 薑姜 藝艺 蝕蚀 蠶蚕 衊蔑 襲袭 訝讶 詛诅 詭诡 誕诞 諸诸 謂谓 謊谎 謹谨 譏讥 豬猪 賈贾
輔辅 輛辆 轄辖 鄒邹 鉅巨 銳锐 鋁铝 鋒锋 錠锭 鍛锻 鐲镯 閑闲 閨闺 閩闽 闌阑 陝陕 頌颂 顛颠 飼饲 駱骆 騾骡 鯨鲸
鳳凤 鴻鸿 鷹鹰 黴霉 鼴鼹 鬚须 壇坛 凱凯 勳勋 吳吴 嗆呛 嗚呜 嘍喽 嘩哗 嘰叽 圇囵 埡垭 塗涂 墜坠 奧奥 嫵妩 嬌娇
寢寝 寬宽 審审 嶄崭 巔巅 廂厢 廟庙 弔吊 彥彦 徑径 悵怅 愴怆 慘惨 慟恸 慫怂 憚惮 憤愤 懼惧 扺抵 捲卷 搖摇 撻挞
撲扑 擄掳 擲掷 攏拢 攙搀 攝摄 攤摊 斂敛 晉晋 暱昵 曠旷 曡叠 朶朵 棧栈 構构 樞枢 樸朴 橢椭 檯台 檸柠 櫥橱 櫻樱
歎叹 殼壳 氫氢 汚污 渾浑 滄沧 滌涤 滬沪 滲渗 滷卤 潰溃 澀涩 濁浊 濟济 濤涛 煙烟 燙烫 燦灿 燭烛 猙狰 獄狱 獵猎
瑩莹 瘧疟 皺皱 眞真 睏困 矚瞩 礎础 祕秘 禪禅 穀谷 穎颖 竄窜 竈灶 範范 箋笺 粵粤 糞粪 紋纹 紐纽 紡纺 紳绅 絆绊
絞绞 綢绸 綵彩 緬缅 緯纬 縱纵 繡绣 繫系 罈坛 罷罢 翹翘 聳耸 聾聋 腎肾 腸肠 膿脓 臘腊 舖铺 荊荆 莖茎 萵莴 蒼苍
蔔卜 蔭荫 蘆芦 虜虏 蛻蜕 蝸蜗 螞蚂 蠅蝇 蠻蛮 袞衮 裊袅 褻亵 訃讣 討讨 訕讪 訟讼 証证 詠咏 詼诙 誅诛 誡诫 誦诵
誨诲 誼谊 諂谄 諜谍 諧谐 諭谕 諱讳 謁谒 謄誊 謬谬 讒谗 豈岂 豎竖 販贩 貪贪 賂赂 賢贤 賜赐 踴踊 蹟迹 躊踌 軀躯
軒轩 輟辍 輻辐 轍辙 辯辩 逕迳 遜逊 遼辽 邇迩 鄲郸 鄺邝 釐厘 釘钉 鈉钠 鈣钙 鉗钳 鉑铂 銅铜 銜衔 鋸锯 錐锥 鍍镀
鎊镑 鎳镍 鐐镣 鐮镰 鑄铸 鑼锣 閥阀 闕阙 隕陨 雛雏 霑沾 韌韧 韻韵 頃顷 頑顽 頤颐 顱颅 颳刮 飩饨 飪饪 餡馅 饋馈
饑饥 饞馋 馱驮 駟驷 駿骏 騁骋 驕骄 驛驿 骯肮 鬍胡 鬱郁 鰻鳗 鱷鳄 鴿鸽 鵑鹃 鶴鹤 鷗鸥 鸚鹦 麩麸 黷黩`)

func pairs(table string) map[rune]rune {
	m := map[rune]rune{}
	for pair := range strings.FieldsSeq(table) {
		both := []rune(pair)
		m[both[0]] = both[1]
	}
	return m
}
