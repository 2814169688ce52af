package intent

import "strings"

// people are somebody else, not the speaker, when named with one of the words before them: 有个学生, some guy.
var people = []struct{ before, gap, named string }{
	{`有个 有位 有名 有一个 有一位 有一名 一位 一名 某个 某位 刚才那个 前面那个 旁边那个 后面那个 隔壁那个 刚才有个 前面有个 旁边有个 刚刚有个`, "",
		`学生 同学 男生 女生 男同学 女同学 新生 大一新生 研究生 留学生 本科生 博士 老师 教授 阿姨 师傅 叔叔 大爷 大妈 大叔 大姐 小孩 小朋友 小伙子 小伙 姑娘 小姑娘 家长 保安 员工 人 家伙 哥们 妹子 小哥 小姐姐`},
	{`学生 同学 新生 老师 阿姨 师傅 家长 客人 顾客`, "", `把`},
	{`some this that another`, " ",
		`student guy girl boy kid man woman lady dude person freshman classmate gentleman visitor customer worker teacher cook`},
	{`a one`, " ", `guy girl boy kid man woman lady dude freshman visitor gentleman`},
}

// places have cards of their own.
const places = `健身房 游泳馆 理发店 美发店 美容院 洗车店 酒店 宾馆 网吧 商场 公司 单位 瑜伽馆 书店 电影院 球馆 奶茶店 咖啡店 水果店 菜鸟驿站 图书馆 实验室 驾校 医院 校医院 影院 洗衣房 浴室 澡堂
	停车场 小区 篮球馆 羽毛球馆 游泳池 泳池 自习室 超市 便利店 火锅店 蛋糕店`

// addPeople lists them.
func (t *trie) addPeople() {
	for _, group := range people {
		for before := range strings.FieldsSeq(group.before) {
			for named := range strings.FieldsSeq(group.named) {
				t.add(before+group.gap+named, who)
			}
		}
	}
	for place := range strings.FieldsSeq(places) {
		t.add(place+"的卡", product)
		t.add(place+"卡", product)
	}
}
